"""Several processes learn what one does, and a killed one costs no note."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="networks need the extra train")

import ritornello
from ritornello.files import save
from tests.examples import band

STEPS = 14
SETTINGS: dict[str, Any] = {
    "steps": STEPS, "width": 16, "layers": 1, "head_width": 16, "batch": 4, "chunk": 32,
    "dropout": 0.0, "learning_rate": 1e-3, "products": "float32", "validate_every": 3, "threads": 1,
}  # fmt: skip
RUN = f"""
import os, pathlib
pathlib.Path(f"{{os.getpid()}}.worker").touch()
import ritornello
ritornello.train('music', 'model', **{SETTINGS})
"""
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with music, and the run of one process."""
    folder = tmp_path_factory.mktemp("alone")
    with_music(folder)
    ritornello.train(folder / "music", folder / "model", **SETTINGS)
    return folder


def with_music(folder: Path) -> None:
    for seed in range(12):
        save(band(seed), folder / "music" / f"{seed}.mid")


def start_two(folder: Path) -> subprocess.Popen[bytes]:
    script = folder / "run.py"
    script.write_text(RUN)
    source = str(Path(ritornello.__file__).parents[1])
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"]
    command += ["--master-port", "0", "--standalone", str(script)]
    return subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": source, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def kill(run: subprocess.Popen[bytes], folder: Path) -> None:
    """End the launcher and its workers, which have process groups of their own."""
    os.killpg(run.pid, signal.SIGKILL)
    for worker in folder.glob("*.worker"):
        with suppress(ProcessLookupError):
            os.kill(int(worker.stem), signal.SIGKILL)
    run.wait()


def steps(folder: Path) -> list[dict[str, float]]:
    journal = folder / "model" / "metrics.jsonl"
    lines = journal.read_text().splitlines() if journal.exists() else []
    return [line for line in map(json.loads, lines) if line["kind"] == "step"]


def check_same_run(folder: Path, other: Path) -> None:
    ours, theirs = steps(folder), steps(other)
    assert [line["step"] for line in ours] == [*range(1, STEPS + 1)]
    assert [line["notes"] for line in ours] == [line["notes"] for line in theirs]
    found = [line["nats_per_note"] for line in ours]
    assert found == pytest.approx([line["nats_per_note"] for line in theirs], abs=1e-3)


def test_two_processes_take_the_steps_of_one_though_they_are_killed(
    alone: Path, tmp_path: Path
) -> None:
    with_music(tmp_path)
    run = start_two(tmp_path)
    while run.poll() is None and len(steps(tmp_path)) < 8:  # between two savings
        time.sleep(0.01)
    kill(run, tmp_path)
    assert 8 <= len(steps(tmp_path)) < STEPS
    ritornello.train(tmp_path / "music", tmp_path / "model", **SETTINGS)  # one process now
    check_same_run(tmp_path, alone)
