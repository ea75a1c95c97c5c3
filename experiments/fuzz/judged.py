"""Inputs to their outcomes, each judged in a process that may run out of memory or time."""

from __future__ import annotations

import multiprocessing
import os
import resource
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from multiprocessing.connection import Connection
from pathlib import Path

MEMORY_BYTES = 2 * 2**30
TIMEOUT_SECONDS = 20.0


def _work(judge: Callable[[bytes], str], connection: Connection) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    sys.stderr = open(os.devnull, "w")  # noqa: SIM115 (it lasts as long as the process)
    while True:
        connection.send(judge(connection.recv_bytes()))


class Worker:
    """A process that judges inputs, with limits of memory and time.

    Args:
        judge: what becomes of an input, as `outcome` says it.
    """

    def __init__(self, judge: Callable[[bytes], str]) -> None:
        context = multiprocessing.get_context("fork")
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=_work, args=(judge, theirs), daemon=True)
        self.process.start()
        theirs.close()

    def try_input(self, data: bytes) -> str:
        """What became of an input; "HANG" or "CRASH" if the worker gave no answer."""
        try:
            self.connection.send_bytes(data)
            if not self.connection.poll(TIMEOUT_SECONDS):
                self.process.kill()
                self.process.join()
                return "HANG"
            result: str = self.connection.recv()
            return result
        except (EOFError, ConnectionError):
            self.process.join()
            return f"CRASH (exit code {self.process.exitcode})"


def try_inputs(
    judge: Callable[[bytes], str],
    inputs: Iterable[bytes],
    good: tuple[str, str],
    failures: Path | None,
    name_of: Callable[[int], str],
) -> Counter[str]:
    """Outcomes of inputs, each in a worker process; those that failed are kept as files.

    Args:
        judge: as of `Worker`.
        good: outcomes that are no failure.
        failures: folder for the inputs that failed; None to keep none.
        name_of: the name of such a file, by the number of the input.
    """
    outcomes: Counter[str] = Counter()
    worker = Worker(judge)
    for number, data in enumerate(inputs):
        result = worker.try_input(data)
        outcomes[result] += 1
        if result not in good:
            if failures:
                failures.mkdir(parents=True, exist_ok=True)
                (failures / name_of(number)).write_bytes(data)
            if not worker.process.is_alive():
                worker = Worker(judge)
    worker.process.kill()
    return outcomes
