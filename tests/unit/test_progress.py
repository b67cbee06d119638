"""What a run tells: shares of work, time left, words for jobs, the reason of a failure as the last line."""

from __future__ import annotations

import io
import json
import logging
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from snakemake_interface_logger_plugins.common import LogEvent
from snakemake_interface_logger_plugins.registry import LoggerPluginRegistry
from unit.campaigns import planned
from unit.test_campaign_files import campaign as campaign_file

from batchlab.planning import lookup
from batchlab.planning.lookup import Campaign
from batchlab.progress import checkpoints
from batchlab.progress.costs import Costs
from batchlab.progress.job_names import Words, duration, size
from batchlab.progress.narration import Telling, foretold
from batchlab.progress.results import counts, more_seeds, recommended
from batchlab.progress.run import Run, by_study
from batchlab.progress.screen import Screen, bar, fitted
from batchlab.records import currency
from batchlab.training.checkpoint import Checkpoint


class Clock:
    """A clock that goes when it is told to."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def campaign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Campaign:
    """A planned campaign of which nothing has been made."""
    monkeypatch.chdir(tmp_path)
    return Campaign(planned(), "tensorflow", lambda path: path, "9.27.1")


def rules(campaign: Campaign) -> Counter[str]:
    return Counter(job.rule for job in campaign.jobs)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (59.4, "59 s"), (200, "3 min 20 s"), (601, "10 min"), (3599, "1 h 00 min"), (14_700, "4 h 05 min")],
)
def test_durations_in_words(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_sizes_and_bars() -> None:
    assert [size(value) for value in (0.2, 12.4, 999, 3400)] == ["1 MB", "12 MB", "999 MB", "3.4 GB"]
    assert bar(0.5, 4) == "██░░" and bar(1.2, 4) == "████"
    assert fitted("abcdef", 4) == "abc…" and fitted("abcd", 4) == "abcd"


def test_progress_is_the_share_of_the_work(campaign: Campaign) -> None:
    """Jobs that take as long as foreseen, one after the other: what is left is the sum of the others' seconds."""
    clock = Clock()
    run = Run(campaign, 1, clock)
    run.expect(rules(campaign))
    jobs, costs = list(campaign.jobs), Costs(campaign.jobs)
    total = sum(costs.seconds(job) for job in jobs)
    assert run.expected == len(jobs)
    assert run.progress() == pytest.approx((0, total))
    gone = 0.0
    for number, job in enumerate(jobs):
        run.start(number, job.rule, job.wildcards)
        clock.now = gone + costs.seconds(job) / 2
        share, left = run.progress()
        assert share == pytest.approx((gone + costs.seconds(job) / 2) / total)
        assert left == pytest.approx(total - clock.now)
        clock.now = gone = gone + costs.seconds(job)
        run.finish(number)
    assert run.progress() == pytest.approx((1, 0))
    assert run.finished["training"] == sum(job.kind == "segments" for job in jobs)


def test_a_machine_that_is_slower_changes_the_time_left(campaign: Campaign) -> None:
    clock = Clock()
    run = Run(campaign, 1, clock)
    run.expect(rules(campaign))
    _, before = run.progress()
    for number, job in enumerate(list(campaign.jobs)[:-5]):
        run.start(number, job.rule, job.wildcards)
        clock.now += 3 * run.costs.seconds(job)
        run.finish(number)
    share, left = run.progress()
    assert left == pytest.approx(3 * (1 - share) * before, rel=0.15)


def test_a_job_of_another_rule_counts_nothing(campaign: Campaign) -> None:
    run = Run(campaign, 2)
    run.expect({"all": 1, "train_segment": 1})
    assert run.start(1, "all", {}) is None
    assert run.expected == 1


def test_measured_times_correct_the_guesses(campaign: Campaign) -> None:
    """One training that took 100 s: others of that model cost in proportion to their guesses."""
    first, second, *_ = [job for job in campaign.jobs if job.rule == "train_segment"]
    guesses = Costs(campaign.jobs)
    Path(first.benchmark).parent.mkdir(parents=True)
    Path(first.benchmark).write_text("s\th:m:s\tmax_rss\n100.0\t0:01:40\t812.5\n")
    costs = Costs(campaign.jobs)
    assert costs.seconds(first) == 100
    assert costs.memory(second) == 812.5
    assert costs.seconds(second) == pytest.approx(100 * guesses.seconds(second) / guesses.seconds(first))
    assert costs.is_measured(second) and not guesses.is_measured(second)
    drawing = next(job for job in campaign.jobs if job.rule == "draw_figure")
    assert costs.seconds(drawing) == guesses.seconds(drawing)


def test_a_kind_of_probe_that_never_ran_costs_what_the_middle_of_the_others_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two kinds that ran, one took twice its guess, the other sixty times: thirty-one times is their median."""
    plan = campaign_file("tour.yaml", run=["noise_scale", "one_step", "surroundings"])
    monkeypatch.chdir(tmp_path)
    found = Campaign(plan, "tensorflow", lambda path: path, "9.27.1")
    guesses = Costs(found.jobs)
    jobs = {job.spec["probe"]["name"]: job for job in found.jobs if job.rule == "measure_probe"}
    for kind, times in (("one_step", 2), ("surroundings", 60)):
        path = Path(jobs[kind].benchmark)
        path.parent.mkdir(parents=True)
        path.write_text(f"s\th:m:s\tmax_rss\n{times * guesses.seconds(jobs[kind])}\t0:01:40\t812.5\n")
    never = jobs["noise_scale"]
    assert Costs(found.jobs).seconds(never) == pytest.approx(31 * guesses.seconds(never))


def test_a_longer_training_costs_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    def seconds(**changes: Any) -> float:
        found = Campaign(planned(**changes), "tensorflow", lambda path: path, "9.27.1")
        costs = Costs(found.jobs)
        return sum(costs.seconds(job) for job in found.jobs if job.rule == "train_segment")

    start, short, long = (seconds(epochs=epochs) for epochs in (1, 1001, 2001))
    assert long - short == pytest.approx(short - start)
    assert short > start


def test_a_transformer_is_guessed_by_its_weights_and_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On one core of an AMD EPYC a sequence of 64 places took 2.3 ms forward and backward: two blocks of width 64."""
    monkeypatch.chdir(tmp_path)

    def seconds(epochs: int, **options: Any) -> float:
        found = Campaign(
            planned(
                dataset="text",
                datasets={"text": {"name": "tiny_shakespeare", "length": 64, "examples": 1000}},
                model="transformer",
                models={"transformer": {"name": "transformer", **options}},
                epochs=epochs,
                studies={"one": {"title": "One", "question": "?", "arms": {"run": {"batch_size": 256}}}},
            ),
            "tensorflow",
            lambda path: path,
            "9.27.1",
        )
        costs = Costs(found.jobs)
        return sum(costs.seconds(job) for job in found.jobs if job.rule == "train_segment")

    of_ten_epochs = (seconds(11) - seconds(1)) / 2
    assert 10 * 1000 * 2.3e-3 < of_ten_epochs < 2 * 10 * 1000 * 2.3e-3
    assert seconds(11, width=32) - seconds(1, width=32) == pytest.approx(2 * of_ten_epochs / 4)


def test_the_plan_says_what_it_costs_and_from_where_that_is_known(campaign: Campaign) -> None:
    text = foretold(campaign, rules(campaign), 2)
    work = sum(Costs(campaign.jobs).seconds(job) for job in campaign.jobs)
    shares = by_study(campaign, campaign.jobs)
    assert list(shares) == list(campaign.plan.studies) and sum(shares.values()) < work
    first, *_ = shares
    own = [job for job in campaign.jobs if job.wildcards.get("study") == first or job.rule == "train_segment"]
    assert shares[first] < sum(Costs(campaign.jobs).seconds(job) for job in own)
    assert f"with the first: {first} {duration(shares[first])}, " in text
    assert f"({duration(work)} of work)" in text and "on 2 cores" in text and "declared costs" in text
    for job in campaign.jobs:
        if job.benchmark:
            Path(job.benchmark).parent.mkdir(parents=True, exist_ok=True)
            Path(job.benchmark).write_text("s\th:m:s\tmax_rss\n20.0\t0:00:20\t812.5\n")
    assert "% of it from the times of earlier jobs" in foretold(campaign, rules(campaign), 2)
    assert foretold(campaign, {"all": 1}, 2) == ""


@pytest.mark.parametrize(
    ("reasons", "spared"),
    [
        (("other code",), True),
        (("other locked versions of packages", "other code"), True),
        (("input x has other content",), False),
    ],
)
def test_what_only_waits_for_the_same_data_may_be_spared(
    reasons: tuple[str, ...], spared: bool, campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All is current but the data, and one training by itself."""
    (data,) = (job for job in campaign.jobs if job.kind == "data")
    own = next(job for job in campaign.jobs if job.rule == "train_segment")
    found = {job.name: currency.Status(job not in (data, own)) for job in campaign.jobs}
    found[data.name] = currency.Status(False, reasons, "marker")
    found[own.name] = currency.Status(False, ("other code",), "marker")
    monkeypatch.setattr(currency, "assess", lambda jobs, core: found)
    planned_again = Campaign(planned(), "tensorflow", lambda path: path, "9.27.1")
    datasets, jobs = planned_again.perhaps_spared()
    assert ([job.name for job in datasets] == [data.name]) == spared
    trained = {job.name for job in campaign.jobs if job.rule == "train_segment"}
    assert ({job.name for job in jobs} & trained) == (trained - {own.name} if spared else set())
    assert (data.wildcards["dataset"] in foretold(planned_again, rules(campaign), 2).split("\n")[-1]) == spared
    assert "prepared by other code" not in foretold(planned_again, {"prepare_data": 1}, 2)


def test_jobs_are_named_by_study_and_arm(campaign: Campaign) -> None:
    words = Words(campaign.plan)
    texts = {words.of(job) for job in campaign.jobs}
    assert "train sizes: B = 256, seeds 0–1" in texts
    assert any(text.startswith("measure gradient norms of switch: switched at epoch 2") for text in texts)
    assert "draw sizes/accuracy" in texts
    digests = [segment.identity for segment in campaign.plan.segments.values()]
    assert not any(digest in text for text in texts for digest in digests)


def test_epochs_of_a_running_job_are_read_from_its_checkpoint(campaign: Campaign) -> None:
    job = next(job for job in campaign.jobs if job.rule == "train_segment" and job.spec["start"] == 0)
    examples = campaign.plan.data[campaign.plan.segments[job.wildcards["segment"]].data].shape.examples_train
    assert checkpoints.epochs(job, examples) is None
    name = f"{job.wildcards['segment']}-seeds-{job.wildcards['block']}.npz"
    stop = job.spec["stop"]
    positions = [{"examples": stop, "status": "ok"}, {"examples": stop // 2, "status": "ok"}]
    Checkpoint(Path("results/checkpoints", name), "x").write({"positions": positions}, {"w": np.zeros(3)})
    last = job.spec["stop"] // examples
    assert checkpoints.epochs(job, examples) == (0.75, f"epoch {last // 2} of {last}")
    Checkpoint(Path("results/checkpoints", name), "x").write({"positions": positions[1:]}, {})
    assert checkpoints.epochs(job, examples) == (0.25, f"seed 1 of 2, epoch {last // 2} of {last}")
    # Side by side, the second of them has ended before its cap.
    ended = [positions[1], {"examples": stop // 4, "status": "reached"}]
    Checkpoint(Path("results/checkpoints", name), "x").write({"positions": ended}, {})
    assert checkpoints.epochs(job, examples) == (0.75, f"epoch {last // 2} of {last}")


def test_the_live_line_is_drawn_in_a_terminal_only(campaign: Campaign) -> None:
    stream = io.StringIO()
    screen = Screen(stream)
    screen.draw("half")
    screen.line("a line")
    assert stream.getvalue() == "a line\n"
    terminal = Terminal()
    screen = Screen(terminal)
    screen.draw("half")
    screen.line("a line")
    screen.draw("more")
    screen.clear()
    assert terminal.getvalue() == "\r\x1b[2Khalf\r\r\x1b[2Ka line\n\r\x1b[2Kmore\r\r\x1b[2K"


def test_the_reason_of_a_failure_comes_last(campaign: Campaign, tmp_path: Path) -> None:
    stream = io.StringIO()
    telling = Telling(Screen(stream))
    telling.begin(campaign, rules(campaign), 2)
    job = next(iter(campaign.jobs))
    telling.started(1, job.rule, job.wildcards)
    (tmp_path / "job.log").write_text("noise\nbatchlab: error: mine.csv: line 3: holds 'x'\n")
    telling.failed(1, ["job.log"])
    telling.error("WorkflowError:\nsomething")
    telling.end()
    lines = stream.getvalue().splitlines()
    assert lines[-1] == "batchlab: error: mine.csv: line 3: holds 'x'"
    assert any(line.startswith("1 failed") for line in lines)


@pytest.mark.parametrize("stopped", [False, True])
def test_a_job_that_does_not_say_why_has_failed_unless_the_run_was_stopped(
    campaign: Campaign, tmp_path: Path, stopped: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookup, "opened", campaign)
    stream = io.StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    handler = LoggerPluginRegistry().get_plugin("batchlab").log_handler(Settings(), None)
    job = next(iter(campaign.jobs))
    handler.emit(record(LogEvent.RUN_INFO, "Job stats", stats=rules(campaign)))
    handler.emit(record(LogEvent.JOB_INFO, "x", jobid=7, rule_name=job.rule, wildcards=dict(job.wildcards), log=[]))
    (tmp_path / "job.log").write_text("Traceback\nKeyboardInterrupt\n")
    handler.emit(record(LogEvent.JOB_ERROR, "x", jobid=7, log=[str(tmp_path / "job.log")]))
    if stopped:
        handler.emit(record(None, "Terminating processes on user request, this might take some time."))
        handler.emit(record(LogEvent.ERROR, "RuleException:\nCalledProcessError"))
    handler.close()
    said = stream.getvalue()
    assert ("failed" in said) is not stopped
    assert said.splitlines()[-1].startswith("Stopped" if stopped else f"batchlab: error: {job.message} failed")


def test_verdicts_are_counted_from_the_table(tmp_path: Path) -> None:
    table = tmp_path / "claims.csv"
    assert counts(table) == ""
    table.write_text("claim,verdict\na,supported\nb,supported\nc,undetermined\n")
    assert counts(table) == "2 supported, 1 undetermined"
    table.write_text(
        "claim,verdict,standing\na,supported,evidence\nb,supported,calibrated\nc,not judged,not comparable\n"
    )
    assert counts(table) == "1 supported, 2 not counted as evidence"


def test_the_end_of_a_run_repeats_what_its_tables_recommend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = planned(studies__sizes__tables={"mine": {"derivation": "recommendation"}})
    made = Campaign(found, "tensorflow", lambda path: path, "9.27.1")
    assert recommended(made) == []
    table = Path("results/trial/derived/sizes/mine.csv")
    table.parent.mkdir(parents=True)
    table.write_text('batch_size,advice\n16,"Take B = 16, say."\n256,\n')
    assert recommended(made) == ["Take B = 16, say."]


@pytest.mark.parametrize(
    ("verdict", "excluded", "own", "told"),
    [
        (
            "undetermined",
            0,
            None,
            "Open with 2 of at most 6 seeds: lower; for another look write studies: {sizes: {seeds: 4}}",
        ),
        (
            "undetermined",
            0,
            4,
            "Open with 4 of at most 6 seeds: lower; for another look write studies: {sizes: {seeds: 6}}",
        ),
        ("undetermined", 0, 6, None),
        ("undetermined", 1, None, None),
        ("supported", 0, None, None),
    ],
)
def test_the_end_of_a_run_says_where_more_seeds_were_planned_and_would_tell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verdict: str, excluded: int, own: int | None, told: str | None
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = {"studies__sizes__answer": ["lower"], "seeds": {"count": 2, "block": 2, "up_to": 6}}
    found = planned(**settings, **({"studies__sizes__seeds": own} if own else {}))
    made = Campaign(found, "tensorflow", lambda path: path, "9.27.1")
    table = tmp_path / "claims.csv"
    assert more_seeds(made, table) == []
    table.write_text(f"study,claim,verdict,excluded\nsizes,lower,{verdict},{excluded}\n")
    assert more_seeds(made, table) == ([told] if told else [])


class Settings:
    """What Snakemake tells a logger of its own settings."""

    printshellcmds = nocolor = debug_dag = verbose = show_failed_logs = stdout = dryrun = False
    quiet = None


def record(event: LogEvent | None, message: str | None = None, **fields: Any) -> logging.LogRecord:
    made = logging.LogRecord("snakemake", logging.INFO, "", 0, message, None, None)
    made.__dict__.update(event=event, **fields)
    return made


def test_snakemake_finds_the_logger_and_its_events_are_understood(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(lookup, "opened", campaign)
    handler = LoggerPluginRegistry().get_plugin("batchlab").log_handler(Settings(), None)
    assert handler.writes_to_stream
    job = next(iter(campaign.jobs))
    handler.emit(record(LogEvent.RESOURCES_INFO, "Provided cores: 3", cores=3))
    handler.emit(record(LogEvent.RUN_INFO, "Job stats", stats={**rules(campaign), "all": 1, "total": 99}))
    handler.emit(
        record(LogEvent.JOB_INFO, "x", jobid=7, rule_name=job.rule, wildcards=dict(job.wildcards), log=["a.log"])
    )
    handler.emit(record(None, "Select jobs to execute..."))
    handler.emit(record(LogEvent.JOB_FINISHED, "Finished", job_id=7))
    handler.close()
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith(f"{len(campaign.jobs)} jobs, about ") and lines[0].endswith("on 3 cores")
    assert "prepare the data set digits" in lines[1]
    assert lines[2].startswith("1 job in ") and len(lines) == 3


def test_a_dry_run_is_left_to_snakemake_and_ends_with_the_costs(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(lookup, "opened", campaign)
    settings = Settings()
    settings.dryrun = True
    handler = LoggerPluginRegistry().get_plugin("batchlab").log_handler(settings, None)
    assert not handler.writes_to_stream
    handler.emit(record(LogEvent.RUN_INFO, "Job stats", stats=json.loads(json.dumps(rules(campaign)))))
    handler.close()
    line, by_studies = capsys.readouterr().err.splitlines()
    assert line.startswith("It will take about ") and by_studies.startswith("Work by study, ")
