"""Pack the results of a campaign with workflow, settings and history as an RO-Crate."""

import json
import sys
from pathlib import Path

from batchlab.errors import BatchlabError
from crate.archive import write

spec = json.loads(snakemake.params.spec)
try:
    count = write(spec["target"], spec)
    message = f"batchlab: {spec['target']} holds {count} files"
    print(message)
except BatchlabError as problem:
    message = f"batchlab: error: {problem}"
    sys.exit(message)
finally:
    Path(snakemake.log[0]).write_text(f"{message}\n", encoding="utf-8")
