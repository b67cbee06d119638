"""`make prune`: what no campaign plans is shown with its size, and deleted only when asked."""

from __future__ import annotations

import copy
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from unit.campaigns import RAW

from batchlab.errors import BatchlabError
from batchlab.paths import SCRIPTS
from batchlab.planning.jobs import Jobs
from batchlab.pruning.unneeded import campaigns, unneeded


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one campaign, all of whose shared results lie there, each of ten bytes."""
    monkeypatch.chdir(tmp_path)
    Path("config").mkdir()
    raw = {**copy.deepcopy(RAW), "run": list(RAW["studies"])}
    Path("config/trial.yaml").write_text(yaml.safe_dump(raw))
    for job in planned():
        if job.kind in ("data", "check", "segments", "probes"):
            for output in job.outputs.values():
                put(f"{output}/table.csv" if job.folder else output)
            block = f"/seeds-{job.wildcards['block']}" if "block" in job.wildcards else ""
            named = "/".join(value for key, value in job.wildcards.items() if key != "block")
            put(f"logs/{job.rule}/{named}{block}.log")
            if job.benchmark:
                put(job.benchmark)
    return tmp_path


def planned() -> Jobs:
    [jobs] = campaigns(Path("config")).values()
    return jobs


def put(path: str, size: int = 10) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_bytes(bytes(size))


def prune(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "batchlab.pruning", *arguments]
    return subprocess.run(command, env={"PYTHONPATH": str(SCRIPTS)}, capture_output=True, text=True, check=False)


def files(place: Path) -> set[str]:
    return {path.relative_to(place).as_posix() for path in place.rglob("*") if path.is_file()}


def test_what_a_campaign_plans_is_needed(place: Path) -> None:
    assert unneeded(planned()) == []
    assert unneeded([]) != []


def test_what_no_campaign_plans_is_shown_and_only_then_deleted(place: Path) -> None:
    before = files(place)
    segment = next(path for path in Path("results/segments").iterdir())
    put(f"{segment}/seeds-7-8/state.npz", 2_000_000)
    put("results/segments/digits-mlp-sgd-b1-lr1-to1-0123456789/seeds-0-1/state.npz", 3_000_000)
    put("results/probes/gradient_norms/old/seeds-0-1/table.csv")
    put("results/data/old/data.npz")
    put("results/checkpoints/digits-old-seeds-0-1.npz")
    put("logs/train_segment/digits-old/seeds-0-1.benchmark.tsv")
    after = files(place)
    found = {str(each.path): each.size for each in unneeded(planned())}
    assert found == {
        "results/data/old": 10,
        f"{segment}/seeds-7-8": 2_000_000,
        "results/segments/digits-mlp-sgd-b1-lr1-to1-0123456789/seeds-0-1": 3_000_000,
        "results/probes/gradient_norms/old/seeds-0-1": 10,
        "results/checkpoints/digits-old-seeds-0-1.npz": 10,
        "logs/train_segment/digits-old/seeds-0-1.benchmark.tsv": 10,
    }
    shown = prune()
    assert shown.returncode == 0 and files(place) == after
    assert "segments: 2, 5.0 MB" in shown.stdout and "  10 bytes  results/data/old\n" in shown.stdout
    assert "make prune DELETE=yes deletes it" in shown.stdout
    assert prune("--delete").returncode == 0
    assert files(place) == before
    assert not Path("results/segments/digits-mlp-sgd-b1-lr1-to1-0123456789").exists()


def test_a_checkpoint_is_needed_until_its_training_has_ended(place: Path) -> None:
    job = next(job for job in planned() if job.rule == "train_segment")
    checkpoint = f"results/checkpoints/{job.wildcards['segment']}-seeds-{job.wildcards['block']}.npz"
    put(checkpoint)
    assert [str(each.path) for each in unneeded(planned())] == [checkpoint]
    Path(job.name).unlink()
    assert unneeded(planned()) == []


def test_results_of_a_campaign_elsewhere_stay_if_it_is_named(place: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "mine.yaml"
    elsewhere.write_text(yaml.safe_dump({**yaml.safe_load(Path("config/trial.yaml").read_text()), "epochs": 7}))
    jobs = campaigns(Path("config"), [elsewhere])
    longer = next(job for job in jobs[elsewhere] if job.rule == "train_segment" and "to7" in job.name)
    put(longer.name)
    assert [each.kind for each in unneeded(planned())] == ["segments"]
    assert unneeded([job for each in jobs.values() for job in each]) == []


def test_campaigns_in_folders_of_config_keep_their_results_too(place: Path) -> None:
    Path("config/workloads").mkdir()
    Path("config/trial.yaml").rename("config/workloads/trial.yaml")
    assert unneeded(planned()) == []
    assert prune().stdout == "Everything here is needed by one of 1 campaigns below config/\n"


def test_what_is_named_must_be_a_campaign(place: Path) -> None:
    Path("study.yaml").write_text("title: A study\n")
    said = prune("study.yaml").stderr
    assert said.startswith("batchlab: error: study.yaml cannot be planned") and "'campaign' is missing" in said


def test_nothing_is_deleted_where_a_campaign_cannot_be_planned_or_snakemake_runs(place: Path) -> None:
    put("results/data/old/data.npz")
    put(".snakemake/locks/0.input.lock")
    assert "Snakemake runs in this folder" in prune("--delete").stderr
    Path("config/broken.yaml").write_text("campaign: broken\nstudies: 3\n")
    with pytest.raises(BatchlabError, match=r"config/broken\.yaml cannot be planned, so nobody knows what it needs"):
        campaigns(Path("config"))
    assert Path("results/data/old/data.npz").exists()
