"""A campaign whose results go to object storage: a server on this machine, reached by Snakemake's storage plugin.

`make test-s3` sets up the environment that the plugin needs, and runs it.
"""

from __future__ import annotations

import copy
import os
import socket
import subprocess
import urllib.parse
import urllib.request
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path

import pytest
from workflow.artefacts import results
from workflow.checkouts import ONE, Checkout

PYTHON = os.environ.get("BATCHLAB_S3", "")
pytestmark = pytest.mark.skipif(not PYTHON, reason="make test-s3 sets up the environment for object storage")
BUCKET, PREFIX = "lab", "some/where"


class Server:
    """A server of object storage in a process of its own.

    Args:
        address: Its address, without the bucket.
    """

    def __init__(self, address: str) -> None:
        self.address = address

    def ask(self, path: str, method: str = "GET") -> bytes:
        """Return what the server answers; no proxy is asked."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        # Whose signature it is the server does not look at, but it wants one.
        signed = {"Authorization": "AWS somebody:signature"}
        request = urllib.request.Request(f"{self.address}/{path}", method=method, headers=signed)
        with opener.open(request, timeout=60) as answer:
            return bytes(answer.read())

    def names(self) -> list[str]:
        """Return the names of all objects in the bucket."""
        found: list[str] = []
        while True:
            after = urllib.parse.quote(found[-1], safe="") if found else ""
            page = ElementTree.fromstring(self.ask(f"{BUCKET}?list-type=2&start-after={after}"))
            keys = [element.text or "" for element in page.iter() if element.tag.endswith("}Key")]
            if not keys:
                return found
            found += keys

    def copy(self, folder: Path) -> Path:
        """Copy everything below the prefix into a folder, and return it."""
        for name in self.names():
            target = folder / name.removeprefix(f"{PREFIX}/")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(self.ask(f"{BUCKET}/{urllib.parse.quote(name)}"))
        return folder


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = tmp_path_factory.mktemp("server") / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [PYTHON, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)], stdout=output, stderr=output
        )
    try:
        while b"Running on" not in log.read_bytes():
            assert process.poll() is None, log.read_text()
        started = Server(f"http://127.0.0.1:{port}")
        started.ask(BUCKET, "PUT")
        yield started
    finally:
        process.terminate()
        process.wait()


def snakemake(folder: Path, server: Server | None, *arguments: str) -> str:
    """Run Snakemake as `docs/cluster.md` says, without a server in the folder alone, and return what it prints."""
    command = [PYTHON, "-m", "snakemake", "--cores", "2", "--configfile", "config/small.yaml", *arguments]
    if server:
        command += ["--default-storage-provider", "s3", "--default-storage-prefix", f"s3://{BUCKET}/{PREFIX}"]
        command += ["--storage-s3-endpoint-url", server.address]
    done = subprocess.run(
        command,
        cwd=folder,
        env={
            **os.environ,
            "SNAKEMAKE_STORAGE_S3_ACCESS_KEY": "somebody",
            "SNAKEMAKE_STORAGE_S3_SECRET_KEY": "secret",
            "NO_PROXY": "127.0.0.1",
            "no_proxy": "127.0.0.1",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:]
    return done.stdout


def test_all_results_are_in_the_bucket_bit_by_bit_and_only_changes_run_again(server: Server, tmp_path: Path) -> None:
    away, here = Checkout(tmp_path / "away", ONE), Checkout(tmp_path / "here", ONE)
    snakemake(away.folder, server)
    # In the same environment, which the page names.
    snakemake(here.folder, None)
    assert results(server.copy(tmp_path / "bucket")) == results(here.folder)
    # Where Snakemake ran there are none.
    assert results(away.folder) == {}

    assert "Nothing to be done" in snakemake(away.folder, server, "--dry-run")
    other = Checkout(tmp_path / "other", ONE)
    assert "Nothing to be done" in snakemake(other.folder, server, "--dry-run")

    changed = copy.deepcopy(ONE)
    changed["studies"]["sizes"]["probes"]["norms"]["trials"] = 50
    away.configure(changed)
    said = snakemake(away.folder, server, "--dry-run")
    assert "measure_probe" in said and "train_segment" not in said
