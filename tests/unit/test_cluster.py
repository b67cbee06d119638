"""What jobs ask of a cluster: memory and time from foreseen and measured cost, company, and the site's own words."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from unit.campaigns import planned

from batchlab.cluster import requests, site_file
from batchlab.cluster.requests import SIZES, Requests
from batchlab.cluster.site_file import Site
from batchlab.errors import BatchlabError
from batchlab.planning.jobs import Job
from batchlab.planning.lookup import Campaign

PROFILE = Path(__file__).resolve().parents[2] / "profiles/slurm"


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def asked(place: Site | None = None, gpu: bool = False, **changes: Any) -> Requests:
    campaign = Campaign(planned(**changes), "tensorflow", lambda path: path, "9.27.1")
    return Requests(campaign, place, gpu, lambda: True)


def jobs_of(rule: str, asks: Requests) -> list[Job]:
    return [job for job in asks.campaign.jobs if job.rule == rule]


def ran(job: Job, seconds: float, megabytes: float) -> None:
    """Write Snakemake's measurement of a job."""
    Path(job.benchmark).parent.mkdir(parents=True)
    Path(job.benchmark).write_text(f"s\th:m:s\tmax_rss\n{seconds}\t0\t{megabytes}\n")


def test_measured_memory_and_time_are_asked_for_with_a_margin_and_grow_with_each_attempt() -> None:
    first, second, *_ = jobs_of("train_segment", asked())
    ran(first, 3600, 812.5)
    asks = asked(Site(longest=200))
    assert asks.company(first) is None
    # 1.3 × 812.5 = 1056.25 and twice that, in hundreds; 1.5 × 60 minutes, at most 200.
    assert [asks.memory(first, attempt) for attempt in (1, 2)] == [1100, 2200]
    assert [asks.minutes(first, attempt) for attempt in (1, 2, 3)] == [90, 180, 200]
    assert asks.memory(second) == 1100  # of the same model and data
    assert asked(Site(memory=2, time=0.5)).memory(first) == 2200
    assert asked(Site(memory=2, time=0.5)).minutes(first) == 45


def test_a_short_training_of_a_long_tree_asks_for_more_after_each_failure_too(monkeypatch: pytest.MonkeyPatch) -> None:
    asks = asked(Site(longest=25))
    monkeypatch.setattr(asks, "company", lambda job: None)
    job = jobs_of("train_segment", asks)[0]
    assert [asks.minutes(job, attempt) for attempt in (1, 2, 3)] == [10, 20, 25]


def test_what_never_ran_asks_for_more_than_what_did() -> None:
    guess = asked().memory(jobs_of("train_segment", asked())[0])
    ran(jobs_of("train_segment", asked())[0], 5, 900)
    assert 900 < asked().memory(jobs_of("train_segment", asked())[0]) < guess


def submissions(asks: Requests) -> Counter[str]:
    """Return the number of submissions by group, as Snakemake makes them: connected jobs of one group, put together."""
    components = dict(
        item.split("=") for item in yaml.safe_load((PROFILE / "config.yaml").read_text())["group-components"]
    )
    makers = {path: job.name for job in asks.campaign.jobs for path in job.outputs.values()}
    group: dict[str, str] = {}
    for rule in ("check_model", "initialise_model", "train_segment", "measure_probe"):
        group |= {job.name: asks.company(job) or f"alone {job.name}" for job in jobs_of(rule, asks)}
    above = {name: name for name in group}

    def root(name: str) -> str:
        while above[name] != name:
            name = above[name]
        return name

    for job in asks.campaign.jobs:
        for value in job.inputs.values():
            for path in [value] if isinstance(value, str) else value:
                maker = makers.get(path)
                if maker in group and job.name in group and group[maker] == group[job.name]:
                    above[root(job.name)] = root(maker)
    found = Counter(group[name] for name in group if root(name) == name)
    return Counter({name: -(-count // int(components.get(name, 1))) for name, count in found.items()})


RATES = [round(0.001 * step, 3) for step in range(1, 501)]


def many(**changes: Any) -> Requests:
    study = {
        "title": "Many",
        "question": "?",
        "arms": {"fixed": {"batch_size": ["small", "large"], "learning_rate": RATES}},
    }
    return asked(run=["many"], studies={"many": study}, **changes)


def test_a_thousand_short_jobs_are_tens_of_submissions() -> None:
    asks = many()
    assert len(jobs_of("train_segment", asks)) == 1000
    assert submissions(asks) == {"initial": 1, "tiny_trees": 42}


def test_long_trainings_are_submissions_of_their_own_and_their_probes_are_not() -> None:
    first, *_ = jobs_of("train_segment", asked())
    ran(first, 10_000, 900)
    asks = asked()
    found = submissions(asks)
    assert found.pop("initial") == 1
    probes = {asks.company(job) for job in jobs_of("measure_probe", asks)}
    assert len(probes) == 1 and str(next(iter(probes))).endswith("_probes")
    assert found.pop(str(next(iter(probes)))) == 1
    assert all(name.startswith("alone ") for name in found)
    assert len(found) == len(jobs_of("train_segment", asks))


@pytest.mark.parametrize("seconds", [5, 300, 1500, 10_000])
def test_nothing_in_a_submission_waits_for_a_job_that_waits_for_the_submission(seconds: float) -> None:
    """Brute force: all jobs of a group at once are one node, and the graph of nodes has no circle."""
    ran(jobs_of("train_segment", asked())[0], seconds, 900)
    asks = asked()
    node = {job.name: asks.company(job) or job.name for job in asks.campaign.jobs}
    makers = {path: job.name for job in asks.campaign.jobs for path in job.outputs.values()}
    needs: defaultdict[str, set[str]] = defaultdict(set)
    for job in asks.campaign.jobs:
        paths = [path for value in job.inputs.values() for path in ([value] if isinstance(value, str) else value)]
        needs[node[job.name]] |= {node[makers[path]] for path in paths if path in makers} - {node[job.name]}
    left = set(node.values())
    while ready := {name for name in left if not needs[name] & left}:
        left -= ready
    assert left == set()


@pytest.mark.parametrize("longest", [30, 60, 1440])
def test_no_group_outlasts_the_longest_submission(longest: int) -> None:
    """The sum of what its trees ask for, four at once, at the second attempt."""
    scale = max(1.0, requests._LONGEST / longest)
    for most, together in SIZES.values():
        assert most / scale * max(1, together / 4) * 2 <= longest


def test_the_profile_puts_together_as_many_as_is_reckoned_with() -> None:
    profile = yaml.safe_load((PROFILE / "config.yaml").read_text())
    components = {name: int(count) for name, count in (item.split("=") for item in profile["group-components"])}
    assert components == {"initial": SIZES["tiny"][1]} | {
        f"{size}_{what}": count for size, (_, count) in SIZES.items() for what in ("trees", "probes")
    }
    assert profile["cores"] == 4


def test_where_nothing_is_submitted_there_are_no_groups() -> None:
    asks = asked()
    job = jobs_of("train_segment", asks)[0]
    assert asks.group("train_segment")(job.wildcards) == "tiny_trees"
    asks._submits = lambda: False
    assert asks.group("train_segment")(job.wildcards) is None


def test_tables_figures_and_downloads_are_never_submitted() -> None:
    text = "".join(path.read_text() for path in (PROFILE.parents[1] / "rules").glob("*.smk"))
    rules = re.findall(r"^rule (\w+):\n((?:    .*\n|\n)*)", text, re.MULTILINE)
    assert {name for name, body in rules if "localrule: True" not in body} == {
        *("check_model", "initialise_model", "train_segment", "measure_probe", "measure_apart", "verify"),
        "train_together",  # which a run that submits jobs never makes
    }


# A site


def written(text: str) -> dict[str, str]:
    Path("site.yaml").write_text(text)
    return {"BATCHLAB_SITE": "site.yaml"}


def test_a_site_says_account_partition_and_gpu_in_slurms_words() -> None:
    found = site_file.required(
        written("account: abc123\npartition: gpu\nlongest: 60\nconstraint: none\ngpu: gpu:h200:1\n")
    )
    resources = Requests(SimpleNamespace(), found, True, lambda: True).resources("train_segment")  # type: ignore[arg-type]
    assert {key: value for key, value in resources.items() if isinstance(value, str)} == {
        "slurm_account": "abc123",
        "slurm_partition": "gpu",
        "gres": "gpu:h200:1",
    }


@pytest.mark.parametrize(("gpu", "submits", "count"), [("gpus", True, 1), ("gpu:1", True, 0), ("gpu:1", False, 1)])
def test_a_gpu_is_asked_for_in_one_way_and_counted_on_this_machine(gpu: str, submits: bool, count: int) -> None:
    asks = Requests(SimpleNamespace(), Site(gpu=gpu), True, lambda: submits)  # type: ignore[arg-type]
    resources = asks.resources("train_segment")
    assert resources["gpu"]({}) == count
    assert resources.get("gres") == (None if gpu == "gpus" else gpu)
    assert "gpu" not in Requests(SimpleNamespace(), Site(gpu=gpu), False, lambda: True).resources("x")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "site.yaml is missing; copy profiles/slurm/site.example.yaml there and fill in three lines"),
        ("account: FILL IN\n", "site.yaml: account is not filled in; the line above it says how to find it out"),
        ("acount: abc\n", "site.yaml: unknown key 'acount'; did you mean 'account'? allowed: "),
        ("longest: a day\n", "site.yaml: longest: 'a day' is no whole number above 0"),
        ("memory: 0\n", "site.yaml: memory: 0 is no number above 0"),
        ("partition: [a]\n", 'site.yaml: partition: ["a"] is no text; write a name, or none'),
        ("- a\n", "site.yaml: this is no list of `key: value`; "),
        ("account: [\n", "site.yaml: line "),
    ],
)
def test_what_is_missing_or_wrong_is_one_line(text: str | None, message: str) -> None:
    environment = {"BATCHLAB_SITE": "site.yaml"} if text is None else written(text)
    with pytest.raises(BatchlabError) as problem:
        site_file.required(environment)
    assert str(problem.value).startswith(message)


def test_the_example_asks_for_three_things_and_the_rest_has_defaults() -> None:
    example = yaml.safe_load((PROFILE / "site.example.yaml").read_text())
    assert [key for key, value in example.items() if value == "FILL IN"] == ["account", "partition", "longest"]
    filled = {
        key: {"account": "none", "partition": "none", "longest": 1440}.get(key, value) for key, value in example.items()
    }
    assert site_file.required(written(yaml.safe_dump(filled))) == Site()
