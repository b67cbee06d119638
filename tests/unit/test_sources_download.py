"""Downloads against a server of our own that drops, stalls, refuses and lies."""

from __future__ import annotations

import gzip
import hashlib
import random
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from unit.servers import Server, serving

from batchlab.declarations.source import Published, RemoteFile
from batchlab.errors import BatchlabError
from batchlab.sources import download
from batchlab.sources.download import Policy, fault_of, fetch

CONTENT = random.Random(1).randbytes(100_000)
ARCHIVE = gzip.compress(CONTENT, mtime=0)
OTHER = gzip.compress(random.Random(2).randbytes(100_000), mtime=0)
NAME = "toy.gz"
HASTY = Policy(timeout=0.3, attempts=3, backoff=0.0)


@pytest.fixture(autouse=True)
def _no_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.delenv(download.MIRROR_VARIABLE, raising=False)


@pytest.fixture
def server() -> Iterator[Server]:
    with serving({f"/{NAME}": ARCHIVE}) as running:
        yield running


def toy(*mirrors: str, archive: bool = False) -> Published:
    content = "" if archive else hashlib.sha256(CONTENT).hexdigest()
    file = RemoteFile(NAME, content, hashlib.sha256(ARCHIVE).hexdigest() if archive else "")
    return Published(
        title="Toy",
        input_shape=(1, 1, 1),
        classes=2,
        examples_train=1,
        examples_test=1,
        scale=1,
        validation=0,
        test=0,
        layout="idx",
        files=(file,),
        mirrors=mirrors,
        licence="",
        citation="",
    )


def leftovers(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "toy").iterdir() if not path.name.startswith("."))


def closed_port() -> str:
    unused = Server()
    unused.server_close()
    return unused.url


@pytest.mark.parametrize("archive", [False, True])
def test_a_file_is_fetched_once(server: Server, tmp_path: Path, archive: bool) -> None:
    for _ in range(2):
        (path,) = fetch("toy", toy(server.url, archive=archive), tmp_path, HASTY).values()
        assert path.read_bytes() == ARCHIVE
    assert server.requests == [(f"/{NAME}", None)]
    assert leftovers(tmp_path) == [NAME]


@pytest.mark.parametrize("word", ["drop", "stall"])
def test_an_interrupted_transfer_goes_on_where_it_stopped(server: Server, tmp_path: Path, word: str) -> None:
    server.script = [word, word]
    (path,) = fetch("toy", toy(server.url), tmp_path, HASTY).values()
    assert path.read_bytes() == ARCHIVE
    half = len(ARCHIVE) // 2
    three_quarters = half + (len(ARCHIVE) - half) // 2
    assert [asked for _, asked in server.requests] == [None, f"bytes={half}-", f"bytes={three_quarters}-"]


def test_a_later_call_resumes_too(server: Server, tmp_path: Path) -> None:
    server.script = ["drop", "500", "500", "500"]
    with pytest.raises(BatchlabError, match="500"):
        fetch("toy", toy(server.url), tmp_path, HASTY)
    assert leftovers(tmp_path)[0].endswith(".part")
    (path,) = fetch("toy", toy(server.url), tmp_path, HASTY).values()
    assert path.read_bytes() == ARCHIVE
    assert server.requests[-1][1] == f"bytes={len(ARCHIVE) // 2}-"
    assert leftovers(tmp_path) == [NAME]


def test_a_complete_part_needs_no_byte_more(server: Server, tmp_path: Path) -> None:
    server.script = ["drop", "500", "500", "500"]
    with pytest.raises(BatchlabError):
        fetch("toy", toy(server.url), tmp_path, HASTY)
    next((tmp_path / "toy").glob("*.part")).write_bytes(ARCHIVE)
    (path,) = fetch("toy", toy(server.url), tmp_path, HASTY).values()
    assert path.read_bytes() == ARCHIVE


def test_a_server_without_ranges_starts_over(server: Server, tmp_path: Path) -> None:
    server.script = ["drop", "ignore-range"]
    (path,) = fetch("toy", toy(server.url), tmp_path, HASTY).values()
    assert path.read_bytes() == ARCHIVE


def test_a_file_that_changed_between_two_halves_is_fetched_anew(server: Server, tmp_path: Path) -> None:
    server.files[f"/{NAME}"] = OTHER
    server.script = ["drop", "500", "500", "500"]
    with pytest.raises(BatchlabError):
        fetch("toy", toy(server.url), tmp_path, HASTY)
    server.files[f"/{NAME}"] = ARCHIVE
    (path,) = fetch("toy", toy(server.url), tmp_path, HASTY).values()
    assert path.read_bytes() == ARCHIVE


def test_a_passing_failure_is_retried_and_a_final_one_is_not(server: Server, tmp_path: Path) -> None:
    server.script = ["503", "429"]
    fetch("toy", toy(server.url), tmp_path, HASTY)
    assert len(server.requests) == 3
    server.requests.clear()
    with pytest.raises(BatchlabError, match="404"):
        fetch("toy", toy(f"{server.url}/elsewhere"), tmp_path / "other", HASTY)
    assert len(server.requests) == 1


def test_too_slow_counts_as_a_failure(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = iter(range(0, 10**9, 1000))
    monkeypatch.setattr(download.time, "monotonic", lambda: next(seconds))
    with pytest.raises(BatchlabError, match=r"slower than 1e\+09 bytes a second"):
        fetch("toy", toy(server.url), tmp_path, Policy(timeout=30, attempts=1, minimum_rate=1e9))


def test_mirrors_are_tried_in_turn_and_all_reasons_are_listed(server: Server, tmp_path: Path) -> None:
    server.files[f"/wrong/{NAME}"] = OTHER
    server.files[f"/text/{NAME}"] = b"<html>please log in</html>"
    server.files[f"/short/{NAME}"] = ARCHIVE[:-20]
    down = closed_port()
    bad = [down, f"{server.url}/none", f"{server.url}/wrong", f"{server.url}/text", f"{server.url}/short"]
    with pytest.raises(BatchlabError) as problem:
        fetch("toy", toy(*bad), tmp_path, HASTY)
    message = str(problem.value)
    assert "\n" not in message
    assert all(f"{mirror}/{NAME}" in message for mirror in bad)
    for reason in ("refused", "404", "other content than published", "not an intact gzip file", "BATCHLAB_MIRROR"):
        assert reason in message
    assert leftovers(tmp_path) == []
    (path,) = fetch("toy", toy(*bad, server.url), tmp_path, HASTY).values()
    assert path.read_bytes() == ARCHIVE


def test_a_damaged_download_is_replaced_and_a_good_one_survives_a_dead_network(tmp_path: Path, server: Server) -> None:
    target = tmp_path / "toy" / NAME
    target.parent.mkdir()
    target.write_bytes(ARCHIVE[: len(ARCHIVE) // 2])
    with pytest.raises(BatchlabError, match="not an intact gzip file"):
        fetch("toy", toy(closed_port()), tmp_path, HASTY)
    fetch("toy", toy(server.url), tmp_path, HASTY)
    assert target.read_bytes() == ARCHIVE
    before = target.stat().st_mtime_ns
    fetch("toy", toy(closed_port()), tmp_path, HASTY)
    assert (target.read_bytes(), target.stat().st_mtime_ns) == (ARCHIVE, before)


@pytest.mark.parametrize("layout", ["toy/", ""])
@pytest.mark.parametrize("kind", ["folder", "url"])
def test_own_mirror_is_tried_first(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, layout: str, kind: str
) -> None:
    recompressed = gzip.compress(CONTENT, compresslevel=1, mtime=5)
    place = tmp_path / "mirror" / layout / NAME
    place.parent.mkdir(parents=True)
    place.write_bytes(recompressed)
    server.files[f"/mirror/{layout}{NAME}"] = recompressed
    own = str(tmp_path / "mirror") if kind == "folder" else f"{server.url}/mirror/"
    monkeypatch.setenv(download.MIRROR_VARIABLE, own)
    (path,) = fetch("toy", toy(server.url), tmp_path / "downloads", HASTY).values()
    assert path.read_bytes() == recompressed
    assert (f"/{NAME}", None) not in server.requests


def test_a_useless_own_mirror_is_named_but_does_not_stop_the_others(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(download.MIRROR_VARIABLE, str(tmp_path / "nowhere"))
    with pytest.raises(BatchlabError, match=r"nowhere/toy\.gz is missing"):
        fetch("toy", toy(closed_port()), tmp_path, HASTY)
    fetch("toy", toy(server.url), tmp_path, HASTY)


def test_fault_of_judges_the_content(tmp_path: Path) -> None:
    file = toy().files[0]
    path = tmp_path / NAME
    assert fault_of(path, file) == "is missing"
    for content, fault in [(ARCHIVE, None), (OTHER, "other content"), (b"x", "not an intact"), (b"", "other content")]:
        path.write_bytes(content)
        found = fault_of(path, file)
        assert found is None if fault is None else found is not None and fault in found


def test_two_fetches_side_by_side_transfer_once(server: Server, tmp_path: Path) -> None:
    workers = [threading.Thread(target=fetch, args=("toy", toy(server.url), tmp_path, HASTY)) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(server.requests) == 1
