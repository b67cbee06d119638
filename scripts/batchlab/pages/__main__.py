"""Write every generated page of the manual: `python -m batchlab.pages` (in `scripts/`), or `make docs`."""

from batchlab.files import write_text
from batchlab.pages import rendered

if __name__ == "__main__":
    for path, text in rendered().items():
        write_text(path, text)
