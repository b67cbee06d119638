"""Fetch the files of a published data set: several mirrors, resumable, verified, and never twice.

A transfer grows in a side file `<name>.<digest of the URL>.part`. It becomes `<name>` by an atomic rename once its
content has the published digest, so a file under its final name is good or was damaged later by someone else; a good
one is never written to. The part is kept when a transfer fails, and the next attempt asks the same URL for the rest.

The environment variable `BATCHLAB_MIRROR` (a folder or a URL) is tried before the declared mirrors, as
`<mirror>/<data set>/<file>` and as `<mirror>/<file>`; in a folder it may be compressed, as `<file>.gz`.
"""

from __future__ import annotations

import contextlib
import fcntl
import gzip
import hashlib
import http.client
import os
import shutil
import time
import urllib.error
import urllib.request
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from batchlab.declarations.source import Published, RemoteFile
from batchlab.errors import BatchlabError
from batchlab.files import atomic_path, sha256_of

MIRROR_VARIABLE = "BATCHLAB_MIRROR"

# What reading a damaged gzip file raises.
GZIP_PROBLEMS = (EOFError, gzip.BadGzipFile, zlib.error)

_CHUNK = 1 << 18

# Answers of a server that may be different a moment later.
_TEMPORARY = {408, 425, 429, 500, 502, 503, 504}


@dataclass(frozen=True)
class Policy:
    """How patient a download is.

    Attributes:
        timeout: Seconds without a byte after which a connection counts as dead.
        attempts: Attempts in a row without progress before the next mirror is tried.
        backoff: Seconds before the second attempt; doubled for each further one.
        minimum_rate: Bytes per second that a connection must reach, on average, once `timeout` has passed.
    """

    timeout: float = 30.0
    attempts: int = 3
    backoff: float = 1.0
    minimum_rate: float = 1000.0


def fetch(name: str, source: Published, folder: Path, policy: Policy | None = None) -> dict[str, Path]:
    """Return name → path of the verified files of a data set, downloading what is missing.

    Args:
        name: Name of the data set.
        source: Its declaration.
        folder: Where downloads are kept; the files lie in `folder/<data set>/`.
        policy: Timeouts and retries.

    Raises:
        BatchlabError: No mirror gave a good copy. The message lists every address with its reason.
    """
    return {file.name: _fetch_file(name, source, file, folder / name, policy or Policy()) for file in source.files}


def fault_of(path: Path, file: RemoteFile) -> str | None:
    """Return why `path` is not the published file, or `None` if it is."""
    if not path.is_file():
        return "is missing"
    try:
        if file.content_sha256:
            with gzip.open(path, "rb") as content:
                found = hashlib.file_digest(content, "sha256").hexdigest()
        else:
            found = sha256_of(path)
    except GZIP_PROBLEMS as problem:
        return f"is not an intact gzip file ({problem})"
    except OSError as problem:
        return f"cannot be read ({problem})"
    if found != file.digest:
        what = "content" if file.content_sha256 else "file"
        return f"has other content than published (sha256 of the {what} {found[:12]}…, not {file.digest[:12]}…)"
    return None


def _fetch_file(name: str, source: Published, file: RemoteFile, folder: Path, policy: Policy) -> Path:
    target = folder / file.name
    folder.mkdir(parents=True, exist_ok=True)
    with _lock(target):
        fault = fault_of(target, file)
        if fault is None:
            return target
        tried = [f"{target} {fault}"] if target.exists() else []
        for place in _places(name, source, file):
            print(f"{source.title}: fetching {place}", flush=True)
            reason = _from_url(place, file, target, policy) if _is_url(place) else _copy(Path(place), file, target)
            if reason is None:
                for stale in folder.glob(f"{file.name}.*.part"):
                    stale.unlink()
                return target
            tried.append(f"{place} {reason}")
    names = ", ".join(item.name for item in source.files)
    raise BatchlabError(
        f"{name}: cannot get {file.name}: {'; '.join(tried)}; check the network, or set {MIRROR_VARIABLE} to a "
        f"folder (or URL) with {name}/{file.name}, or put the files ({names}) into {folder}"
    )


def _is_url(place: str) -> bool:
    return place.startswith(("http://", "https://"))


def _places(name: str, source: Published, file: RemoteFile) -> list[str]:
    """Return the addresses of a file in the order in which they are tried."""
    own = os.environ.get(MIRROR_VARIABLE, "").strip()
    if own and not _is_url(own):
        own = str(Path(own).expanduser())
    chosen = [f"{own.rstrip('/')}/{name}/{file.name}", f"{own.rstrip('/')}/{file.name}"] if own else []
    return chosen + [f"{mirror.rstrip('/')}/{file.name}" for mirror in source.mirrors]


@contextlib.contextmanager
def _lock(target: Path) -> Iterator[None]:
    """Let one process at a time fetch a file: two splits of one data set are prepared by jobs side by side."""
    with target.with_name(f".{target.name}.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _copy(place: Path, file: RemoteFile, target: Path) -> str | None:
    fault = fault_of(place, file)
    packed = place.with_name(f"{place.name}.gz")
    if fault and packed.is_file():
        return _unpack(packed, file, target)
    if fault is None:
        with atomic_path(target) as temporary:
            shutil.copyfile(place, temporary)
    return fault


def _unpack(place: Path, file: RemoteFile, target: Path) -> str | None:
    """Take a file out of a compressed copy in a mirror's folder; return why that failed, or `None`."""
    part = target.with_name(f"{target.name}.{hashlib.sha256(str(place).encode()).hexdigest()[:8]}.part")
    try:
        with gzip.open(place, "rb") as content, part.open("wb") as unpacked:
            shutil.copyfileobj(content, unpacked)
    except (*GZIP_PROBLEMS, OSError) as problem:
        return f"is not an intact gzip file ({problem})"
    fault = fault_of(part, file)
    if fault is None:
        part.replace(target)
    return fault


def _from_url(url: str, file: RemoteFile, target: Path, policy: Policy) -> str | None:
    """Download `url` to `target`; return why that failed, or `None`."""
    part = target.with_name(f"{target.name}.{hashlib.sha256(url.encode()).hexdigest()[:8]}.part")
    failures, furthest, reason = 0, _size(part), "was not tried"
    while failures < policy.attempts:
        if failures:
            time.sleep(policy.backoff * 2 ** (failures - 1))
        resumed = _size(part) > 0
        try:
            _transfer(url, part, policy)
        except urllib.error.HTTPError as problem:
            reason = f"answers {problem.code} {problem.reason}"
            if problem.code not in _TEMPORARY:
                return reason
        except (OSError, ValueError, http.client.HTTPException) as problem:
            cause = getattr(problem, "reason", None) or problem
            reason = f"fails ({' '.join(str(cause).split()) or type(cause).__name__})"
        else:
            fault = fault_of(part, file)
            if fault is None:
                part.replace(target)
                return None
            part.unlink(missing_ok=True)
            reason = fault
            if not resumed:
                return reason
            # Two halves of different files: the server's copy changed in between. Once more from the start.
            furthest = 0
        progress = _size(part) > furthest
        furthest = max(furthest, _size(part))
        failures = 1 if progress else failures + 1
    return reason


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _transfer(url: str, part: Path, policy: Policy) -> None:
    """Append to `part` what is missing of `url`, over one connection.

    Raises:
        OSError, http.client.HTTPException: The transfer is not complete; `part` holds what arrived.
    """
    have = _size(part)
    # Without `identity` a server may decompress or recompress on the way, and offsets would mean nothing.
    headers = {"User-Agent": "batchlab", "Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    started = time.monotonic()
    try:
        response = urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=policy.timeout)
    except urllib.error.HTTPError as problem:
        if problem.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and have:
            return  # Nothing is missing; the digest tells whether that is so.
        raise
    with response:
        resumes = response.status == http.HTTPStatus.PARTIAL_CONTENT
        if resumes and not response.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
            part.unlink()
            raise ConnectionError("sent another part than the one asked for")
        before = have if resumes else 0
        length = response.headers.get("Content-Length", "")
        received = 0
        with part.open("ab" if resumes else "wb") as file:
            while chunk := response.read1(_CHUNK):
                file.write(chunk)
                received += len(chunk)
                elapsed = time.monotonic() - started
                if elapsed > policy.timeout and received < policy.minimum_rate * elapsed:
                    raise TimeoutError(f"slower than {policy.minimum_rate:g} bytes a second")
            file.flush()
            os.fsync(file.fileno())
        if length.isdigit() and received < int(length):
            total = before + int(length)
            raise ConnectionError(f"connection closed after {before + received} of {total} bytes")
