"""The JSON schema of `advice.json`. Standard library only."""

from __future__ import annotations

from typing import Any

_NUMBER, _COUNT, _TEXT = {"type": "number"}, {"type": "integer", "minimum": 1}, {"type": "string"}
_MAYBE = {"type": ["number", "null"]}


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(properties),
        "properties": properties,
    }


def _list(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


_AIM = _object(
    {
        "batch_size": _COUNT,
        "batch_size_low": {**_COUNT, "description": "the best one lies from here in 90 % of the resamples of seeds"},
        "batch_size_high": {**_COUNT, "description": "to here"},
        "micro_batch": _COUNT,
        "accumulation": _COUNT,
        "learning_rate": _NUMBER,
        "rate_low": {**_MAYBE, "description": "lower end of the 90 % interval of the rate, of those that were tried"},
        "rate_high": _MAYBE,
        "epochs": _COUNT,
        "optimizer": {
            **_object({"class_name": _TEXT, "config": {"type": "object"}}),
            "description": "for keras.optimizers.get",
        },
        "value": _NUMBER,
        "low": {**_MAYBE, "description": "lower end of the 90 % interval; null with one seed"},
        "high": _MAYBE,
        "unit": _TEXT,
        "best_share": {**_NUMBER, "description": "share of the resamples of seeds in which it is the best"},
        "at_edge": {"type": "boolean", "description": "whether its rate is the lowest or highest that was tried"},
        "alike": {
            **_list(
                _object(
                    {
                        "batch_size": _COUNT,
                        "learning_rate": _NUMBER,
                        "more_seeds": {"type": ["integer", "null"]},
                        "more_seconds": _MAYBE,
                    }
                )
            ),
            "description": "batch sizes that cannot be told apart from it, and what it would cost to tell",
        },
    }
)


def schema() -> dict[str, Any]:
    """Return the schema (draft 2020-12)."""
    aim = {"anyOf": [_AIM, {"type": "null", "description": "no batch size reaches the target with every seed"}]}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "advice.json of batchlab",
        **_object(
            {
                "campaign": _TEXT,
                "epochs": _COUNT,
                "seeds": {**_COUNT, "description": "that all settings have"},
                "most_seeds": {**_COUNT, "description": "of the setting with the most"},
                "target": _object({"metric": _TEXT, "value": _NUMBER}),
                "aims": _object(dict.fromkeys(("time", "examples", "metric", "memory"), aim)),
                "rate_rule": {
                    **_object({"exponent": _MAYBE, "low": _MAYBE, "high": _MAYBE}),
                    "description": "x in rate ∝ B^x, by the best rates",
                },
                "thumb_rules": _list(
                    _object(
                        {
                            "rule": _TEXT,
                            "batch_size": _COUNT,
                            "learning_rate": _NUMBER,
                            "cost": {**_MAYBE, "description": "time to the target over the best one"},
                            "low": _MAYBE,
                            "high": _MAYBE,
                            "reached": {"type": "integer", "minimum": 0},
                            "seeds": _COUNT,
                        }
                    )
                ),
                "by_noise": {
                    **_list(
                        _object(
                            {
                                "rule": _TEXT,
                                "epoch": _NUMBER,
                                "batch_size": _MAYBE,
                                "low": _MAYBE,
                                "high": _MAYBE,
                                "seeds": {"type": "integer", "minimum": 0},
                            }
                        )
                    ),
                    "description": "what published rules make of the gradient noise of the present setting",
                },
                "knee": {
                    **_object(
                        {
                            "batch_size": _MAYBE,
                            "low": _MAYBE,
                            "high": _MAYBE,
                            "goal": {**_MAYBE, "description": "validation value to which updates are counted"},
                            "sizes": {"type": "integer", "minimum": 0},
                            "seeds": {"type": "integer", "minimum": 0},
                        }
                    ),
                    "description": "B at which updates to nine tenths of the way from the untrained model to the"
                    " target are twice those of the largest batches",
                },
                "machine": _object(
                    {
                        "largest_micro_batch": _COUNT,
                        "enough_micro_batch": _COUNT,
                        "time_error": _NUMBER,
                        "memory_error": _NUMBER,
                        "device": _TEXT,
                    }
                ),
                "next": {
                    **_list(
                        _object(
                            {
                                "batch_size": _COUNT,
                                "accumulation": _COUNT,
                                "learning_rate": _NUMBER,
                                "seeds": _COUNT,
                                "trained": {"type": "integer", "minimum": 0, "description": "seeds that are there"},
                                "why": _TEXT,
                                "settles": {"type": "boolean", "description": "whether it may change the answer"},
                                "seconds": {**_NUMBER, "description": "what it would take on this machine"},
                            }
                        )
                    ),
                    "description": "what is worth training next, the most important first",
                },
                "warnings": _list(_TEXT),
            }
        ),
    }
