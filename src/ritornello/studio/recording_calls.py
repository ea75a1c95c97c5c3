"""What helpers do with recordings: write down their notes, and put a band under them."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from ritornello import api
from ritornello.generation.rules import parse_metre
from ritornello.studio.helper_process import Tell
from ritornello.studio.piece_json import piece_to_json


def transcribe(arguments: dict[str, Any], tell: Tell) -> dict[str, Any]:
    """Write down what one instrument plays in ``file``."""
    tell("progress", {"step": "listening", "done": None, "seconds_left": None})
    made = api.transcribe(
        arguments["file"],
        hints=_hints(arguments),
        key=arguments["key"],
        instrument=arguments["instrument"],
    )
    return {
        "pieces": [{"piece": piece_to_json(made.piece), "given": None, "seed": None}],
        "warnings": [],
        "heard": _heard(made.as_facts()),
    }


def remix(arguments: dict[str, Any], tell: Tell) -> dict[str, Any]:
    """Put a band under ``file``; stems, mix, MIDI and report go into ``folder``."""

    def watch(step: str, done: int, total: int) -> None:
        share = done / total if total else None
        tell("progress", {"step": step, "done": share, "seconds_left": None})

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
        instrument=arguments["instrument"],
        model=arguments["model"],
        overwrite=True,
        watch=watch,
        seed=arguments["seed"],
        temperature=arguments["temperature"],
        top_p=arguments["top_p"],
        **arguments["rules"],
    )
    facts = made.as_facts()
    facts["mix"].pop("files")
    return {
        "pieces": [{"piece": piece_to_json(made.piece), "given": None, "seed": arguments["seed"]}],
        "warnings": facts.pop("warnings"),
        "files": [str(path.relative_to(folder)) for path in made.files],
        **_plain({**facts, "heard": _heard(facts["heard"])}),
    }


def _hints(arguments: dict[str, Any]) -> api.Hints:
    metre = arguments["metre"]
    return api.Hints(
        arguments["tempo"], None if metre is None else parse_metre(metre), arguments["downbeat"]
    )


def _heard(facts: dict[str, Any]) -> dict[str, Any]:
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
