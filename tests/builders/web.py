"""A web server on this machine that sends files, breaks off on demand, and says what it was asked for."""

import threading
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self


class Web:
    """Serves a folder.

    Attributes:
        url: Where it is.
        folder: What it serves.
        asked: The paths that were asked for; a request for a part of a file also has its first byte: "/a from 7".
        break_after: The connection breaks off after this many bytes of an answer; None never.
        etag: What it says of every file; "" says nothing, so that no download can go on.
        ranges: Whether it can send a part of a file.
        lengths: Whether it says how long an answer is.
        redirects: Path -> where it leads.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.asked = folder, list[str]()
        self.break_after: int | None = None
        self.etag, self.ranges, self.lengths = '"1"', True, True
        self.redirects: dict[str, str] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, self))
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=partial(self._server.serve_forever, poll_interval=0.01), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    def __init__(self, web: Web, *arguments: Any) -> None:
        self._web = web
        super().__init__(*arguments)

    def do_GET(self) -> None:
        web, file = self._web, self._web.folder / self.path.lstrip("/")
        if self.path in web.redirects:
            self.send_response(302)
            self.send_header("Location", web.redirects[self.path])
            self.end_headers()
            return
        if not file.is_file():
            self.send_error(404)
            return
        data, start = file.read_bytes(), 0
        if web.ranges and "Range" in self.headers and self.headers["If-Range"] == web.etag:
            start = int(self.headers["Range"].removeprefix("bytes=").rstrip("-"))
        web.asked.append(f"{self.path} from {start}" if start else self.path)
        if start > len(data):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        if web.etag:
            self.send_header("ETag", web.etag)
        if web.lengths:
            self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        sent = data[start:] if web.break_after is None else data[start : start + web.break_after]
        self.wfile.write(sent)

    def log_message(self, *_: object) -> None:
        pass
