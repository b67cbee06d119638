"""What the profiles of Workflow Run RO-Crate 0.5 ask of a crate, as a check that lists what is missing or wrong."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from rocrate.rocrate import ROCrate

from batchlab.files import sha256_of

PROFILES = (
    *(f"https://w3id.org/ro/wfrun/{name}/0.5" for name in ("process", "workflow", "provenance")),
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0",
)
WORKFLOW = {"File", "SoftwareSourceCode", "ComputationalWorkflow", "HowTo"}
DESCRIPTOR = "ro-crate-metadata.json"


def many(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def types(entity: Any) -> set[str]:
    return set(many(entity.type))


def problems(folder: Path) -> list[str]:
    """Return what is wrong with an unpacked crate."""
    crate = ROCrate(folder)
    checks = (_references, _root, _workflow, _actions, _steps)
    return [*_files(crate, folder), *(problem for check in checks for problem in check(crate))]


def _references(crate: Any) -> Iterator[str]:
    """Every entity that another one names is described; addresses of pages need not be."""
    known = {entity.id for entity in crate.get_entities()} | {"https://w3id.org/ro/crate/1.1"}
    for entity in crate.get_entities():
        for key, value in entity.properties().items():
            named = [item["@id"] for item in many(value) if isinstance(item, dict)]
            if key not in ("identifier", "url"):
                yield from (
                    f"{entity.id}: {key} names {name}, which is not described" for name in named if name not in known
                )


def _root(crate: Any) -> Iterator[str]:
    root = crate.root_dataset
    for key in ("name", "description", "datePublished", "license", "conformsTo", "mentions", "mainEntity"):
        if not root.get(key):
            yield f"./: {key} is missing"
    for profile in PROFILES:
        entity = crate.get(profile)
        if entity not in many(root.get("conformsTo")) or types(entity) != {"CreativeWork"} or not entity.get("version"):
            yield f"./: does not say that it conforms to {profile}"
    if datetime.fromisoformat(root.get("datePublished") or "0001-01-01").year < 2026:
        yield "./: datePublished is no date of a result"


def _workflow(crate: Any) -> Iterator[str]:
    main = crate.mainEntity
    if not types(main) >= WORKFLOW:
        yield f"{main.id}: is not of the types {WORKFLOW}"
    for key in ("name", "programmingLanguage", "hasPart", "step", "input", "output", "license", "version"):
        if not main.get(key):
            yield f"{main.id}: {key} is missing"
    if types(main["programmingLanguage"]) != {"ComputerLanguage"} or main["programmingLanguage"]["name"] != "Snakemake":
        yield f"{main.id}: programmingLanguage is not Snakemake"
    for parameter in (*many(main["input"]), *many(main["output"])):
        if types(parameter) != {"FormalParameter"} or not parameter.get("additionalType"):
            yield f"{parameter.id}: is no formal parameter with a type"
        if not any(parameter in many(entity.get("exampleOfWork")) for entity in crate.data_entities):
            yield f"{parameter.id}: no file is an example of it"


def _of(crate: Any, kind: str) -> list[Any]:
    return [entity for entity in crate.get_entities() if kind in types(entity)]


def _actions(crate: Any) -> Iterator[str]:
    """Each action has a tool, results and times; one is the run of the workflow itself."""
    actions = _of(crate, "CreateAction")
    if [action.id for action in actions if action["instrument"] is crate.mainEntity] != ["#run"]:
        yield "there is not exactly one run of the workflow"
    for action in actions:
        if not types(action["instrument"]) & {"SoftwareSourceCode", "SoftwareApplication"}:
            yield f"{action.id}: its instrument is no software"
        for key in ("name", "description", "result"):
            if not action.get(key):
                yield f"{action.id}: {key} is missing"
        if datetime.fromisoformat(action["startTime"]) > datetime.fromisoformat(action["endTime"]):
            yield f"{action.id}: ends before it starts"
        if action not in many(crate.root_dataset["mentions"]):
            yield f"{action.id}: is not mentioned by ./"
    for tool in many(crate.mainEntity["hasPart"]):
        if not tool.get("version") or not many(tool.get("softwareRequirements")):
            yield f"{tool.id}: has no version or no requirements"
    for package in _of(crate, "SoftwareApplication"):
        if not package.get("name") or not package.get("softwareVersion"):
            yield f"{package.id}: has no name or no version"


def _steps(crate: Any) -> Iterator[str]:
    """Each job belongs to a step, and a step comes after those whose results it reads."""
    steps = many(crate.mainEntity["step"])
    position: dict[str, int] = {}
    for control in _of(crate, "ControlAction"):
        step = control["instrument"]
        if step not in steps or step["workExample"] not in many(crate.mainEntity["hasPart"]):
            yield f"{control.id}: its step is not one of the workflow with a tool of it"
        for job in many(control["object"]):
            if job["instrument"] is not step["workExample"]:
                yield f"{job.id}: has another tool than its step"
            position[job.id] = int(step["position"])
    jobs = [action for action in _of(crate, "CreateAction") if action.id != "#run"]
    if missing := {job.id for job in jobs} - position.keys():
        yield f"belong to no step: {missing}"
    maker = {result.id: job for job in jobs for result in many(job["result"])}
    for job in jobs:
        for source in (maker[item.id] for item in many(job.get("object")) if item.id in maker):
            same = source["instrument"] is job["instrument"] and position[source.id] == position[job.id]
            if position[source.id] >= position[job.id] and not same:
                yield f"{job.id}: comes before {source.id}, whose result it reads"
    (engine,) = _of(crate, "OrganizeAction")
    if "SoftwareApplication" not in types(engine["instrument"]) or engine["result"].id != "#run":
        yield "#engine: is no run of an engine that led to #run"
    if many(engine["object"]) != _of(crate, "ControlAction"):
        yield "#engine: does not name all steps"


def _files(crate: Any, folder: Path) -> Iterator[str]:
    """Every file that is described lies there as it is described, and no other does."""
    described = {entity.id for entity in crate.data_entities if "File" in types(entity)}
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} - {DESCRIPTOR}
    yield from (f"{name}: is described, but not there" for name in described - there)
    yield from (f"{name}: is there, but not described" for name in there - described)
    for name in described & there:
        entity, path = crate.get(name), folder / name
        if entity.get("sha256") != sha256_of(path):
            yield f"{name}: sha256 differs"
        if entity.get("contentSize") != str(path.stat().st_size):
            yield f"{name}: contentSize differs"
        if not entity.get("encodingFormat") or not entity.get("name"):
            yield f"{name}: has no name or no encodingFormat"
