"""Several faults at once: whoever mends a campaign wants to see all of them, not the first one again and again."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator

from batchlab.errors import BatchlabError

# More lines than fit on a screen help nobody.
_MOST = 25


class FaultsError(BatchlabError):
    """More than one problem.

    Args:
        lines: One line for each problem.
    """

    def __init__(self, lines: Iterable[str]) -> None:
        self.lines = tuple(lines)
        super().__init__(f"{self.lines[0]} (and {len(self.lines) - 1} more)")


def lines_of(problem: BatchlabError) -> tuple[str, ...]:
    """Return the lines of an error: one, or one for each problem of several."""
    return problem.lines if isinstance(problem, FaultsError) else (str(problem),)


def for_the_terminal(problem: BatchlabError) -> str:
    """Return an error as the terminal shows it: one line for each problem, a count for those beyond 25."""
    lines = lines_of(problem)
    shown = [f"batchlab: error: {line}" for line in lines[:_MOST]]
    return "\n".join([*shown, *([f"batchlab: and {len(lines) - _MOST} more errors"] if len(lines) > _MOST else [])])


class Collected:
    """Gathers problems of parts that do not depend on one another."""

    def __init__(self) -> None:
        self._lines: dict[str, None] = {}

    @contextlib.contextmanager
    def part(self) -> Iterator[None]:
        """Run a part; a problem in it is kept, and what follows goes on."""
        try:
            yield
        except BatchlabError as problem:
            self._lines |= dict.fromkeys(lines_of(problem))

    def add(self, problem: BatchlabError) -> None:
        """Keep a problem; one that was told already is not told twice."""
        self._lines |= dict.fromkeys(lines_of(problem))

    def tell(self) -> None:
        """Raise what was gathered.

        Raises:
            BatchlabError: There was one problem.
            FaultsError: There were several.
        """
        match list(self._lines):
            case []:
                return
            case [line]:
                raise BatchlabError(line)
            case lines:
                raise FaultsError(lines)
