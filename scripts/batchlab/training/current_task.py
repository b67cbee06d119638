"""The task that a run learns, found by its name in the settings."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

from batchlab.backend.task_interface import Objective
from batchlab.declarations import find
from batchlab.declarations.options import with_defaults
from batchlab.declarations.task import FIRST


def task_of(spec: Mapping[str, Any]) -> Objective:
    """Return what is learnt, by the `task` of a job's settings: its name and options; the first task without one.

    The code is the module `batchlab.tasks.<name>.objective`, with a function `objective(options)`.
    """
    settings = spec.get("task", {"name": FIRST})
    given = {key: value for key, value in settings.items() if key != "name"}
    options = with_defaults(find.tasks()[settings["name"]].options, given)
    found: Objective = importlib.import_module(f"batchlab.tasks.{settings['name']}.objective").objective(options)
    return found
