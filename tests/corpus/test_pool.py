"""The pool gives every answer in order, whatever single items do to their process."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ritornello.atomic import atomic_write
from ritornello.corpus.pool import Failure, map_in_processes
from ritornello.errors import InputError, RitornelloError


def behave(item: object) -> object:
    if item == "die":
        os._exit(7)
    if item == "hang":
        time.sleep(60)
    if item == "raise":
        raise InputError("bad", where="here")
    if item == "print":
        print("noise on standard output")
        os.write(1, b"more noise")
    return item


def test_crash_hang_error_and_noise_cost_one_item_each() -> None:
    items = ["a", "die", "b", "hang", "print", "raise", *range(200)]
    answers = list(map_in_processes(behave, items, workers=2, timeout_seconds=1.5))
    assert [answer for answer in answers if not isinstance(answer, Failure)] == [
        "a",
        "b",
        "print",
        *range(200),
    ]
    failures = {
        item: answer.kind
        for item, answer in zip(items, answers, strict=True)
        if isinstance(answer, Failure)
    }
    assert failures == {"die": "crashed", "hang": "too slow", "raise": "failed"}
    crash = answers[1]
    assert isinstance(crash, Failure)
    assert "code 7" in crash.detail


def test_leaving_early_ends_the_processes() -> None:
    pids = []
    for pid in map_in_processes(worker_pid, range(1000), workers=2):
        assert not isinstance(pid, Failure)
        pids.append(pid)
        if len(pids) == 5:
            break
    for pid in set(pids):
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


@pytest.mark.skipif(os.name == "nt", reason="Windows does not tell whose parent has gone")
def test_a_process_ends_with_the_one_that_started_it(tmp_path: Path) -> None:
    told = tmp_path / "pid"
    code = (
        "from ritornello.corpus.pool import map_in_processes as run; "
        "from tests.corpus.test_pool import tell_and_stay as stay; "
        f"list(run(stay, [{str(told)!r}], timeout_seconds=600))"
    )
    parent = subprocess.Popen([sys.executable, "-c", code])
    while not told.exists():
        assert parent.poll() is None
        time.sleep(0.1)
    parent.kill()
    parent.wait()
    worker = int(told.read_text())
    while _runs(worker):
        time.sleep(0.1)


def tell_and_stay(path: str) -> None:
    with atomic_write(Path(path)) as temporary:
        temporary.write_text(str(os.getpid()))
    time.sleep(600)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def worker_pid(_item: int) -> int:
    return os.getpid()


def test_a_python_that_cannot_start_is_an_error_not_a_hang(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "path", ["/nowhere"])
    with pytest.raises(RitornelloError, match="could not start"):
        list(map_in_processes(worker_pid, [1], workers=1))


def test_nothing_to_do_starts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    assert list(map_in_processes(worker_pid, [], workers=4)) == []
