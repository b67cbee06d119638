"""`python -m batchlab.pruning [--delete] [campaign.yaml …]` shows what no campaign needs, and deletes it if asked."""

from __future__ import annotations

import argparse
import contextlib
import shutil
import sys
from pathlib import Path

from batchlab.configuration.faults import for_the_terminal
from batchlab.errors import BatchlabError
from batchlab.pruning.unneeded import Unneeded, campaigns, unneeded


def _size(found: list[Unneeded]) -> str:
    """Return the size of some files in words."""
    size = sum(each.size for each in found)
    return f"{size / 1e6:,.1f} MB" if size >= 1e5 else f"{size:,} bytes"


def _show(found: list[Unneeded]) -> None:
    for kind in dict.fromkeys(each.kind for each in found):
        of_kind = [each for each in found if each.kind == kind]
        print(f"{kind}: {len(of_kind)}, {_size(of_kind)}")
        for each in sorted(of_kind, key=lambda each: -each.size):
            print(f"  {_size([each]):>14}  {each.path}")


def _delete(found: list[Unneeded]) -> None:
    for each in found:
        if each.path.is_dir():
            shutil.rmtree(each.path)
        else:
            each.path.unlink(missing_ok=True)
        for folder in list(each.path.parents)[:-2]:  # not results/ or logs/ themselves
            with contextlib.suppress(OSError):  # unless something else is in it
                folder.rmdir()


def main() -> None:
    """Show what no campaign needs; delete it only with `--delete`.

    Raises:
        BatchlabError: A campaign cannot be planned, or Snakemake runs.
    """
    parser = argparse.ArgumentParser(prog="make prune", description=__doc__)
    parser.add_argument("--delete", action="store_true", help="delete it; without this it is only shown")
    parser.add_argument("campaign", nargs="*", type=Path, help="campaigns outside of config/ whose results stay")
    given = parser.parse_args()
    for path in given.campaign:
        if not path.is_file():
            raise BatchlabError(f"{path}: there is no such campaign file")
    planned = campaigns(Path("config"), given.campaign)
    if not planned:
        raise BatchlabError("config: there is no campaign here; call this in the folder that holds results/")
    below = len(set(planned) - set(given.campaign))
    those = ", ".join([f"{below} campaigns below config/", *map(str, given.campaign)])
    found = unneeded([job for jobs in planned.values() for job in jobs])
    _show(found)
    if not found:
        print(f"Everything here is needed by one of {those}")
    elif not given.delete:
        print(f"{_size(found)} that none of these needs: {those}. Values given by --config do not count.")
        print("make prune DELETE=yes deletes it; MORE='a.yaml b.yaml' names campaigns outside of config/.")
    else:
        if any(Path(".snakemake/locks").glob("*")):
            raise BatchlabError("Snakemake runs in this folder, or was killed (make unlock); nothing is deleted")
        _delete(found)
        print(f"Deleted: {_size(found)}")


if __name__ == "__main__":
    try:
        main()
    except BatchlabError as problem:
        sys.exit(for_the_terminal(problem))
