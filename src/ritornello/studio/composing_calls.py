"""What helpers compose: whole pieces, and into pieces.

Arguments are those of a job, with ``rules`` as fields of `Rules` and ``song`` as a piece of JSON.
Each call gives ``{"pieces": [{"piece", "given", "seed"}], "warnings"}``.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from ritornello.api import Composer, Options, find_model
from ritornello.generation.compose import to_piece
from ritornello.generation.note_feed import NewNote, NoteFeed
from ritornello.generation.partner import Result
from ritornello.generation.rules import Rules
from ritornello.generation.writer import Writer
from ritornello.json_values import JsonObject
from ritornello.music.instruments import INSTRUMENTS
from ritornello.music.piece import Piece
from ritornello.note_model.encoding.notes import (
    DURATION,
    END,
    NONE,
    PITCH,
    RESOLUTION,
    SHIFT,
    VELOCITY,
)
from ritornello.plan.plan_text import parse_plan
from ritornello.studio.helper_process import Tell
from ritornello.studio.piece_json import piece_from_json, piece_to_json

if TYPE_CHECKING:
    import numpy as np

_TELL_SECONDS = 0.1


def compose(arguments: JsonObject, tell: Tell) -> JsonObject:
    """Write whole pieces."""
    telling = _Telling(tell)
    feed = NoteFeed(telling.hear, returning_too=True)

    def hear(writers: Sequence[Writer]) -> None:
        telling.outline(writers[0])
        feed(writers)

    with _warnings() as warnings:
        pieces = open_composer(arguments["model"]).compose_many(
            arguments["variations"],
            seed=arguments["seed"],
            temperature=arguments["temperature"],
            top_p=arguments["top_p"],
            best_of=arguments["best_of"],
            watch=telling.watch,
            hear=hear,
            plan=parse_plan(arguments["plan"]) if arguments["plan"] else None,
            **arguments["rules"],
        )
    telling.end()
    return _result(pieces, None, arguments["seed"], warnings)


def continue_(arguments: JsonObject, tell: Tell) -> JsonObject:
    """Go on where a song stops."""
    return _write_into(
        arguments,
        tell,
        lambda composer, song, options: composer.continue_(
            song, arguments["bars"], parts=arguments["parts"], **options
        ),
    )


def fill(arguments: JsonObject, tell: Tell) -> JsonObject:
    """Write bars of a song anew."""
    return _write_into(
        arguments,
        tell,
        lambda composer, song, options: composer.fill(
            song, tuple(arguments["bars"]), parts=arguments["parts"], **options
        ),
    )


def arrange(arguments: JsonObject, tell: Tell) -> JsonObject:
    """Add players to a song."""
    return _write_into(
        arguments,
        tell,
        lambda composer, song, options: composer.arrange(
            song,
            arguments["add"],
            bars=None if arguments["bars"] is None else tuple(arguments["bars"]),
            end=arguments["end"],
            **options,
        ),
    )


def harmonise(arguments: JsonObject, tell: Tell) -> JsonObject:
    """Set voices to a melody."""
    return _write_into(
        arguments,
        tell,
        lambda composer, song, options: composer.harmonise(
            song,
            arguments["voices"],
            melody=arguments["melody"],
            end=arguments["end"],
            **options,
        ),
    )


def vary(arguments: JsonObject, tell: Tell) -> JsonObject:
    """Write parts of a song anew, all of them or some bars."""
    if arguments["bars"] is not None:
        return fill(arguments, tell)
    return _write_into(
        arguments,
        tell,
        lambda composer, song, options: composer.vary(
            song, arguments["parts"], closeness=arguments["closeness"], **options
        ),
    )


def model_facts(arguments: JsonObject, _tell: Tell) -> JsonObject:
    """Styles, instruments and model card of a model."""
    composer = open_composer(arguments["model"])
    known = composer.known_instruments
    return {
        "styles": list(composer.styles),
        "collections": list(composer.collections),
        "instruments": [
            {
                "name": one.name,
                "program": one.program,
                "is_drum": one.is_drum,
                "low": one.low,
                "high": one.high,
                "voices": one.voices,
            }
            for index, one in enumerate(INSTRUMENTS)
            if known is None or index in known
        ],
        "card": composer.card,
    }


def open_composer(model: str) -> Composer:
    """A composer with a model; it stays open, as long as its file does not change."""
    path = find_model(model)
    return _open(str(path), path.stat().st_mtime_ns)


@lru_cache(maxsize=2)
def _open(path: str, _changed: int) -> Composer:
    return Composer.load(path)


def _write_into(
    arguments: JsonObject,
    tell: Tell,
    ask: Callable[[Composer, Piece, Options], Result],
) -> JsonObject:
    telling = _Telling(tell)
    options = Options(
        n=arguments["variations"],
        seed=arguments["seed"],
        temperature=arguments["temperature"],
        top_p=arguments["top_p"],
        watch=telling.watch,
        hear=NoteFeed(telling.hear),
        rules=Rules(**arguments["rules"]),
    )
    song = piece_from_json(arguments["song"])
    result = ask(open_composer(arguments["model"]), song, options)
    telling.end()
    return _result(result.pieces, result.given, arguments["seed"], result.warnings)


def _result(
    pieces: Sequence[Piece],
    given: Sequence[Sequence[np.ndarray]] | None,
    seed: int,
    warnings: Sequence[str],
) -> JsonObject:
    marks = [None] * len(pieces) if given is None else [[m.tolist() for m in g] for g in given]
    return {
        "pieces": [
            {"piece": piece_to_json(piece), "given": each, "seed": seed + number}
            for number, (piece, each) in enumerate(zip(pieces, marks, strict=True))
        ],
        "warnings": list(warnings),
    }


@contextmanager
def _warnings() -> Iterator[list[str]]:
    """A context in which the warnings of the package come together, each of them once."""
    sentences: list[str] = []

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            sentence = record.getMessage()
            if sentence not in sentences:
                sentences.append(sentence)

    collector, logger = Collector(logging.WARNING), logging.getLogger("ritornello")
    logger.addHandler(collector)
    try:
        yield sentences
    finally:
        logger.removeHandler(collector)


class _Telling:
    """Tells progress and new notes, not more often than a person can see."""

    def __init__(self, tell: Tell) -> None:
        self._tell, self._told_at, self._began = tell, 0.0, time.monotonic()
        self._done = self._total = 0
        self._new: list[NewNote] = []
        self._has_outline = False
        tell("progress", {"step": "composing", "done": 0.0, "seconds_left": None})

    def outline(self, writer: Writer) -> None:
        """Tell once what is settled before the notes: tempo, metre, key, sections, chords."""
        if self._has_outline or not writer.events:
            return
        self._has_outline = True
        job = writer.job
        rest = job.end_ticks - sum(event[SHIFT] for event in writer.events)
        events = [*writer.events, (rest, END, NONE[PITCH], NONE[DURATION], NONE[VELOCITY])]
        piece = to_piece(events, job.rules, job.plan, job.swing)
        self._tell("outline", {"piece": piece_to_json(replace(piece, tracks=()))})

    def watch(self, done: int, total: int) -> None:
        self._done, self._total = done, total

    def hear(self, notes: list[NewNote]) -> None:
        self._new += notes
        if time.monotonic() - self._told_at > _TELL_SECONDS:
            self.end()

    def end(self) -> None:
        """Tell all that is not told yet."""
        self._told_at = time.monotonic()
        share = self._done / self._total if self._total else 0.0
        left = (self._told_at - self._began) * (1 - share) / share if share else None
        self._tell("progress", {"step": "composing", "done": share, "seconds_left": left})
        by_variation: dict[int, list[NewNote]] = {}
        for note in self._new:
            by_variation.setdefault(note.variation, []).append(note)
        self._new = []
        for variation, notes in by_variation.items():
            self._tell(
                "notes",
                {
                    "variation": variation,
                    "notes": [
                        {
                            "part": note.part,
                            "program": note.program,
                            "is_drum": note.is_drum,
                            "onset": note.onset_quarters,
                            "duration": note.duration_quarters,
                            "pitch": note.pitch,
                            "velocity": note.velocity,
                        }
                        for note in notes
                    ],
                    "until": self._done / RESOLUTION,
                    "length": self._total / RESOLUTION,
                },
            )
