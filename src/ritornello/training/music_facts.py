"""What a model is to know of the music it learned from: what composing takes where nobody asks."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from ritornello.json_values import JsonObject
from ritornello.music.keys import KeyName
from ritornello.music.piece import Metre
from ritornello.note_model.encoding import ngrams, notes
from ritornello.note_model.encoding.piece_controls import is_minor, read_controls
from ritornello.training.batches import Music

_MOST_PIECES = 1000
_LINE_UPS = 200
_LARGEST_LINE_UP = 8
_DENOMINATORS = (2, 4, 8, 16)  # of metres that composing can be asked for

LineUp = tuple[tuple[str, ...], float, str, str | None]
"""Players, how often they play together, their collection, and their metre, such as "6/8"."""


@dataclass(frozen=True)
class MusicFacts:
    """Facts of the training split.

    Attributes:
        line_ups: who plays together, see `common_line_ups`.
        minor_shares: share of the pieces in minor, by collection.
        keys: pieces in each key, by collection.
        baseline: counts of events, see `ritornello.note_model.encoding.ngrams`.
    """

    line_ups: list[LineUp] = field(default_factory=list)
    minor_shares: dict[str, float] = field(default_factory=dict)
    keys: dict[str, dict[str, int]] = field(default_factory=dict)
    baseline: ngrams.Counts = field(default_factory=dict)

    def for_composing(self) -> JsonObject:
        """As a model keeps them beside its baseline."""
        names = ("line_ups", "minor_shares", "keys")
        return {name: getattr(self, name) for name in names}


def read_facts(music: Music) -> MusicFacts:
    """The facts of the training split, from at most 1,000 pieces evenly spread over it."""
    indices = music.indices("train")
    sample = indices[:: max(1, len(indices) // _MOST_PIECES)]
    pieces = [notes.encode(music.piece(index)) for index in sample]
    named = [*zip(map(music.collection_of, sample), pieces, strict=True)]
    return MusicFacts(
        common_line_ups((name, encoded, 1.0) for name, encoded in named),
        minor_shares(named),
        key_counts(named),
        ngrams.count(encoded.fields for encoded in pieces),
    )


def common_line_ups(pieces: Iterable[tuple[str, notes.Encoded, float]]) -> list[LineUp]:
    """Who plays together, how often, in which collection and metre; the most frequent first.

    Args:
        pieces: their collections and weights; large groups are left out.
    """
    counts: defaultdict[tuple[tuple[str, ...], str, str | None], float] = defaultdict(float)
    for collection, encoded, weight in pieces:
        players = notes.instrumentation_of(encoded)
        if len(players) <= _LARGEST_LINE_UP:
            counts[players, collection, _metre(encoded.metres[0])] += weight
    common = sorted(counts.items(), key=lambda item: -item[1])[:_LINE_UPS]
    return [(players, weight, name, metre) for (players, name, metre), weight in common]


def _metre(metre: Metre) -> str | None:
    """As text; None where composing cannot be asked for it."""
    quarters = 4 * metre.numerator / metre.denominator
    known = metre.denominator in _DENOMINATORS and 1 <= quarters <= 8
    return f"{metre.numerator}/{metre.denominator}" if known else None


def minor_shares(pieces: Iterable[tuple[str, notes.Encoded]]) -> dict[str, float]:
    """Share of the pieces that are in minor, by collection; drums alone have no key."""
    modes: defaultdict[str, list[bool]] = defaultdict(list)
    for collection, key in _keys(pieces):
        modes[collection].append(is_minor(key))
    return {name: round(float(np.mean(found)), 3) for name, found in modes.items()}


def key_counts(pieces: Iterable[tuple[str, notes.Encoded]]) -> dict[str, dict[str, int]]:
    """How many pieces are in each key, by collection; the most usual first."""
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for collection, key in _keys(pieces):
        counts[collection][str(KeyName(key % 12, "minor" if is_minor(key) else "major"))] += 1
    return {name: dict(found.most_common()) for name, found in counts.items()}


def _keys(pieces: Iterable[tuple[str, notes.Encoded]]) -> Iterable[tuple[str, int]]:
    for collection, encoded in pieces:
        key = read_controls(encoded, None).key
        if key is not None:
            yield collection, key
