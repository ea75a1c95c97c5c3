"""Whatever ends the studio, no job is lost, and none is done twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

pytest.importorskip("fastapi", reason="the studio needs the extra studio")


@contextmanager
def a_studio(library: Path) -> Iterator[tuple[httpx.Client, subprocess.Popen[str]]]:
    """The command, at any free port, and a client of it."""
    command = ["studio", "--no-browser", "--port", "0", "--library", str(library)]
    process = subprocess.Popen(
        [sys.executable, "-m", "ritornello", *command],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        address = line.rpartition(" ")[2].strip()
        with httpx.Client(base_url=address, timeout=20, trust_env=False) as client:
            for _ in range(200):
                try:
                    client.get("/api/jobs")
                    break
                except httpx.ConnectError:
                    time.sleep(0.05)
            yield client, process
    finally:
        process.kill()
        process.wait()


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="looks at processes in /proc")
def test_a_job_goes_on_after_a_kill(tmp_path: Path, tiny_model: Path) -> None:
    asked = {"kind": "compose", "model": str(tiny_model), "bars": 96, "variations": 2}
    with a_studio(tmp_path) as (client, process):
        jobs = [client.post("/api/jobs", json=asked).json()["id"] for _ in range(2)]
        seed = client.get(f"/api/jobs/{jobs[0]}").json()["request"]["seed"]
        while client.get(f"/api/jobs/{jobs[0]}").json()["progress"]["done"] in (None, 0.0):
            time.sleep(0.02)
        helpers = [
            child
            for thread in Path(f"/proc/{process.pid}/task").iterdir()
            for child in (thread / "children").read_text().split()
        ]
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert helpers
    for _ in range(100):
        if not any(Path(f"/proc/{helper}").exists() for helper in helpers):
            break
        time.sleep(0.05)
    assert not any(Path(f"/proc/{helper}").exists() for helper in helpers), "a helper lives on"
    with a_studio(tmp_path) as (client, _):
        for job in jobs:
            while (found := client.get(f"/api/jobs/{job}").json())["state"] != "done":
                assert found["state"] in ("queued", "running"), found
                time.sleep(0.05)
            assert len(found["result"]["pieces"]) == 2
        first = client.get(f"/api/jobs/{jobs[0]}").json()
        assert (first["attempts"], first["request"]["seed"]) == (2, seed)
        songs = client.get("/api/songs").json()["songs"]
        assert len(songs) == 1 + 4  # the first piece, and two of each job: none twice


def test_a_port_in_use_is_told(tmp_path: Path) -> None:
    with a_studio(tmp_path / "one") as (client, _):
        port = str(client.base_url.port)
        command = ["studio", "--no-browser", "--port", port, "--library", str(tmp_path / "two")]
        done = subprocess.run(
            [sys.executable, "-m", "ritornello", *command], capture_output=True, text=True
        )
        assert done.returncode == 1
        assert f"Port {port} is in use" in done.stderr
        command[-1] = str(tmp_path / "one")
        command[3] = "0"
        done = subprocess.run(
            [sys.executable, "-m", "ritornello", *command], capture_output=True, text=True
        )
        assert done.returncode == 1
        assert "open with this library already" in done.stderr


def test_a_port_that_cannot_be_is_refused(tmp_path: Path) -> None:
    command = ["studio", "--no-browser", "--port", "99999", "--library", str(tmp_path / "one")]
    done = subprocess.run(
        [sys.executable, "-m", "ritornello", *command], capture_output=True, text=True
    )
    assert done.returncode == 2
    assert "There is no port 99999" in done.stderr
