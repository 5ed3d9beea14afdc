"""Package registries on loopback, with real packages in them: a Python index and an npm registry.

The index speaks PEP 691 with `upload-time` (PEP 700), from which installers know a release's age.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import tarfile
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

POLL_INTERVAL_S = 0.02  # how soon a server that is told to end notices

Answer = tuple[str, bytes]
"""Content type and body."""


@contextmanager
def serving(answer: Callable[[str], Answer | None]) -> Iterator[str]:
    """An HTTP server on loopback that answers a path, or 404 for None; gives its base URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = answer(self.path)
            content_type, body = found or ("text/plain", b"not here")
            self.send_response(200 if found else 404)
            self.send_header("content-type", content_type)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        def do_HEAD(self) -> None:
            self.do_GET()

        def log_message(self, _format: str, *_args: object) -> None:
            """Keep quiet: the base class writes every request to stderr."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(POLL_INTERVAL_S,), name="registry", daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


@dataclass
class PackageIndex:
    """Wheels of one project, each with its age; `asked` keeps the paths of all requests."""

    project: str
    ages: dict[Path, timedelta] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    @contextmanager
    def running(self) -> Iterator[str]:
        """Serve them; gives the index URL."""
        with serving(self._answer) as url:
            yield f"{url}/simple/"

    def _answer(self, path: str) -> Answer | None:
        self.asked.append(path)
        by_name = {wheel.name: wheel for wheel in self.ages}
        if path == f"/simple/{self.project}/":
            files = [self._file(wheel) for wheel in self.ages]
            page = {"meta": {"api-version": "1.1"}, "name": self.project, "versions": [], "files": files}
            return "application/vnd.pypi.simple.v1+json", json.dumps(page).encode()
        wheel = by_name.get(path.rpartition("/")[2])
        return ("application/octet-stream", wheel.read_bytes()) if wheel else None

    def _file(self, wheel: Path) -> dict[str, object]:
        content = wheel.read_bytes()
        return {
            "filename": wheel.name,
            "url": f"/files/{wheel.name}",
            "hashes": {"sha256": hashlib.sha256(content).hexdigest()},
            "size": len(content),
            "upload-time": (datetime.now(UTC) - self.ages[wheel]).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        }


def wheel_of_version(wheel: Path, version: str, folder: Path) -> Path:
    """The wheel under another version, as a release of that version would be."""
    name, old, *tags = wheel.stem.split("-")
    made = folder / f"{name}-{version}-{'-'.join(tags)}.whl"
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(wheel) as source:
        files = {item: source.read(item) for item in source.namelist()}
    files = {
        path.replace(f"{name}-{old}.dist-info", f"{name}-{version}.dist-info"): text for path, text in files.items()
    }
    info = f"{name}-{version}.dist-info"
    metadata = files[f"{info}/METADATA"].decode()
    files[f"{info}/METADATA"] = re.sub(r"(?m)^Version: .*$", f"Version: {version}", metadata, count=1).encode()
    if f"{name}/__init__.py" in files:
        init = files[f"{name}/__init__.py"].decode()
        files[f"{name}/__init__.py"] = re.sub(r'__version__ = ".*"', f'__version__ = "{version}"', init).encode()
    record = f"{info}/RECORD"
    lines = [f"{path},sha256={_digest(text)},{len(text)}\n" for path, text in files.items() if path != record]
    files[record] = ("".join(lines) + f"{record},,\n").encode()
    with zipfile.ZipFile(made, "w") as target:
        for path, text in files.items():
            target.writestr(path, text)
    return made


def _digest(text: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text).digest()).rstrip(b"=").decode()


@contextmanager
def npm_registry(tarball: Path) -> Iterator[str]:
    """An npm registry that holds this one package; gives its URL."""
    with tarfile.open(tarball) as package:
        manifest = package.extractfile("package/package.json")
        assert manifest is not None
        described = json.load(manifest)
    content = tarball.read_bytes()
    integrity = f"sha512-{base64.b64encode(hashlib.sha512(content).digest()).decode()}"
    urls: list[str] = []

    def answer(path: str) -> Answer | None:
        if path == f"/{described['name']}":
            dist = {"tarball": f"{urls[0]}/{tarball.name}", "integrity": integrity}
            version = described["version"]
            page = {
                "name": described["name"],
                "dist-tags": {"latest": version},
                "versions": {version: {**described, "dist": dist}},
            }
            return "application/json", json.dumps(page).encode()
        return ("application/octet-stream", content) if path == f"/{tarball.name}" else None

    with serving(answer) as url:
        urls.append(url)
        yield url
