"""The life of a helper process: it answers calls, one after another, until the server is gone.

To add a call, write a function (arguments, tell) -> result of plain JSON values and name it in
`CALLS`. Its module is imported when it is first called.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from queue import SimpleQueue

from ritornello.errors import RitornelloError
from ritornello.json_values import JsonObject

CALLS = {
    "compose": "ritornello.studio.composing_calls:compose",
    "continue": "ritornello.studio.composing_calls:continue_",
    "fill": "ritornello.studio.composing_calls:fill",
    "arrange": "ritornello.studio.composing_calls:arrange",
    "harmonise": "ritornello.studio.composing_calls:harmonise",
    "vary": "ritornello.studio.composing_calls:vary",
    "model_facts": "ritornello.studio.composing_calls:model_facts",
    "read_file": "ritornello.studio.file_calls:read_file",
    "export": "ritornello.studio.file_calls:export",
    "read_plan": "ritornello.studio.file_calls:read_plan",
    "originality": "ritornello.studio.file_calls:originality",
    "transcribe": "ritornello.studio.recording_calls:transcribe",
    "remix": "ritornello.studio.recording_calls:remix",
    "pair": "ritornello.studio.rating_calls:pair",
    "blind_test": "ritornello.studio.rating_calls:blind_test",
    "tune": "ritornello.studio.rating_calls:tune",
    "train": "ritornello.studio.learning_calls:train",
}
_MOST_MEMORY_BYTES = 3 * 2**30
_MOST_FILE_BYTES = 2**30


def serve() -> None:
    """Answer calls from standard input until it ends."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints must not mix with the answers
    answering = threading.Lock()
    if os.environ.get("RITORNELLO_STUDIO_LIMITS"):
        _limit_resources()

    def answer(message: JsonObject) -> None:
        line = json.dumps(message, allow_nan=False).encode() + b"\n"
        with answering:
            answers.write(line)
            answers.flush()

    questions: SimpleQueue[bytes] = SimpleQueue()

    def listen() -> None:
        for line in sys.stdin.buffer:
            questions.put(line)
        os._exit(0)  # the server is gone, and with it whoever would want the rest

    threading.Thread(target=listen, daemon=True).start()
    while True:
        question = json.loads(questions.get())
        try:
            function = _function(question["call"])
            result = function(
                question["arguments"],
                lambda event, data: answer({"event": event, "data": data}),
            )
        except KeyboardInterrupt:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            answer({"error": {"what": "It was cancelled."}, "kind": ""})
        except RitornelloError as error:
            answer({"error": _words(error), "kind": type(error).__name__})
        except MemoryError:
            answer({"error": {"what": "There is not enough memory for this."}, "kind": ""})
        except OSError as error:
            what = f"The system refused: {error.strerror or error}."
            answer(
                {"error": {"what": what, "where": str(error.filename or "")}, "kind": "OutputError"}
            )
        except Exception as error:
            what = f"This is a fault of ritornello ({type(error).__name__}: {error})."
            answer({"error": {"what": what, "next_step": "Please report it."}, "kind": ""})
        else:
            answer({"result": result})


def _function(name: str) -> Callable[..., JsonObject]:
    module, function = CALLS[name].split(":")
    found: Callable[..., JsonObject] = getattr(importlib.import_module(module), function)
    return found


def _words(error: RitornelloError) -> dict[str, str]:
    return {"what": error.what, "where": error.where, "next_step": error.next_step}


def _limit_resources() -> None:
    """Let a foreign file cost no more than this, where the system can hold it."""
    try:
        import resource
    except ImportError:  # Windows
        return
    for limit, most in (
        (resource.RLIMIT_AS, _MOST_MEMORY_BYTES),
        (resource.RLIMIT_FSIZE, _MOST_FILE_BYTES),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(limit)
        allowed = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(limit, (allowed, hard))
