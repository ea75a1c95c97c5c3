"""What helpers do with recordings: write down their notes, and put a band under them."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from ritornello import api
from ritornello.generation.rules import parse_metre
from ritornello.json_values import JsonObject
from ritornello.music.piece import Piece
from ritornello.studio.helper_process import Tell
from ritornello.studio.piece_json import piece_to_json

_LEAST_SECONDS = 1.0  # of a step, before it is said how long it takes


def transcribe(arguments: JsonObject, tell: Tell) -> JsonObject:
    """Write down what one instrument plays in ``file``, or a ``band``."""
    file, hints = arguments["file"], _hints(arguments)
    key, instrument = arguments["key"], arguments["instrument"]
    told = _Steps(tell)
    told("listening")
    if arguments["band"]:
        made = api.transcribe_band(
            file,
            hints=hints,
            key=key,
            instrument=instrument,
            progress=lambda done, total: told("taking apart", done, total),
        )
    else:
        made = api.transcribe(file, hints=hints, key=key, instrument=instrument)
    return {
        "pieces": [_result(made.piece, arguments, None)],
        "warnings": [],
        "heard": _heard(made.as_facts()),
    }


def remix(arguments: JsonObject, tell: Tell) -> JsonObject:
    """Put a band under ``file``; stems, mix, MIDI and report go into ``folder``."""
    folder = Path(arguments["folder"])
    made = api.remix(
        arguments["file"],
        folder,
        stem=arguments["stem"],
        parts=arguments["parts"],
        duration_seconds=arguments["duration"],
        loop=arguments["loop"],
        keep_solo=arguments["keep_solo"],
        hints=_hints(arguments),
        key=arguments["rules"].pop("key", None),
        chords_at=arguments["chords_at"],
        instrument=arguments["instrument"],
        model=arguments["model"],
        overwrite=True,
        watch=_Steps(tell),
        seed=arguments["seed"],
        temperature=arguments["temperature"],
        top_p=arguments["top_p"],
        **arguments["rules"],
    )
    facts = made.as_facts()
    facts["mix"].pop("files")
    return {
        "pieces": [_result(made.piece, arguments, arguments["seed"])],
        "warnings": facts.pop("warnings"),
        "files": [str(path.relative_to(folder)) for path in made.files],
        **_plain({**facts, "heard": _heard(facts["heard"])}),
    }


def _result(piece: Piece, arguments: JsonObject, seed: int | None) -> JsonObject:
    """A piece that is called as the recording is, whose file has a number for a name."""
    titled = replace(piece, title=arguments["name"])
    return {"piece": piece_to_json(titled), "given": None, "seed": seed}


class _Steps:
    """Tells how far each step of a work is, and the seconds it has left once they are known."""

    def __init__(self, tell: Tell) -> None:
        self._tell, self._step, self._began = tell, "", 0.0

    def __call__(self, step: str, done: int = 0, total: int = 0) -> None:
        if step != self._step:
            self._step, self._began = step, time.monotonic()
        share = done / total if total else None
        spent = time.monotonic() - self._began
        known = share and share < 1 and spent > _LEAST_SECONDS
        left = spent * (1 - share) / share if share and known else None
        self._tell("progress", {"step": step, "done": share, "seconds_left": left})


def _hints(arguments: JsonObject) -> api.Hints:
    metre, beats = arguments["metre"], arguments["beats"]
    return api.Hints(
        arguments["tempo"],
        None if metre is None else parse_metre(metre),
        arguments["downbeat"],
        arguments["steady"],
        None if beats is None else tuple(beats),
    )


def _heard(facts: JsonObject) -> JsonObject:
    """What was heard; times in seconds are called as in the page, and the path is not told."""
    names = {"beats_seconds": "beats", "downbeats_seconds": "downbeats"}
    return {names.get(name, name): _plain(value) for name, value in facts.items() if name != "path"}


def _plain(value: Any) -> Any:
    """The same without infinities, which JSON has not; silence is None."""
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
