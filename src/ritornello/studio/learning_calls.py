"""What helpers learn: a model from a folder of music."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from ritornello import api
from ritornello.json_values import JsonObject
from ritornello.studio.helper_process import Tell

if TYPE_CHECKING:
    from ritornello.training.loop import Progress

_TELL_SECONDS = 0.5


def train(arguments: JsonObject, tell: Tell) -> JsonObject:
    """Learn from ``folder``, or go on with the run that is in ``output``."""
    output, told_at = Path(arguments["output"]), 0.0

    def scanned(done: int, total: int) -> None:
        share = done / total if total else None
        tell("progress", {"step": "reading", "done": share, "seconds_left": None})

    def watch(step: Progress) -> None:
        nonlocal told_at
        if time.monotonic() - told_at < _TELL_SECONDS:
            return
        told_at = time.monotonic()
        tell(
            "progress",
            {
                "step": "learning",
                "done": step.done,
                "seconds_left": step.seconds_left,
                "step_number": step.step,
                "nats_per_note": step.nats_per_note,
                "best_nats_per_note": step.best_nats_per_note,
                "notes_per_second": step.notes_per_second,
            },
        )

    def say(sentence: str) -> None:
        sample = Path(sentence.removeprefix("Listen to "))
        if sample.suffix == ".mp3" and sample.is_file():
            tell("sample", {"name": sample.name})
        else:
            tell("message", {"text": sentence})

    model = api.train(
        arguments["folder"],
        output,
        minutes=arguments["minutes"],
        start=arguments["start"],
        seed=arguments["seed"],
        scanned=scanned,
        watch=watch,
        say=say,
    )
    samples = sorted(output.glob("samples/*.mp3"), key=lambda path: path.stat().st_mtime)
    return {
        "model": output.name,
        "files": ["report.html", *(f"samples/{path.name}" for path in samples)],
        "size_bytes": model.stat().st_size,
    }
