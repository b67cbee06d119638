"""Conda environment files, generated from the lock so that the two cannot disagree.

Run `python -m batchlab.pages.environments` (in `scripts/`) after the lock has changed; `make lock` does so.
"""

from __future__ import annotations

from pathlib import Path

from batchlab.files import write_text
from batchlab.records.digests import LOCK, locked_versions

# What the rules of each stage import; a stage's environment holds nothing else.
STAGES = {
    "train": ("tensorflow", "keras", "numpy", "pandas"),
    "tables": ("numpy", "pandas", "scipy", "pillow"),
    "figures": ("altair", "vl-convert-python", "pandas", "numpy", "scipy", "jinja2"),
}
# Making a sample of every stage again takes what all of them import.
STAGES["verify"] = tuple(dict.fromkeys(name for stage in STAGES.values() for name in stage))
STAGES["crate"] = ("rocrate",)


def conda_file(stage: str, lock: Path = LOCK) -> str:
    """Return the text of the conda environment file of a stage."""
    versions = locked_versions(lock)
    # scipy may be pinned twice, for different Pythons; conda installs Python 3.11 and so the first.
    pins = [f"      - {name}=={versions[name].partition(',')[0]}" for name in STAGES[stage]]
    lines = [
        "# Generated from envs/lock.txt by `make lock`; do not edit.",
        f"name: batchlab-{stage}",
        "channels:",
        "  - conda-forge",
        "dependencies:",
        "  - python=3.11",
        "  - pip",
        "  - pip:",
        *pins,
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    for name in STAGES:
        write_text(LOCK.with_name(f"{name}.yaml"), conda_file(name))
