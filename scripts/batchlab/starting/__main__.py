"""`python -m batchlab.starting DATA [--label COLUMN] [--name NAME] [--keys 'missing: drop']` writes a campaign."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from batchlab.configuration.faults import for_the_terminal
from batchlab.errors import BatchlabError
from batchlab.starting.writing import write


def _command() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make new", description=__doc__)
    parser.add_argument("data", help="a file of yours, or the name of a published set")
    parser.add_argument("--label", help="the column of a table that holds the labels")
    parser.add_argument("--name", help="name of the campaign; without it, made of the file's")
    parser.add_argument("--keys", default="", help="more keys of the data set, such as 'missing: drop, scale: 255'")
    return parser.parse_args()


try:
    given = _command()
    print(write(given.data, given.label, given.name, given.keys, Path("config")))
except BatchlabError as problem:
    sys.exit(for_the_terminal(problem))
