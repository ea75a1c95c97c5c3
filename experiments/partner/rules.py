"""Thousands of pieces under random rules and forms; an independent reader counts violations."""

from __future__ import annotations

import argparse
import io
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import mido
import numpy as np

from experiments.generated.composing import random_rules
from experiments.generated.judge import violations
from experiments.partner.units import Units
from ritornello.api import Composer
from ritornello.errors import ConfigError
from ritornello.generation.rules import DENSITIES, Rules
from ritornello.music.chords import CHORD_CLASSES, Chart, chord_of_class
from ritornello.music.io.midi_write import write_bytes
from ritornello.music.piece import Piece
from ritornello.plan.song_form import parse_form
from ritornello.rng import Rng

PROTOCOL = (
    "random rules, each open now and then: bars, metre, tempo, key of any scale, one to eight "
    "parts with up to two desks, polyphony, ranges, densities, charts of up to eight bars of any "
    "chords, and whether the piece must end; a form of one to six sections of 1 to 8 bars, the "
    "usual one or none; one piece in ten the best of three by the critic; default boldness, a seed "
    "for each piece; each piece is written as MIDI and judged by a reader of its own "
    "(experiments/generated/judge.py, mido); "
    "rules that cannot be met are refused before any work and drawn again"
)
_BLOCK = 100
_CANDIDATES = 3
FREE = "none"  # asks for a piece without a form


def measure(options: argparse.Namespace, units: Units) -> dict[str, Any]:
    """Violations, by kind, of so many pieces."""
    composer = Composer.load(options.model)
    total: Counter[str] = Counter()
    broken: Counter[str] = Counter()
    examples: list[str] = []
    for first in range(0, options.pieces, _BLOCK):
        numbers = range(first, min(first + _BLOCK, options.pieces))
        block = units.take(f"pieces from {first}", partial(judged, composer, numbers, options.seed))
        total.update(block["counts"])
        broken.update(block["broken"])
        examples += block["examples"]
    return {**total, "violations": broken.total(), "kinds": broken, "examples": examples[:20]}


def judged(composer: Composer, numbers: range, seed: int) -> dict[str, Any]:
    """Compose and judge some pieces; each depends on its number and the seed alone."""
    counts: Counter[str] = Counter()
    broken: Counter[str] = Counter()
    examples = []
    for number in numbers:
        asked, piece, refused = composed(composer, number, seed)
        rules, data = asked.rules, write_bytes(piece)
        found = [*violations(data, rules), *wrong_sections(data, asked)]
        counts.update({
            "pieces": 1, "notes": piece.note_count, "with chords": rules.chart is not None,
            "with a key": rules.key is not None, "that must end": rules.ending,
            "with a form": bool(asked.sections), "best of three": asked.best_of == _CANDIDATES,
            "refused": refused,
        })  # fmt: skip
        broken.update(re.sub(r"\d+(/\d+)?", "n", each) for each in found)
        examples += [f"piece {number}: {each}" for each in found[:1]]
    return {"counts": counts, "broken": broken, "examples": examples}


@dataclass(frozen=True)
class Asked:
    """What a piece is asked to be.

    Attributes:
        rules: with the bars of the form.
        form: as it is written; None for the usual one.
        sections: its first bars, from 0, and their names, if a form is asked for.
        best_of: how many candidates.
    """

    rules: Rules
    form: str | None
    sections: tuple[tuple[int, str], ...]
    best_of: int

    @classmethod
    def any(cls, rng: Rng) -> Asked:
        """Anything.

        Raises:
            ConfigError: if what was drawn cannot be met.
        """
        rules, form = any_rules(rng), any_form(rng)
        sections = () if form in (None, FREE) else parse_form(form or "")
        if sections:
            rules = replace(rules, bars=sections[-1].end)
        starts = tuple((section.start, section.name) for section in sections)
        return cls(rules, form, starts, _CANDIDATES if rng.random() < 0.1 else 1)


def composed(composer: Composer, number: int, seed: int) -> tuple[Asked, Piece, int]:
    """What was asked, a piece of that kind, and how often something was refused before."""
    rng, refused = np.random.default_rng((seed, number)), 0
    while True:
        try:
            asked = Asked.any(rng)
            piece = composer.compose(
                asked.rules, seed=number, form=asked.form, best_of=asked.best_of
            )
            return asked, piece, refused
        except ConfigError:
            refused += 1


def any_form(rng: Rng) -> str | None:
    """A form of up to six sections, none at all, or what is usual."""
    if rng.random() < 0.5:
        return None if rng.random() < 0.6 else FREE
    names = rng.choice([*"AAABBC", "verse", "chorus", "bridge"], rng.integers(1, 5)).tolist()
    names = ["intro"] * bool(rng.random() < 0.4) + names + ["end"] * bool(rng.random() < 0.4)
    return ", ".join(f"{name} {rng.integers(1, 9)}" for name in names)


def wrong_sections(data: bytes, asked: Asked) -> Iterator[str]:
    """Whether a section lacks its marker in a MIDI file; chords are markers there as well."""
    midi = mido.MidiFile(file=io.BytesIO(data))
    numerator, denominator = asked.rules.counts
    bar_ticks = midi.ticks_per_beat * 4 * numerator / denominator
    found = set()
    for track in midi.tracks:
        tick = 0
        for message in track:
            tick += message.time
            if message.type == "marker":
                found.add((tick, message.text))
    wanted = {(first * bar_ticks, name) for first, name in asked.sections}
    if missing := sorted(wanted - found):
        yield f"no markers {missing}"


def any_rules(rng: Rng) -> Rules:
    """Rules of all kinds.

    Raises:
        ConfigError: if what was drawn cannot be met.
    """
    rules = random_rules(rng)
    parts: tuple[str, ...] = rules.parts or ()
    more = ["viola", "viola", "cello"][: rng.integers(4)] if rng.random() < 0.3 else []
    return replace(
        rules,
        bars=int(rng.integers(1, 33)),
        tempo_bpm=rules.tempo_bpm if rng.random() < 0.8 else None,
        key=rules.key if rng.random() < 0.7 else None,
        parts=(*parts, *more) if rng.random() < 0.9 else None,
        densities={parts[0]: str(rng.choice([*DENSITIES]))} if rng.random() < 0.3 else {},
        chords=random_chart(rng) if rng.random() < 0.4 else None,
        ending=bool(rng.random() < 0.8),
    )


def random_chart(rng: Rng) -> Chart:
    """Up to eight bars of one to three chords, a few of them none at all."""
    return tuple(
        tuple(
            None if rng.random() < 0.05 else chord_of_class(int(rng.integers(CHORD_CLASSES)))
            for _ in range(rng.integers(1, 4))
        )
        for _ in range(rng.integers(1, 9))
    )


def markdown(figures: dict[str, Any]) -> str:
    names = ("pieces", "notes", "with a key", "with chords", "with a form", "violations")
    return "\n".join(
        [
            f"| {' | '.join(names)} |",
            "|---" * len(names) + "|",
            f"| {' | '.join(f'{figures[name]:,}' for name in names)} |",
        ]
    )
