"""A first campaign for somebody's own data: it fits the data, can be planned, and judges nobody else's numbers."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from batchlab.configuration.campaign import load, read
from batchlab.configuration.faults import lines_of
from batchlab.errors import BatchlabError
from batchlab.paths import PROJECT
from batchlab.planning import Plan, plan
from batchlab.starting.sizes import FEWEST, fitting
from batchlab.starting.writing import write


def flowers(folder: Path, rows: int = 150, name: str = "flowers.csv") -> Path:
    """Write a table of three kinds of flowers, 50 of each in a round."""
    lines = [f"{4 + k + i % 7 / 10},{3 + i % 5 / 10},{'abc'[k]}rchis" for i in range(rows) for k in [i % 3]]
    (folder / name).write_text("\n".join(["length,width,species", *lines]) + "\n")
    return folder / name


def written(text: str) -> Plan:
    return plan(load(read(yaml.safe_load(text))))


def test_what_is_written_is_a_complete_campaign_for_the_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    flowers(tmp_path)
    told = write("flowers.csv", "species", None, "", Path("config"))
    text = Path("config/flowers.yaml").read_text()
    assert told.startswith("Wrote config/flowers.yaml: 90 examples to train on, 3 classes")
    assert text.startswith("# yaml-language-server: $schema=")
    found = written(text)
    assert found.campaign == "flowers" and "flowers" in found.config["title"]
    assert next(iter(found.studies)) == "choice"
    rates = {arm.recipe.phases[0].learning_rate for arm in found.studies["choice"].arms}
    assert len(rates) >= 5
    assert "recommendation" in found.studies["choice"].derived
    assert all(
        phase.batch_size <= 90 for study in found.studies.values() for arm in study.arms for phase in arm.recipe.phases
    )
    # Nothing that was published is judged.
    standings = {claim.get("standing") for study in found.studies.values() for claim in study.claims.values()}
    assert standings == {"not comparable"}


def test_folders_and_tables_without_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("plain.csv").write_text("".join(f"{i * i % 17},{i * 3 % 11},{i % 3}\n" for i in range(90)))
    write("plain.csv", "-1", None, "", Path("config"))
    assert yaml.safe_load(Path("config/plain.yaml").read_text())["datasets"]["plain"]["label"] == -1
    for place in range(90):
        path = Path("pets", "uv"[place % 2], f"{place}.png")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"\x89PNG")
    write("pets", None, None, "size: 8", Path("config"))
    assert written(Path("config/pets.yaml").read_text()).config["datasets"]["pets"]["size"] == 8


def test_nothing_is_overwritten_and_names_are_made_of_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    flowers(tmp_path, name="My flowers (2024).csv")
    write("My flowers (2024).csv", "species", None, "", Path("config"))
    before = Path("config/my_flowers_2024.yaml").read_bytes()
    with pytest.raises(BatchlabError, match="is there already"):
        write("My flowers (2024).csv", "species", None, "", Path("config"))
    assert Path("config/my_flowers_2024.yaml").read_bytes() == before
    write("My flowers (2024).csv", "species", "other", "test: 0.1, standardise: false", Path("config"))
    dataset = yaml.safe_load(Path("config/other.yaml").read_text())["datasets"]["other"]
    assert dataset == {
        "file": "My flowers (2024).csv",
        "label": "species",
        "test": 0.1,
        "standardise": False,
        "validation": 0.2,
    }
    written(Path("config/other.yaml").read_text())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("nothing.csv", None, None, ""), "DATA: there is no file or folder 'nothing.csv'"),
        (("", None, None, ""), "DATA: is missing"),
        (("flowers.csv", "specie", None, ""), "did you mean 'species'"),
        (("flowers.csv", "species", "../x", ""), "NAME: '../x' is not possible"),
        (("flowers.csv", "species", None, "missing"), "KEYS: 'missing' is not understood"),
        (("flowers.csv", "species", None, "inputs: {size: [length, width]}"), "write a model and a campaign as"),
        (("few.csv", "species", None, ""), f"can be compared from {FEWEST} on"),
    ],
)
def test_what_cannot_be_done_is_told_in_one_line_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[Any, ...], words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    flowers(tmp_path)
    flowers(tmp_path, 20, "few.csv")
    with pytest.raises(BatchlabError) as caught:
        write(*arguments, Path("config"))
    assert words in str(caught.value) and len(lines_of(caught.value)) == 1
    assert not list(tmp_path.glob("config/*"))


@pytest.mark.parametrize("examples", [FEWEST, 31, 64, 100, 1280, 2047, 50_000, 10**6])
def test_sizes_go_up_and_fit(examples: int) -> None:
    fit = fitting(examples, (4,))
    ladder = [fit.batch_sizes[name] for name in ("tiny", "small", "medium", "large", "huge")]
    assert ladder == sorted(set(ladder)) and ladder[-1] <= examples
    assert fit.batch_sizes["full"] == examples and fit.batch_sizes["single"] == 1
    assert 10 <= fit.epochs <= 60


def test_a_published_set_gets_a_campaign_too(tmp_path: Path) -> None:
    write("fashion_mnist", None, None, "", tmp_path)
    found = written((tmp_path / "fashion_mnist.yaml").read_text())
    assert found.config["models"]["lenet"] == {"name": "lenet"}


def test_the_smallest_campaign_of_the_manual_works_as_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a table of 150 rows, as its text says."""
    manual = (PROJECT / "config/README.md").read_text()
    [printed] = re.findall(r"## The smallest useful campaign\n.*?```yaml\n(.*?)```", manual, re.S)
    monkeypatch.chdir(tmp_path)
    Path("data").mkdir()
    flowers(Path("data"))
    found = written(printed)
    assert set(found.studies) == {"batch_size", "switch"}
    assert all(study.figures for study in found.studies.values())


def test_a_target_of_numbers_makes_a_campaign_of_regression(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    rows = [f"{i % 13},{i % 7},{2.5 * (i % 13) - i % 7 + i % 3 / 10}" for i in range(150)]
    Path("houses.csv").write_text("\n".join(["rooms,age,price", *rows]) + "\n")
    told = write("houses.csv", "price", None, "", Path("config"))
    assert "1 target number;" in told
    found = written(Path("config/houses.yaml").read_text())
    assert found.task.name == "regression" and list(found.studies) == ["choice", "sizes"]
    assert found.studies["choice"].derived["recommendation"].options["tell"] == "test_rmse"


def test_a_text_makes_a_campaign_of_tokens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("novel.txt").write_text("It was a dark and stormy night. " * 200)
    write("novel.txt", None, None, "tokens: characters, length: 32", Path("config"))
    found = written(Path("config/novel.yaml").read_text())
    assert found.task.name == "next_token" and found.config["model"] == "transformer"
