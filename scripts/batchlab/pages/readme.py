"""The README's table of measured beside published values, from the claims of `results/paper`: `make readme`."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

from batchlab.paths import PROJECT
from batchlab.tables.rounding import estimate

README = PROJECT / "README.md"
CLAIMS = PROJECT / "results/paper/tables/claims.csv"
BEGIN, END = "<!-- claims of results/paper: make readme -->\n", "<!-- end -->\n"

# A selection; the report has all of them.
SHOWN = {
    "batch_size": ("level_small", "level_large", "faster_recovers"),
    "switch": ("switched_recovers", "control_does_not"),
    "gradient_norms": ("closed_form", "spread_falls", "path_spread_grows"),
    "weight_distances": ("ratio_keskar", "adam_leaves"),
    "equal_updates": ("independent_of_batch_size",),
    "growing_batch": ("equal_sgd", "fewer_updates"),
    "time": ("epoch_faster", "epochs_do_not_fall"),
    "accumulation": ("same_in_float64", "not_with_bn"),
    "batch_norm": ("as_ghost",),
    "adam_rule": ("sqrt_constant", "constant_lower"),
    "extremes": ("level_half", "level_single"),
    "architectures": ("lenet_order",),
}


def table(claims: Path = CLAIMS) -> str:
    """Return the count of verdicts and the selected claims as Markdown."""
    with claims.open(encoding="utf-8", newline="") as file:
        rows = {(row["study"], row["claim"]): row for row in csv.DictReader(file)}
    verdicts = Counter(row["verdict"] for row in rows.values())
    lines = [
        f"{len(rows)} published claims were judged: {verdicts['supported']} supported, {verdicts['contradicted']} "
        f"contradicted, {verdicts['undetermined']} undetermined. All of them are in",
        "[results/paper/tables/claims.csv](results/paper/tables/claims.csv), and the whole report is "
        "`results/paper/index.html`. A selection:",
        "",
        "| claim | source: published | measured, 95 % interval | seeds | verdict |",
        "|---|---|---|---|---|",
    ]
    for study, names in SHOWN.items():
        for name in names:
            row = rows[study, name]
            value, low, high = estimate(*(float(row[key]) for key in ("measured", "ci_low", "ci_high")))
            measured = f"{value} [{low}, {high}] {row['unit']}".strip()
            cells = (row["statement"], f"{row['source']}: {row['published']}", measured, row["n"], row["verdict"])
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def with_table(readme: str, claims: Path = CLAIMS) -> str:
    """Return the README with the table as it is now."""
    before, _, rest = readme.partition(BEGIN)
    after = rest.partition(END)[2]
    return f"{before}{BEGIN}{table(claims)}{END}{after}"


if __name__ == "__main__":
    README.write_text(with_table(README.read_text(encoding="utf-8")), encoding="utf-8")
