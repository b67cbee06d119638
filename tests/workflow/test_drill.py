"""The examples of CONTRIBUTING.md, done as a contributor would: in a copy of the project that has been run."""

from __future__ import annotations

import hashlib
import html
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from slow import slow_but
from workflow.checkouts import ONE, PROJECT, Checkout

from batchlab.configuration.campaign import merged

PAGE = PROJECT / "CONTRIBUTING.md"
# Files that an example names and that are no text to print on a page.
DATA = {"scripts/batchlab/sources/published/moons.csv": Path(__file__).parent / "drill/moons.csv"}
# What running the workflow writes; everything else is the project itself.
MADE = {"results", "logs", ".snakemake", "__pycache__", "output"}


def examples() -> dict[str, list[str]]:
    """Return path → code blocks of the page that are labelled with it in the line before."""
    found: dict[str, list[str]] = {}
    for path, code in re.findall(r"^`([^`\n]+)`\n```\w+\n(.*?)^```$", PAGE.read_text(), re.M | re.S):
        found.setdefault(path, []).append(code)
    return found


def files() -> dict[str, bytes]:
    """Return path → content of each file that a contributor adds."""
    code = {path: "".join(blocks).encode() for path, blocks in examples().items() if path.endswith(".py")}
    return code | {path: source.read_bytes() for path, source in DATA.items()}


def extended() -> dict[str, Any]:
    """Return the campaign with what the page adds to it."""
    campaign = ONE
    for block in examples()["config/mine.yaml"]:
        campaign = merged(campaign, yaml.safe_load(block))
    return campaign


def project_of(folder: Path) -> dict[str, str]:
    """Return path → digest of each file of the project, without what running it makes."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and not MADE & set(path.relative_to(folder).parts)
    }


@dataclass
class Drill:
    """What happened, step by step.

    Attributes:
        folder: The copy of the project.
        before: Its files before anything is added, by digest.
        registered: Jobs of a dry run once the files are there, by rule.
        planned: Jobs of a dry run once the campaign uses them.
        messages: What that dry run says it would do, without digests.
        old: Path → digest of the results of the campaign as it was.
        code: Exit code of the run.
        output: What it printed.
        left: Jobs of a dry run after it.
    """

    folder: Path
    before: dict[str, str] = field(default_factory=dict)
    registered: dict[str, int] = field(default_factory=dict)
    planned: dict[str, int] = field(default_factory=dict)
    messages: set[str] = field(default_factory=set)
    old: dict[str, str] = field(default_factory=dict)
    code: int = -1
    output: str = ""
    left: dict[str, int] = field(default_factory=dict)


def results_of(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in (folder / "results").rglob("*")
        if path.is_file()
    }


@pytest.fixture(scope="module")
def drill(one: Path, tmp_path_factory: pytest.TempPathFactory) -> Drill:
    """In a campaign that has been run, add the files, plan; extend the campaign, plan, run, plan again."""
    folder = tmp_path_factory.mktemp("drill") / "project"
    shutil.copytree(one, folder, copy_function=shutil.copy2)
    checkout, done = Checkout(folder, ONE), Drill(folder)
    assert checkout.planned() == {}
    done.before, done.old = project_of(folder), results_of(folder)
    for path, content in files().items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    done.registered = checkout.planned()
    checkout.configure(extended())
    code, output = checkout.snakemake("--dry-run")
    assert code == 0, output
    done.messages = {re.sub(r"-[0-9a-f]{10,}\b", "", text) for text in re.findall(r"^Job \d+: (.*)$", output, re.M)}
    done.planned = checkout.planned()
    done.code, done.output = checkout.snakemake()
    done.left = checkout.planned() if done.code == 0 else {}
    return done


def test_registering_reruns_nothing(drill: Drill) -> None:
    assert drill.registered == {}


def test_the_campaign_runs_exactly_what_is_new(drill: Drill) -> None:
    # Its study trains two arms more, on the new model and the new data; the other two are those of the study before.
    assert drill.planned == {
        "prepare_data": 1,
        "initialise_model": 2,
        "train_segment": 2,
        "measure_probe": 2,
        "tabulate_study": 1,
        "figure_data": 1,
        "draw_figure": 1,
        "judge_claims": 1,
        "merge_tables": 6,
        "write_report": 1,
        # Markers of what is there and out of date: the joined tables and the report.
        "note_outdated": 7,
    }
    studies = [text for text in drill.messages if re.search(r"Tabulate|Derive|Judge|Compute|Draw \w+:", text)]
    assert studies and all("noise" in text for text in studies)


def test_it_runs_to_the_end_and_is_done(drill: Drill) -> None:
    assert drill.code == 0, drill.output
    assert drill.left == {}


def test_the_probe_fills_its_declared_table(drill: Drill) -> None:
    table = pd.read_csv(drill.folder / "results/small/tables/noise/weight_noise.csv")
    [settings] = extended()["studies"]["noise"]["probes"].values()
    arms, seeds = 2, ONE["seeds"]["count"]
    assert len(table) == arms * seeds * len(settings["scales"])
    assert set(table["batch_size"]) == {64, 256}
    assert set(table["probe"]) == {"weight_noise"}
    # Noise as large as the weights does harm, a hundredth of it hardly any: neither zeros nor shuffled rows would do.
    mean = table.groupby("scale")["growth"].mean()
    assert mean[1] > 0.1 > abs(mean[0.01])


def test_the_figure_is_drawn_from_a_table_of_its_own(drill: Drill) -> None:
    figures = drill.folder / "results/small/figures/noise"
    assert {path.name for path in figures.glob("growth.*")} >= {
        *("growth.csv", "growth.svg", "growth.png", "growth.html", "growth.vl.json")
    }
    assert len(pd.read_csv(figures / "growth.csv")) > 0


def test_the_claim_is_judged_and_in_the_report(drill: Drill) -> None:
    [claim] = pd.read_csv(drill.folder / "results/small/claims/noise.csv").itertuples()
    assert claim.n == ONE["seeds"]["count"]
    assert claim.verdict in {"supported", "contradicted", "undetermined"}
    # Numbers and their units are kept together by fixed spaces.
    page = html.unescape((drill.folder / "results/small/index.html").read_text()).replace("\u00a0", " ")
    assert claim.statement in page


def test_results_of_before_stay_as_they_were(drill: Drill) -> None:
    after = results_of(drill.folder)
    changed = {path for path, digest in drill.old.items() if after.get(path) != digest}
    # What sums up the whole campaign has one more study in it.
    whole = re.compile(r"results/small/(index\..+|claims\.html|tables/\w+\.csv(\.provenance\.json)?)")
    assert [path for path in changed if not whole.fullmatch(path)] == []


def test_only_new_files_and_the_campaign_were_touched(drill: Drill) -> None:
    after = project_of(drill.folder)
    assert after.keys() - drill.before.keys() == files().keys()
    assert {path for path, digest in drill.before.items() if after.get(path) != digest} == {"config/small.yaml"}


def test_each_thing_takes_at_most_two_files() -> None:
    """A declaration and the code; a model or a published set is one file, and its data."""
    folders: dict[str, int] = {}
    for path in files():
        room = "/".join(path.split("/")[:4])
        folders[room] = folders.get(room, 0) + 1
    assert max(folders.values()) <= 2, folders


@pytest.fixture(scope="module")
def added(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of code and tests with the added files."""
    folder = tmp_path_factory.mktemp("added")
    for part in ("scripts", "tests", "config", "docs", "envs", "rules"):
        shutil.copytree(PROJECT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("pyproject.toml", "Snakefile", "CITATION.cff", "LICENSE"):
        shutil.copy(PROJECT / file, folder)
    for path, content in files().items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    return folder


def run(folder: Path, *command: str) -> tuple[int, str]:
    done = subprocess.run([sys.executable, "-m", *command], cwd=folder, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


CHECKS = ("ruff check --no-cache .", "ruff format --no-cache --check --diff .")


@pytest.mark.parametrize("command", slow_but([*CHECKS, "mypy"], *CHECKS))
def test_examples_pass_make_check(added: Path, command: str) -> None:
    code, output = run(added, *command.split())
    assert code == 0, output


@pytest.mark.slow
def test_tests_of_declarations_cover_what_was_added(added: Path) -> None:
    """Nobody writes the test that a probe's tables have the declared columns: it is there for each probe."""
    code, output = run(added, "pytest", "-q", "-m", "", "tests/numerics/test_probe_tables.py", "-k", "weight_noise")
    assert code == 0 and re.search(r"[1-9]\d* passed", output), output


def test_the_manual_names_what_was_added(added: Path) -> None:
    program = "from batchlab.pages import rendered; print(*rendered().values())"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=added / "scripts", capture_output=True, text=True, check=True
    )
    for name in ("weight_noise", "dots", "residual", "moons"):
        assert f"`{name}`" in done.stdout, name
