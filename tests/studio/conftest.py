"""A studio with an empty library, and a page's view of it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi", reason="the studio needs the extra studio")

from fastapi.testclient import TestClient

from ritornello.studio.http_api import create_app
from ritornello.studio.open_studio import Studio
from ritornello.studio.request_guard import Access

PORT = 8340


class Client(TestClient):
    """What a page does."""

    def run(self, kind: str, **request: Any) -> dict[str, Any]:
        """Ask for a job and wait until it is over."""
        answer = self.post("/api/jobs", json={"kind": kind, **request})
        assert answer.status_code == 201, answer.text
        return self.wait(answer.json()["id"])

    def wait(self, job: str) -> dict[str, Any]:
        """A job once it is over."""
        for _ in range(1200):
            found: dict[str, Any] = self.get(f"/api/jobs/{job}").json()
            if found["state"] in ("done", "failed", "cancelled"):
                return found
            time.sleep(0.05)
        raise AssertionError(f"{found} took too long")

    def made(self, kind: str, **request: Any) -> dict[str, Any]:
        """The first piece that a job made."""
        job = self.run(kind, **request)
        assert job["state"] == "done", job
        piece: dict[str, Any] = self.get(f"/api/pieces/{job['result']['pieces'][0]}").json()
        return piece

    def upload(self, name: str, data: bytes) -> Any:
        return self.post("/api/uploads", params={"name": name}, content=data)

    def events(self, job: str) -> list[tuple[str, dict[str, Any]]]:
        """All events of a job, names with data, until it ends."""
        found, name = [], ""
        with self.stream("GET", f"/api/jobs/{job}/events") as lines:
            for line in lines.iter_lines():
                if line.startswith("event: "):
                    name = line.removeprefix("event: ")
                if line.startswith("data: "):
                    found.append((name, json.loads(line.removeprefix("data: "))))
        return found


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    opened = Studio.open(tmp_path_factory.mktemp("library"))
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def client(studio: Studio) -> Client:
    return Client(create_app(studio, Access(PORT)), base_url=f"http://127.0.0.1:{PORT}")


@pytest.fixture(scope="module")
def song(client: Client, tiny_model: Path) -> dict[str, Any]:
    """A piece of four bars for piano and bass."""
    return client.made(
        "compose", model=str(tiny_model), bars=4, parts=["piano", "bass"], key="D minor", seed=1
    )
