"""How one chord follows another, bar by bar, in a style or in all music.

The table was counted in the training music (`experiments.learning.chord_chains`).
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np

from ritornello.music.chords import Chord, chord_class
from ritornello.music.keys import KeyName

_TABLE = "chord_chains.json"
_OF_ALL = ""
_SEEN_BEFORE = 0.25  # added to each count, so that what was rare can happen


@dataclass(frozen=True)
class ChordChain:
    """Chords of a key, and how likely each follows another; the tonic's comes first.

    Attributes:
        classes: int64 [chords], chord classes.
        chances: float64 [chords, chords], of the chord of the next bar (column) after that of a bar
            (row).
    """

    classes: np.ndarray
    chances: np.ndarray


def chain_of(
    key: KeyName, collection: str | None = None, within: Collection[int] = range(12)
) -> ChordChain | None:
    """The chords of a key as a style uses them, or all music where that was not counted.

    Args:
        key: major or minor; of other scales there is no chain.
        collection: of training music.
        within: the pitch classes of its chords; the triad of the tonic is there in any case.
    """
    table = _chains()
    found = table.get(collection or _OF_ALL, {}).get(key.scale) or table[_OF_ALL].get(key.scale)
    if found is None:
        return None
    chords = [_fitting(key, name, within) for name in found]
    if (home := Chord(key.tonic, "min" if key.is_minor else "maj")) not in chords:
        chords[0] = home
    own = list(dict.fromkeys([home, *filter(None, chords)]))
    counts = np.full((len(own), len(own)), _SEEN_BEFORE)
    for before, row in zip(chords, found.values(), strict=True):
        for after, count in zip(chords, row, strict=True):
            if before and after:
                counts[own.index(before), own.index(after)] += count
    classes = np.array([*map(chord_class, own)])
    return ChordChain(classes, counts / counts.sum(axis=1, keepdims=True))


def _fitting(key: KeyName, name: str, within: Collection[int]) -> Chord | None:
    """A chord of the table, or what is within bounds on its root; None if there is nothing.

    So where F sharp is out of bounds, D7 is D minor with its seventh, and D major is D minor.
    """
    above, quality = name.split()
    root = (key.tonic + int(above)) % 12
    seventh = ("min7",) if quality == "7" else ()
    chords = (Chord(root, kind) for kind in (quality, *seventh, "maj", "min"))
    return next((chord for chord in chords if chord.pitch_classes <= {*within}), None)


@cache
def _chains() -> dict[str, Any]:
    text = files("ritornello.plan").joinpath(_TABLE).read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found
