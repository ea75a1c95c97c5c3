"""How far the jobs of a study are, told while they run in processes of their own.

A job writes into a small file how much of it is done; the study reads the files of all jobs three
times a minute and says it in a sentence.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from ritornello.atomic import atomic_write

_WRITE_SECONDS = 1.0
_TELL_SECONDS = 20.0


class ProgressFile:
    """The file that a job writes, once a second at most."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._next_at = 0.0

    def write(self, share: float, doing: str = "") -> None:
        """Say what share of the learning is done, and what the job does beside learning."""
        now = time.monotonic()
        if now < self._next_at and share < 1:
            return
        self._next_at = now + _WRITE_SECONDS
        with atomic_write(self.path, overwrite=True) as partial:
            partial.write_text(f"{share:.4f} {doing}", encoding="utf-8")


@contextmanager
def told(
    files: Mapping[str, Path],
    say: Callable[[str], None],
    *,
    workers: int,
    every_seconds: float = _TELL_SECONDS,
) -> Iterator[None]:
    """While the body runs, say how far its jobs are; then remove their files.

    Args:
        files: of the jobs, by the name that a person reads.
        workers: how many jobs run at a time.
    """
    for path in files.values():
        path.unlink(missing_ok=True)
    say(f"{len(files)} networks learn, {min(workers, len(files))} at a time.")
    done = threading.Event()
    teller = threading.Thread(target=_tell, args=(files, done, say, every_seconds), daemon=True)
    teller.start()
    try:
        yield
    finally:
        done.set()
        teller.join()
        for path in files.values():
            path.unlink(missing_ok=True)


def _tell(
    files: Mapping[str, Path],
    done: threading.Event,
    say: Callable[[str], None],
    every_seconds: float,
) -> None:
    before = ""
    while not done.wait(every_seconds):
        sentence = in_words({name: _read(path) for name, path in files.items()})
        if sentence != before:
            say(sentence)
        before = sentence


def in_words(jobs: Mapping[str, tuple[float, str]]) -> str:
    """How far all jobs are, and each one that is at work.

    Args:
        jobs: share of the learning that is done, and what is done beside it, by name.
    """
    share = sum(share for share, _ in jobs.values()) / len(jobs)
    running = [
        f"{name} {doing or f'{part:.0%}'}"
        for name, (part, doing) in jobs.items()
        if 0 < part < 1 or doing
    ]
    return f"{share:.0%} learned: {', '.join(running) or 'the next networks begin'}"


def _read(path: Path) -> tuple[float, str]:
    with suppress(OSError, ValueError):
        share, _, doing = path.read_text(encoding="utf-8").partition(" ")
        return float(share), doing
    return 0.0, ""
