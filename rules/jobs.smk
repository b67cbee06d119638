# All jobs of the campaign, read off the rules that the files before this one define.
import json
from types import SimpleNamespace


def planned_job(kind, script, name, made_from=None, **wildcards):
    """What the plan wants of one job, read off its rule: files, settings, digests of code and environment."""
    known = getattr(rules, name)
    values = SimpleNamespace(**wildcards)

    def param(key):
        value = getattr(known.params, key)
        return value(values) if callable(value) else value

    outputs = [
        (key, expand(str(path), **wildcards)[0]) for key, path in known.output.items()
    ]
    return {
        "kind": kind,
        "rule": name,
        "script": script,
        "name": outputs[0][1],
        "outputs": dict(outputs),
        "spec": json.loads(param("spec")),
        "code": param("code"),
        "environment": param("env"),
        "identity": param("identity"),
        "made_from": made_from,
    }


def planned_jobs():
    """All jobs of the campaign, each after those that it depends on."""
    studies = PLAN.studies.items()
    for dataset in PLAN.data:
        yield planned_job("data", "prepare_data.py", "prepare_data", dataset=dataset)
    segments = dict.fromkeys(
        (segment.name, block)
        for _, study in studies
        for arm in study.arms
        for segment in arm.chain
        for block in study.blocks
    )
    for name, block in segments:
        if PLAN.segments[name].parent:
            yield planned_job(
                "segments",
                "train_segment.py",
                "train_segment",
                segment=name,
                block=block,
            )
        else:
            yield planned_job(
                "segments",
                "initialise_model.py",
                "initialise_model",
                initial=name,
                block=block,
            )
    probes = dict.fromkeys(
        (probe.kind, probe.name, block)
        for name, study in studies
        for _, _, probe in study.probes
        for block in probe_blocks(PLAN, name, probe)
    )
    for kind, name, block in probes:
        yield planned_job(
            "probes", "measure_probe.py", f"measure_{kind}", probe=name, block=block
        )
    for name, study in studies:
        yield planned_job(
            "tables", "tabulate_study.py", f"tabulate_{name}", made_from(name)
        )
        yield planned_job("claims", "judge_claims.py", "judge_claims", study=name)
        for figure in study.figures:
            yield planned_job(
                "figures", "draw_figure.py", "draw_figure", study=name, figure=figure
            )
    for table in MERGED_TABLES:
        yield planned_job("tables", "merge_tables.py", "merge_tables", table=table)
    yield planned_job("report", "write_report.py", "write_report")
