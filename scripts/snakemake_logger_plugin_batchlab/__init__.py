"""A logger of Snakemake that tells a run in the words of the campaign.

`PYTHONPATH=scripts snakemake --logger batchlab` uses it. Snakemake finds it by its name among the packages on Python's
path; `make` puts `scripts/` there. Without it Snakemake speaks itself, and other loggers can be chosen. In a dry run it
only adds what the run will cost.
"""

from __future__ import annotations

import os
import sys
from logging import WARNING, LogRecord
from typing import Any

from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent

from batchlab.planning import lookup
from batchlab.progress.narration import Telling, foretold
from batchlab.progress.screen import Screen

# What Snakemake says when it is interrupted.
_STOPPED = "Terminating processes on user request"
# What it says for itself at the end of a run with failed jobs; their reasons say more.
_REPEATED = ("At least one job did not complete successfully", "Complete log", "Exiting because a job execution failed")


class LogHandler(LogHandlerBase):
    """Receives Snakemake's events."""

    def __post_init__(self) -> None:
        """Prepare for a run."""
        self._screen = Screen(sys.stdout if self.common_settings.stdout else sys.stderr)
        self._telling = Telling(self._screen)
        self._counts: dict[str, int] = {}
        self._cores = os.cpu_count() or 1
        self._begun = False
        self._closed = False

    @property
    def writes_to_stream(self) -> bool:
        """Whether it speaks in place of Snakemake: not in a dry run."""
        return not self.common_settings.dryrun

    @property
    def writes_to_file(self) -> bool:
        """It keeps no file."""
        return False

    @property
    def has_filter(self) -> bool:
        """It chooses itself what it shows."""
        return True

    @property
    def has_formatter(self) -> bool:
        """It finds its own words."""
        return True

    @property
    def needs_rulegraph(self) -> bool:
        """It needs no graph."""
        return False

    def emit(self, record: LogRecord) -> None:
        """Take one event; an error in telling must not stop a run."""
        try:
            self._take(record, record.__dict__)
        except Exception:
            self.handleError(record)

    def _take(self, record: LogRecord, fields: dict[str, Any]) -> None:
        event = fields.get("event")
        if event == LogEvent.RUN_INFO:
            self._counts = {rule: count for rule, count in fields["stats"].items() if rule != "total"}
            self._begin()
        elif event == LogEvent.RESOURCES_INFO and fields.get("cores"):
            self._cores = min(int(fields["cores"]), 10_000)
        elif self.common_settings.dryrun:
            return
        elif event == LogEvent.JOB_INFO:
            self._telling.started(fields["jobid"], fields["rule_name"], fields["wildcards"])
        elif event == LogEvent.JOB_FINISHED:
            self._telling.finished(fields["job_id"])
        elif event == LogEvent.JOB_ERROR:
            self._telling.failed(fields["jobid"], list(fields["log"] or ()))
        elif event == LogEvent.ERROR or record.levelno > WARNING:
            self._error(record.getMessage())
        elif event is None:
            self._speak(record)

    def _begin(self) -> None:
        if lookup.opened and not self._begun and not self.common_settings.dryrun:
            self._begun = True
            self._telling.begin(lookup.opened, self._counts, self._cores)

    def _error(self, text: str) -> None:
        if not text.startswith("None") and not any(said in text for said in _REPEATED):
            self._telling.error(text)

    def _speak(self, record: LogRecord) -> None:
        """Show warnings, what the Snakefile says, and that nothing is to be done."""
        text = record.getMessage()
        if text.startswith(_STOPPED):
            self._telling.stopped()
        elif (
            record.levelno >= WARNING
            or getattr(record, "from_batchlab", False)
            or text.startswith("Nothing to be done")
        ):
            self._telling.message(text)

    def close(self) -> None:
        """Sum up. In a dry run, say what the run will cost."""
        if not self._closed:
            self._closed = True
            if not self.common_settings.dryrun:
                self._telling.end()
            elif lookup.opened and (text := foretold(lookup.opened, self._counts, self._cores)):
                self._screen.line(text)
        super().close()
