"""A mirror of our own that drops, stalls, refuses, lies and is slow."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Server(ThreadingHTTPServer):
    """Serves `files`; each request uses up one word of `script`: ok, drop, stall, ignore-range, or a status code.

    Attributes:
        files: Path of an address → content.
        script: What happens to the next requests; all is well where it ends.
        requests: Path and range of each request so far.
        pause: Seconds to wait after every 16 kB.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files: dict[str, bytes] = {}
        self.script: list[str] = []
        self.requests: list[tuple[str, str | None]] = []
        self.pause = 0.0
        self.release = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        asked = self.headers.get("Range")
        self.server.requests.append((self.path, asked))
        word = self.server.script.pop(0) if self.server.script else "ok"
        if word.isdigit() or self.path not in self.server.files:
            self.send_error(int(word) if word.isdigit() else 404)
            return
        content = self.server.files[self.path]
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked and word != "ignore-range" else 0
        if start >= len(content):
            self.send_error(416)
            return
        body = content[start:]
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if word in ("drop", "stall"):
            body = body[: len(body) // 2]
        for part in range(0, len(body), 16_384):
            try:
                self.wfile.write(body[part : part + 16_384])
            except OSError:  # the one who asked was killed
                return
            time.sleep(self.server.pause)
        if word == "stall":
            self.server.release.wait(20)
        self.close_connection = True

    def log_message(self, *arguments: object) -> None:
        pass


@contextlib.contextmanager
def serving(files: Mapping[str, bytes]) -> Iterator[Server]:
    """Yield a server of these files that runs until the block ends."""
    running = Server()
    running.files.update(files)
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield running
    finally:
        running.release.set()
        running.shutdown()
        running.server_close()
        thread.join()
