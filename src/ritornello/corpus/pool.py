"""Processes that read files one at a time and survive what they read.

A damaged file may crash a reader written in C or keep it busy for ever. So each worker is a
process of its own, watched by a thread here: a worker that dies or is too slow costs one file,
is replaced, and the work goes on. Workers are started as plain ``python -c`` processes, not
forked and not through ``multiprocessing``, so a script needs no ``__main__`` guard and the
threads of other libraries are never copied.
"""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from queue import SimpleQueue
from typing import IO, Any, Protocol, TypeVar

from ritornello.errors import RitornelloError

_START = (
    "import pickle, sys; sys.path[:] = pickle.load(sys.stdin.buffer); "
    "from ritornello.corpus.pool import serve; serve()"
)
_IN_FLIGHT_PER_WORKER = 64
_START_SECONDS = 60.0
_LOOK_SECONDS = 1.0

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


class Pool(Protocol):
    """What reads items in other processes: `map_in_processes`, or a cluster as it does."""

    def __call__(
        self,
        function: Callable[[_Item], _Result],
        items: Iterable[_Item],
        *,
        workers: int | None = None,
        timeout_seconds: float = 20.0,
    ) -> Iterator[_Result | Failure]: ...


@dataclass(frozen=True)
class Failure:
    """Why an item gave no result: ``crashed``, ``too slow`` or ``failed``."""

    kind: str
    detail: str


def default_workers() -> int:
    """The processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def map_in_processes(
    function: Callable[[_Item], _Result],
    items: Iterable[_Item],
    *,
    workers: int | None = None,
    timeout_seconds: float = 20.0,
) -> Iterator[_Result | Failure]:
    """``function(item)`` for each item, in order, computed in worker processes.

    Args:
        function: a function at the top level of an importable module.
        items: anything that can be pickled.
        workers: processes; by default one for each processor.
        timeout_seconds: an item that takes longer is given up.

    Yields:
        The result, or a `Failure` when the function raised, the process died or was too slow.

    Raises:
        RitornelloError: if a worker process cannot start at all.
    """
    todo = iter(enumerate(items))
    taking = threading.Lock()
    room = threading.Semaphore((workers or default_workers()) * _IN_FLIGHT_PER_WORKER)
    done: SimpleQueue[tuple[int, Any]] = SimpleQueue()
    crew = [_Worker(timeout_seconds) for _ in range(workers or default_workers())]
    stop = threading.Event()

    def work(worker: _Worker) -> None:
        try:
            while not stop.is_set():
                # Room is taken before the item, so the next item in order always gets through.
                room.acquire()
                with taking:
                    turn = next(todo, None)
                if turn is None:
                    break
                done.put((turn[0], worker.call(function, turn[1])))
        except BaseException as error:
            done.put((-2, error))
        finally:
            worker.stop()
            done.put((-1, None))

    threads = [threading.Thread(target=work, args=(worker,), daemon=True) for worker in crew]
    for thread in threads:
        thread.start()
    try:
        yield from _in_order(done, room, len(threads))
    finally:
        stop.set()
        for worker in crew:
            worker.stop()
        for _ in threads:
            room.release()
        for thread in threads:
            thread.join()


def _in_order(
    done: SimpleQueue[tuple[int, Any]], room: threading.Semaphore, running: int
) -> Iterator[Any]:
    waiting: dict[int, Any] = {}
    turn = 0
    while running:
        index, value = done.get()
        if index == -2:
            raise value
        if index == -1:
            running -= 1
            room.release()
            continue
        waiting[index] = value
        while turn in waiting:
            yield waiting.pop(turn)
            room.release()
            turn += 1


class _Worker:
    """One process, started when first needed and started again after it died."""

    def __init__(self, timeout_seconds: float) -> None:
        self.timeout_seconds = timeout_seconds
        self.process: subprocess.Popen[bytes] | None = None
        self.stopped = False

    def call(self, function: Callable[[_Item], _Result], item: _Item) -> _Result | Failure:
        if self.process is None:
            self.process = self._start()
        process, late = self.process, threading.Event()

        def give_up() -> None:
            late.set()
            process.kill()

        timer = threading.Timer(self.timeout_seconds, give_up)
        timer.daemon = True
        timer.start()
        try:
            _send(process.stdin, (function, item))
            result: _Result | Failure = pickle.load(process.stdout)  # type: ignore[arg-type]
            return result
        except (EOFError, OSError, pickle.UnpicklingError):
            self._end(process)
            if late.is_set():
                limit = f"{self.timeout_seconds:g} seconds"
                return Failure("too slow", f"Reading it took more than {limit}.")
            return Failure("crashed", f"The reading process ended with code {process.returncode}.")
        finally:
            timer.cancel()

    def _start(self) -> subprocess.Popen[bytes]:
        # One thread for each process: the processes are the parallelism.
        threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
        with tempfile.TemporaryFile() as log:
            process = subprocess.Popen(
                [sys.executable, "-P", "-c", _START],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env={**os.environ, **threads},
            )
            timer = threading.Timer(_START_SECONDS, process.kill)
            timer.start()
            try:
                _send(process.stdin, sys.path)
                pickle.load(process.stdout)  # type: ignore[arg-type]
            except (EOFError, OSError, pickle.UnpicklingError):
                self._end(process)
                log.seek(0)
                last = log.read().decode(errors="replace").strip().splitlines()[-1:]
                raise RitornelloError(
                    f"A process that reads files could not start: {''.join(last) or 'no message'}.",
                    where=sys.executable,
                    next_step="Check that this Python can start further processes.",
                ) from None
            finally:
                timer.cancel()
        if self.stopped:
            self._end(process)
        return process

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        process.kill()
        process.wait()
        self.process = None

    def stop(self) -> None:
        """End the process; called from the watching thread and, to interrupt it, from outside."""
        self.stopped = True
        process = self.process
        if process is not None:
            process.kill()
            process.wait()


def _send(stream: IO[bytes] | None, message: object) -> None:
    assert stream is not None
    pickle.dump(message, stream)
    stream.flush()


def _end_with(parent: int) -> None:
    """End this process soon after the one that started it, which may have been killed."""
    while os.getppid() == parent:
        time.sleep(_LOOK_SECONDS)
    os._exit(1)


def serve() -> None:
    """The loop of a worker process: answer each (function, item) until the input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints must not mix with the answers
    _send(answers, "ready")
    while True:
        try:
            function, item = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        try:
            result = function(item)
        except Exception as error:
            result = Failure("failed", f"{type(error).__name__}: {error}")
        _send(answers, result)
