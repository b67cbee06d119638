"""A folder of Parquet files as one table: the files in the order of their names, all with the same columns.

Standard library only: planning and the job that reads the rows take the same files.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from batchlab.errors import BatchlabError
from batchlab.sources.formats.csv.kinds import listed
from batchlab.sources.formats.parquet.parquet_footer import Footer, Holds, StoredColumn, footer_of
from batchlab.sources.listing import files_below

SUFFIXES = (".parquet", ".pq")


def is_folder_of_tables(folder: Path) -> bool:
    """Return whether a folder holds Parquet files, or nothing but such files in folders of its own."""
    names = [name for name, *_ in files_below(folder) if not name.rpartition("/")[2].startswith("_")]
    tables = [name for name in names if name.lower().endswith(SUFFIXES)]
    return any("/" not in name for name in tables) or (bool(tables) and len(tables) == len(names))


def files_of(path: Path) -> list[Path]:
    """Return the Parquet files of a table: the file itself, or those of a folder in the order of their names.

    Files whose names begin with `_` or `.` are notes that programs leave beside tables.

    Raises:
        BatchlabError: The folder holds other files, or folders.
    """
    if not path.is_dir():
        return [path]
    found = []
    for name, *_ in files_below(path):
        folder, _, file = name.rpartition("/")
        if file.startswith("_"):
            continue
        if folder:
            raise BatchlabError(
                f"{path}: holds the folder {folder.partition('/')[0]!r}, and what names of folders say is not read; "
                "put all files of the table into one folder, such names into a column"
            )
        if not file.lower().endswith(SUFFIXES):
            raise BatchlabError(f"{path}: holds {file!r} beside Parquet files; take it out")
        found.append(path / file)
    if not found:
        raise BatchlabError(f"{path}: holds no Parquet file")
    return found


def footer_of_table(path: Path) -> Footer:
    """Return what the footers of a table's files say of it as a whole.

    Raises:
        BatchlabError: A file has other columns than the first, or is none.
    """
    files = files_of(path)
    footers = [footer_of(file) for file in files]
    if len(footers) == 1:
        return footers[0]
    first, *others = footers
    names = [column.name for column in first.columns]
    for file, footer in zip(files[1:], others, strict=True):
        own = [column.name for column in footer.columns]
        for name in names:
            if name not in own:
                raise BatchlabError(f"{file}: has no column {name!r}, as {files[0].name} has; it has {listed(own)}")
        for name in own:
            if name not in names or own.count(name) != names.count(name):
                raise BatchlabError(f"{file}: has a column {name!r}, which {files[0].name} has not; write both alike")
    columns = [
        _together(files, [next(each for each in footer.columns if each.name == name) for footer in footers])
        for name in names
    ]
    writers = dict.fromkeys(footer.written_by for footer in footers)
    return Footer(sum(footer.rows for footer in footers), tuple(columns), ", ".join(filter(None, writers)))


def _together(files: Sequence[Path], parts: Sequence[StoredColumn]) -> StoredColumn:
    """Return one column of all files; how many words it holds is known of none, since they may share some."""
    first = parts[0]
    kinds: set[Holds] = {part.holds for part in parts}
    holds = first.holds if len(kinds) == 1 else "numbers"
    if len(kinds) > 1 and not kinds <= {"numbers", "whole numbers"}:
        other = next(number for number, part in enumerate(parts) if part.holds != first.holds)
        raise BatchlabError(
            f"{files[other]}: column {first.name!r} holds {parts[other].holds}, and {first.holds} in {files[0].name}; "
            "write both alike"
        )
    gaps, least, largest = ([getattr(part, field) for part in parts] for field in ("gaps", "least", "largest"))
    return replace(
        first,
        holds=holds,
        gaps=None if None in gaps else sum(gaps),
        least=None if None in least else min(least),
        largest=None if None in largest else max(largest),
        words=None,
    )
