"""Thousands of pieces under random rules, and every violation counted by an independent reader."""

from __future__ import annotations

import argparse
import re
from collections import Counter
from dataclasses import replace
from functools import partial
from typing import Any

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
from ritornello.rng import Rng

PROTOCOL = (
    "random rules, each open now and then: bars, metre, tempo, key of any scale, one to eight "
    "parts with up to two desks, polyphony, ranges, densities, charts of up to eight bars of any "
    "chords, and whether the piece must end; default boldness, a seed for each piece; each piece "
    "is written as MIDI and judged by a reader of its own (experiments/generated/judge.py, mido); "
    "rules that cannot be met are refused before any work and drawn again"
)
_BLOCK = 100


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
        rules, piece, refused = composed(composer, number, seed)
        found = violations(write_bytes(piece), rules)
        counts.update({
            "pieces": 1, "notes": piece.note_count, "with chords": rules.chart is not None,
            "with a key": rules.key is not None, "that must end": rules.ending,
            "refused": refused,
        })  # fmt: skip
        broken.update(re.sub(r"\d+(/\d+)?", "n", each) for each in found)
        examples += [f"piece {number}: {each}" for each in found[:1]]
    return {"counts": counts, "broken": broken, "examples": examples}


def composed(composer: Composer, number: int, seed: int) -> tuple[Rules, Piece, int]:
    """Rules, a piece under them, and how many rules were refused before."""
    rng, refused = np.random.default_rng((seed, number)), 0
    while True:
        try:
            rules = any_rules(rng)
            return rules, composer.compose(rules, seed=number), refused
        except ConfigError:
            refused += 1


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
    names = ("pieces", "notes", "with a key", "with chords", "that must end", "violations")
    return "\n".join(
        [
            f"| {' | '.join(names)} |",
            "|---" * len(names) + "|",
            f"| {' | '.join(f'{figures[name]:,}' for name in names)} |",
        ]
    )
