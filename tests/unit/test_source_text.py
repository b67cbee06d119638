"""Digests of code do not depend on the version of Python: the text that they are made from does not."""

from __future__ import annotations

import ast
import hashlib
import json
import os
import shutil
import subprocess
import sys

import pytest

from batchlab.paths import SCRIPTS
from batchlab.source_text import source_text

FILES = sorted(SCRIPTS.rglob("*.py"))

# Source → the text of Python 3.11; later versions write the first three with other quotes.
EXAMPLES = {
    """f'{a["b"]}'""": """f"{a['b']}\"""",
    """f"{', '.join(a)} of {b}\"""": """f"{', '.join(a)} of {b}\"""",
    """f'{f"{a}"}'""": """f"{f'{a}'}\"""",
    """f'''it is "{a['b']}"'''""": """f'''it is "{a['b']}"'''""",
    """f'{a:>{b}} {{c}} {d!r} {e=}'""": """f'{a:>{b}} {{c}} {d!r} e={e!r}'""",
    """f'{(a if b else c)}'""": """f'{(a if b else c)}'""",
    """f'{ {1: 2} }\\n'""": """f'{ {1: 2}}\\n'""",
    """'no' + "f-string\"""": """'no' + 'f-string'""",
}
PROGRAM = """
import ast, hashlib, json, sys
from batchlab.source_text import source_text
texts = {name: source_text(ast.parse(open(name, encoding="utf-8").read())) for name in json.load(sys.stdin)}
print(json.dumps({name: hashlib.sha256(text.encode()).hexdigest() for name, text in texts.items()}))
"""


@pytest.mark.parametrize("source", EXAMPLES)
def test_quotes_are_those_of_python_3_11(source: str) -> None:
    assert source_text(ast.parse(source)) == EXAMPLES[source]


def test_the_text_of_every_file_means_the_same_and_is_what_python_3_11_writes() -> None:
    for path in FILES:
        source = path.read_text(encoding="utf-8")
        text = source_text(ast.parse(source))
        assert ast.dump(ast.parse(text)) == ast.dump(ast.parse(source)), path
        if sys.version_info < (3, 12):
            assert text == ast.unparse(ast.parse(source)), path


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13", "3.14"])
def test_other_versions_of_python_write_the_same(version: str) -> None:
    program = shutil.which(f"python{version}")
    if program is None or subprocess.run([program, "-c", ""], capture_output=True).returncode:
        pytest.skip(f"there is no Python {version}")
    names = json.dumps([str(path) for path in FILES])
    environment = {**os.environ, "PYTHONPATH": str(SCRIPTS)}
    command = [program, "-c", PROGRAM]
    done = subprocess.run(command, input=names, env=environment, capture_output=True, text=True, check=True)
    texts = {str(path): source_text(ast.parse(path.read_text(encoding="utf-8"))) for path in FILES}
    assert json.loads(done.stdout) == {name: hashlib.sha256(text.encode()).hexdigest() for name, text in texts.items()}
