"""What a plan consists of: arms with chains of segments, probes, studies, and the names that these can have."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from batchlab.declarations import find
from batchlab.declarations.columns import Table
from batchlab.declarations.task import Chosen, chosen
from batchlab.planning.phases import Recipe
from batchlab.sources.settings import Settings

# Names of initial weights and of trained segments, as patterns: short ones, because Snakemake goes through the text of
# a pattern for every job (a list of all names costs a campaign of 1,000 arms a third of its dry run).
INITIAL_NAME = r"\w+-\w+-initial-[0-9a-f]{10}"
TRAINED_NAME = r"\w+-\w+-\w+-b\d+-[^/]+-[0-9a-f]{10}"


@dataclass(frozen=True)
class Segment:
    """A stretch of training between two cut points, for all seeds that need it.

    Attributes:
        name: Readable label and identity; the name of its folder.
        identity: Digest of all that its numbers depend on.
        spec: Settings that its numbers depend on, seeds excepted; `start` and `stop` count examples.
        data: Name of the data set's folder.
        parent: Name of the segment it continues; None for initial weights.
        initial: Name of the segment with the initial weights (itself for those).
    """

    name: str
    identity: str
    spec: dict[str, Any]
    data: str
    parent: str | None
    initial: str


@dataclass(frozen=True)
class Probe:
    """A measurement on one or several snapshots of an arm.

    Attributes:
        name: Readable label and identity; the name of its folder.
        identity: Digest of all that its numbers depend on.
        kind: Name of the folder in `batchlab.probes`.
        spec: Settings that its numbers depend on, seeds excepted.
        segments: Names of the segments whose last states are measured, in order.
    """

    name: str
    identity: str
    kind: str
    spec: dict[str, Any]
    segments: tuple[str, ...]

    @property
    def segment(self) -> str:
        """The last of the segments."""
        return self.segments[-1]


@dataclass(frozen=True)
class Arm:
    """One recipe of a study with its chain of segments, the initial weights first, and the blocks of its seeds."""

    recipe: Recipe
    chain: tuple[Segment, ...]
    description: dict[str, Any]
    blocks: tuple[str, ...]


@dataclass(frozen=True)
class DerivedTable:
    """A table of a study that is made of others.

    Attributes:
        derivation: Name of the folder in `batchlab.tables.derivations`.
        reads: Names of the tables that it is made of.
        options: All options of the derivation.
    """

    derivation: str
    reads: tuple[str, ...]
    options: dict[str, Any]


@dataclass(frozen=True)
class Study:
    """Everything that answers one question; the specs of its tables, figures and claims are ready to use.

    `blocks` are those of the seeds of arms that have no number of their own.
    `tables` are the declarations of all tables by name, those in `derived` included. `automatic` are the derivations
    that come with the probes: their tables are made together with the others, of numbers that no file has rounded.
    `answer` names the claims whose findings answer the question. `looks` is how often its claims may be judged while
    seeds are added.
    """

    name: str
    settings: dict[str, Any]
    reference: dict[str, Any] | None
    arms: tuple[Arm, ...]
    probes: tuple[tuple[Arm, int | None, Probe], ...]
    blocks: tuple[str, ...]
    tables: dict[str, Table]
    derived: dict[str, DerivedTable]
    automatic: tuple[str, ...]
    figures: dict[str, dict[str, Any]]
    claims: dict[str, dict[str, Any]]
    answer: tuple[str, ...] = ()
    looks: int = 1


@dataclass
class Plan:
    """What a campaign consists of, by name."""

    campaign: str
    config: dict[str, Any]
    data: dict[str, Settings] = field(default_factory=dict)
    segments: dict[str, Segment] = field(default_factory=dict)
    probes: dict[str, Probe] = field(default_factory=dict)
    studies: dict[str, Study] = field(default_factory=dict)
    model_files: dict[str, str] = field(default_factory=dict)  # digest of a user's model → its file
    task: Chosen = field(default_factory=lambda: chosen(find.tasks()))


def seed_blocks(first: int, count: int, size: int) -> tuple[str, ...]:
    """Return the seed blocks `first-last`; added seeds make new blocks and leave the full ones as they are."""
    last = first + count - 1
    return tuple(f"{start}-{min(start + size - 1, last)}" for start in range(first, last + 1, size))


def seeds_of(block: str) -> list[int]:
    """Return the seeds of a block written as `first-last`."""
    first, last = map(int, block.split("-"))
    return list(range(first, last + 1))
