"""Processes that do the work of the studio, so that the server answers while they compute.

A helper is a process of its own: it can be stopped in the middle of anything, it may crash on a
hostile file without harm, and it ends when the server does, however that ends. Server and helper
speak in lines of JSON through pipes; a helper does one thing at a time and tells how it goes on.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import IO, Any

from ritornello import errors
from ritornello.errors import RitornelloError
from ritornello.json_values import JsonObject

Tell = Callable[[str, JsonObject], None]
Call = Callable[[JsonObject, Tell], JsonObject]
_START = (
    "import json, sys; sys.path[:] = json.loads(sys.stdin.buffer.readline()); "
    "from ritornello.studio.helper_calls import serve; serve()"
)
_GRACE_SECONDS = 20.0  # for a training to save its state
_CRASHED = "The process that did this ended unexpectedly (code {code})."


class CancelledError(RitornelloError):
    """Somebody wanted it no more."""


class Helper:
    """One process, started when it is first needed and again after it ended.

    Used by one thread at a time; `cancel` may come from any other.
    """

    def __init__(self, *, limits: bool = False) -> None:
        """A helper; with limits on memory and file sizes for one that reads foreign files."""
        self._limits = limits
        self._process: subprocess.Popen[bytes] | None = None
        self._changing = threading.Lock()
        self._is_cancelled = False
        self._is_late = False

    def call(
        self,
        name: str,
        arguments: JsonObject,
        *,
        tell: Tell = lambda event, data: None,
        timeout_seconds: float | None = None,
    ) -> JsonObject:
        """What a function of `helper_calls` gives for arguments, all of plain JSON values.

        Args:
            tell: called with each event on the way.
            timeout_seconds: after which the process is ended.

        Raises:
            CancelledError: if `cancel` was called. RitornelloError: if the function raised one, the
                process ended, or it took too long.
        """
        with self._changing:
            self._is_cancelled = self._is_late = False
            if self._process is None or self._process.poll() is not None:
                self._process = _start(self._limits)
            process = self._process
        timer = threading.Timer(timeout_seconds or 0, self._give_up)
        if timeout_seconds is not None:
            timer.daemon = True
            timer.start()
        try:
            return self._converse(process, {"call": name, "arguments": arguments}, tell)
        finally:
            timer.cancel()
            if self._is_cancelled or self._is_late:
                self.stop()

    def _converse(
        self, process: subprocess.Popen[bytes], question: JsonObject, tell: Tell
    ) -> JsonObject:
        assert process.stdin is not None
        assert process.stdout is not None
        with suppress(BrokenPipeError):
            _send(process.stdin, question)
        for line in process.stdout:
            message = json.loads(line)
            if "result" in message:
                result: JsonObject = message["result"]
                return result
            if self._is_cancelled:
                continue
            if "error" in message:
                kind = getattr(errors, message["kind"], RitornelloError)
                raise kind(**message["error"])
            tell(message["event"], message["data"])
        self.stop()
        if self._is_cancelled:
            raise CancelledError("It was cancelled.")
        if self._is_late:
            raise RitornelloError("It took too long, and was ended.")
        raise RitornelloError(
            _CRASHED.format(code=process.returncode),
            next_step="Try again; if it ends so once more, there may be too little memory for it.",
        )

    def cancel(self, *, gently: bool = False) -> None:
        """End what is being done; gently, it may save its state before it ends."""
        with self._changing:
            process = self._process
            self._is_cancelled = True
            if process is None:
                return
            if gently:
                with suppress(OSError):
                    process.send_signal(signal.SIGINT)
                timer = threading.Timer(_GRACE_SECONDS, process.kill)
                timer.daemon = True
                timer.start()
            else:
                process.kill()
                process.wait()

    def _give_up(self) -> None:
        with self._changing:
            self._is_late = True
            if self._process is not None:
                self._process.kill()

    def stop(self) -> None:
        """End the process; the next call starts another."""
        with self._changing:
            process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()


def _start(limits: bool) -> subprocess.Popen[bytes]:
    """A process that waits for calls.

    Raises:
        RitornelloError: if the system starts no more processes.
    """
    # One thread for each process: the processes are the parallelism. A training asks for more.
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    marks = {"RITORNELLO_STUDIO_LIMITS": "1"} if limits else {}
    try:
        process = subprocess.Popen(
            [sys.executable, "-P", "-c", _START],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **threads, **marks},
            # Ctrl-C is for the server, which ends its helpers in order.
            start_new_session=True,
        )
    except OSError as error:
        raise RitornelloError(f"No process could be started ({error.strerror}).") from None
    assert process.stdin is not None
    _send(process.stdin, sys.path)
    return process


def _send(stream: IO[bytes], message: Any) -> None:
    stream.write(json.dumps(message, allow_nan=False).encode() + b"\n")
    stream.flush()
