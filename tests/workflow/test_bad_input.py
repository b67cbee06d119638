"""Bad files through the real Snakemake: one line, exit code 1, no traceback, nothing overwritten."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from workflow.checkouts import PROJECT, Checkout
from workflow.dryruns import DryRuns, jobs_of

MINE: dict[str, Any] = {
    "campaign": "small",
    "run": ["tiny"],
    "dataset": "mine",
    "model": "mine",
    "epochs": 1,
    "seeds": {"count": 1, "block": 1},
    "batch_sizes": {"small": 8},
    "datasets": {"mine": {"file": "mine.csv", "label": "kind"}},
    "models": {"mine": {"file": "mine.py", "width": 5}},
    "optimizers": {"sgd": {"name": "sgd", "learning_rate": 0.05}},
    "studies": {"tiny": {"title": "t", "question": "q", "arms": {"a": {}}}},
}
TABLE = "a,b,kind\n" + "".join(f"{i % 7},{i * 13 % 11},{'uv'[i % 2]}\n" for i in range(60))
MODEL = """import keras


def build(input_shape, classes, width=3):
    return keras.Sequential([keras.Input(input_shape), keras.layers.Dense(width), keras.layers.Dense(classes)])
"""


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A checkout with a table and a model of the user, whose initial weights are drawn."""
    made = Checkout(tmp_path_factory.mktemp("bad"))
    made.configure(MINE)
    (made.folder / "mine.csv").write_text(TABLE)
    (made.folder / "mine.py").write_text(MODEL)
    code, output = made.snakemake("--until", "initialise_model")
    assert code == 0, output
    return made


def contents(folder: Path) -> dict[str, str]:
    """Return the digest of every result, of settings files excepted."""
    paths = [path for path in folder.rglob("*") if path.is_file() and "settings" not in path.parts]
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


@pytest.mark.parametrize(
    ("file", "content", "words"),
    [
        ("mine.csv", "", ["datasets.mine: mine.csv: is empty", "header line"]),
        ("mine.csv", TABLE.replace("kind", "kinds"), ["mine.csv: label = 'kind'", "a, b, kinds"]),
        ("mine.csv", TABLE.replace("\n1,", "\nx,", 1), ["mine.csv: line 3, column 'a': holds 'x'", "finite number"]),
        ("mine.csv", None, ["datasets.mine: ", "'mine.csv' cannot be read (No such file or directory)"]),
        ("mine.py", None, ["models.mine.file: no file 'mine.py'"]),
        ("mine.py", MODEL.replace("):", ")"), ["models.mine.file: mine.py: line 4 is not valid Python"]),
        pytest.param(
            "mine.py",
            MODEL.replace("    return", "    print('hi')\n    raise OSError('no\\nway')\n    return"),
            [
                "model mine.py: build() failed: OSError: no way (mine.py, line 6)",
                "the traceback is in logs/check_model/",
            ],
            marks=pytest.mark.slow,
        ),
        pytest.param(
            "mine.py",
            "import sys\nsys.exit(0)\n" + MODEL,
            ["model mine.py, line 2: exit() was called"],
            marks=pytest.mark.slow,
        ),
        ("mine.py", MODEL.replace("(classes)", "(classes, activation='softmax')"), ["mine.py: returns probabilities"]),
    ],
)
def test_a_bad_file_is_one_line_and_harms_nothing(
    checkout: Checkout, file: str, content: str | None, words: list[str]
) -> None:
    path = checkout.folder / file
    good, before = path.read_text(), contents(checkout.folder / "results")
    if content is None:
        path.unlink()
    else:
        path.write_text(content)
    try:
        code, output = checkout.snakemake("--until", "initialise_model")
    finally:
        path.write_text(good)
    lines = [line for line in output.splitlines() if line.startswith("batchlab: error: ")]
    assert code == 1 and len(lines) == 1, output
    assert "Traceback" not in output
    for word in words:
        assert word in lines[0]
    assert contents(checkout.folder / "results") == before


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("campaign: mine\nepochs: [1\n", "not valid JSON or YAML"),
        ("campaign: mine\n\tepochs: 3\n", "not valid JSON or YAML"),
        ("", "keys at top level"),
        ("- a\n- b\n", "keys at top level"),
        ("campaign: !!python/object/apply:os.system [touch pwned]\n", "not valid JSON or YAML"),
        ("campaign: a\nepochs: 3\nepochs: 4\n", "wrong.yaml: line 3: the key 'epochs' stands in line 2 already"),
        ("campaign: &a [*a]\nbatch_sizes: {small: 1}\n", "is nested too deeply"),
        ("campaign: ../x\nbatch_sizes: {small: 1}\n", "campaign: '../x' is not possible"),
        ("campaign: x\nbatch_sizes: {small: 1}\nstudies:\n", "studies: null is not possible; allowed: a mapping"),
    ],
)
def test_a_malformed_campaign_is_told_without_a_traceback(
    checkout: Checkout, dry_runs: DryRuns, content: str, words: str
) -> None:
    """Of the first five Snakemake speaks itself: it reads the file before anything of the project runs."""
    (checkout.folder / "wrong.yaml").write_text(content)
    before = contents(checkout.folder)
    code, output = dry_runs.run(checkout.folder, ["--dry-run", "--configfile", "wrong.yaml"])
    assert code == 1
    assert words in output
    assert "Traceback" not in output
    after = contents(checkout.folder)
    assert {path: digest for path, digest in after.items() if "/.snakemake/" not in path} == {
        path: digest for path, digest in before.items() if "/.snakemake/" not in path
    }


@pytest.mark.parametrize("words", ["epochs=abc", "campaign=../x", "seeds=3", "nonsense=1"])
def test_a_wrong_value_on_the_command_line(checkout: Checkout, dry_runs: DryRuns, words: str) -> None:
    checkout.configure(MINE)
    arguments = ["--dry-run", "--cores", "2", "--config", words, "--configfile", "config/small.yaml"]
    code, output = dry_runs.run(checkout.folder, arguments)
    assert code == 1
    assert f"batchlab: error: {'the campaign' if 'nonsense' in words else words.partition('=')[0]}: " in output
    assert "Traceback" not in output


@pytest.mark.parametrize("config", ["absent.yaml", "config"])
def test_make_names_a_campaign_that_is_no_file(config: str) -> None:
    failed = subprocess.run(["make", "plan", f"CONFIG={config}"], cwd=PROJECT, capture_output=True, text=True)
    assert failed.returncode != 0
    assert failed.stderr.startswith(f"batchlab: error: CONFIG: there is no file {config}; see config/")


@pytest.mark.parametrize("target", ["plan", "figures"])
def test_make_names_file_and_line_of_broken_yaml(tmp_path: Path, target: str) -> None:
    (tmp_path / "my campaign.yaml").write_text("campaign: mine\nepochs: [1\nseeds: 3\n")
    config = tmp_path / "my campaign.yaml"
    failed = subprocess.run(["make", target, f"CONFIG={config}"], cwd=PROJECT, capture_output=True, text=True)
    assert failed.returncode != 0
    assert failed.stderr.startswith(f"batchlab: error: {config}: line 3, column 6: this is no YAML: ")
    assert "Traceback" not in failed.stdout + failed.stderr


def test_a_mapping_on_the_command_line(checkout: Checkout, dry_runs: DryRuns) -> None:
    """Of `seeds='{count: 2}'` Snakemake makes text; the jobs that it asks for are those of the file that says 2."""
    checkout.configure({**MINE, "seeds": {"count": 2, "block": 1}})
    code, wanted = dry_runs.run(checkout.folder, ["--dry-run", "--configfile", "config/small.yaml"])
    assert code == 0, wanted
    checkout.configure(MINE)
    given = ["--dry-run", "--config", "seeds={count: 2}", "--configfile", "config/small.yaml"]
    code, output = dry_runs.run(checkout.folder, given)
    assert code == 0, output
    assert jobs_of(output) == jobs_of(wanted)


def test_with_the_projects_logger_the_reason_of_a_failure_is_the_last_line(checkout: Checkout) -> None:
    path = checkout.folder / "mine.py"
    good = path.read_text()
    path.write_text(MODEL.replace("(classes)", "(classes, activation='softmax')"))
    environment = {**os.environ, "PYTHONPATH": "scripts"}
    command = [sys.executable, "-m", "snakemake", "--logger", "batchlab", "--cores", "2", "--quiet", "host"]
    try:
        done = subprocess.run(
            [*command, "--configfile", "config/small.yaml"],
            cwd=checkout.folder,
            env=environment,
            capture_output=True,
            text=True,
        )
    finally:
        path.write_text(good)
    lines = done.stderr.splitlines()
    assert done.returncode == 1
    assert lines[-1].startswith("batchlab: error: model mine.py: returns probabilities"), done.stderr
    assert "failed: try the model mine on mine" in lines
    assert "RuleException" not in done.stderr and "CalledProcessError" not in done.stderr
