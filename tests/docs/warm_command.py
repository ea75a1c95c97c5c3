"""The command `ritornello` without the wait for Python to start: forks of a process that is ready.

The pages tell to run a hundred commands. Most take less time than it takes to import what they need
(0.7 seconds of CPU, with PyTorch 5), so a server imports it once and runs each command in a fork of
itself, with the arguments, folder, environment and streams of whoever asked.

    python -m tests.docs.warm_command serve SOCKET                # until its standard input ends
    python -I -S tests/docs/warm_command.py ask SOCKET ARGUMENTS  # what the pages call `ritornello`
"""

from __future__ import annotations

import importlib
import json
import os
import select
import socket
import sys
from contextlib import suppress
from typing import NoReturn

_LENGTH = 8  # bytes, of the length of a request


def ask(address: str, arguments: list[str]) -> int:
    """Have the server run a command with the streams of this process; its exit code."""
    asked = {"arguments": arguments, "folder": os.getcwd(), "environment": dict(os.environ)}
    request = json.dumps(asked).encode()
    with socket.socket(socket.AF_UNIX) as to_server:
        to_server.connect(address)
        socket.send_fds(to_server, [len(request).to_bytes(_LENGTH, "big")], [0, 1, 2])
        to_server.sendall(request)
        return int(to_server.makefile().read() or 1)


def serve(address: str) -> None:
    """Run what is asked for at a socket, each command in a fork, until standard input ends."""
    _get_ready()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(address)
        listening.listen()
        while True:
            ready, _, _ = select.select([listening, sys.stdin], [], [])
            if sys.stdin in ready:
                return
            asked, _ = listening.accept()
            if os.fork() == 0:
                listening.close()
                _run(asked)
            asked.close()
            with suppress(ChildProcessError):
                os.waitpid(-1, os.WNOHANG)  # one that has ended for each that begins


def _get_ready() -> None:
    """Import what commands need; and have `train --from` rehearse few and short pieces."""
    for library in ("ritornello.api", "ritornello.cli", "torch._dynamo", "soundfile", "soxr"):
        importlib.import_module(library)
    rehearsal = importlib.import_module("ritornello.training.rehearsal")
    for name, little in (("_PIECES", 1), ("_BARS", 2)):
        setattr(rehearsal, name, little)


def _run(asked: socket.socket) -> NoReturn:
    """Run one command, and answer its exit code; who asked waits until this process is gone."""
    head, streams, _, _ = socket.recv_fds(asked, _LENGTH, 3)
    request = json.loads(asked.makefile("rb").read(int.from_bytes(head, "big")))
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        setattr(sys, name, open(number, mode, closefd=False))  # noqa: SIM115
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["folder"])
    sys.argv = ["ritornello", *request["arguments"]]
    try:
        importlib.import_module("ritornello.cli").main()
    except SystemExit as end:
        asked.sendall(str(end.code).encode())
        raise
    raise AssertionError("the command ends with its exit code")


if __name__ == "__main__":
    what, address, *arguments = sys.argv[1:]
    if what == "ask":
        sys.exit(ask(address, arguments))
    serve(address)
