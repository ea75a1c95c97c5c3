"""Running the command, in this process and in one of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from ritornello import cli
from tests.examples import band


@dataclass(frozen=True)
class Outcome:
    """What a command came to: exit code, results, messages."""

    code: int
    out: str
    err: str


@pytest.fixture
def command(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Outcome]:
    """Runs `ritornello` in this process, in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object) -> Outcome:
        capfd.readouterr()
        code = cli.run([str(argument) for argument in arguments])
        return Outcome(code, *capfd.readouterr())

    return run


def start(*arguments: object, **options: object) -> subprocess.Popen[str]:
    """`ritornello` in a process of its own."""
    command = [sys.executable, "-m", "ritornello", *map(str, arguments)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **options}
    result: subprocess.Popen[str] = subprocess.Popen(command, **pipes)  # type: ignore[call-overload]
    return result


@pytest.fixture
def song(tmp_path: Path) -> Path:
    return band(bars=2).save(tmp_path / "song.mid")
