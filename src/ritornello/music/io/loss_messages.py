"""What a piece holds that a format cannot, in words: nothing is lost in silence."""

from __future__ import annotations

from collections.abc import Callable, Collection

import numpy as np

from ritornello.music.controls import PEDALS
from ritornello.music.piece import Piece, Track

_NOTE_MARKS = ("articulation", "ornament", "technical", "arpeggio")


def _controls(track: Track, *, pedals: bool) -> int:
    return int((np.isin(track.controls["number"], PEDALS) == pedals).sum())


def _marks(*kinds: str) -> Callable[[Track], int]:
    return lambda track: sum(mark.kind in kinds for mark in track.marks)


# Kinds of what stands in a track, each with its name in a sentence and how many there are.
_OF_TRACKS: dict[str, tuple[str, Callable[[Track], int]]] = {
    "pedals": ("changes of the sustain pedal and its like", lambda t: _controls(t, pedals=True)),
    "controllers": ("changes of controllers", lambda t: _controls(t, pedals=False)),
    "bends": ("pitch bends", lambda t: len(t.bends)),
    "pressures": ("changes of aftertouch", lambda t: len(t.pressures)),
    "lyrics": ("syllables of lyrics", lambda t: sum(lyric.verse == 1 for lyric in t.lyrics)),
    "verses": ("syllables of further verses", lambda t: sum(lyric.verse > 1 for lyric in t.lyrics)),
    "articulations": ("articulations and ornaments", _marks(*_NOTE_MARKS)),
    "fermatas": ("fermatas", _marks("fermata")),
    "dynamics": ("dynamic marks", _marks("dynamic", "wedge")),
    "slurs": ("slurs", _marks("slur")),
    "words": ("words above the staff", _marks("words")),
}
# And of what stands in the piece.
_OF_PIECES: dict[str, tuple[str, Callable[[Piece], int]]] = {
    "chords": ("chord symbols", lambda piece: len(piece.chords)),
    "markers": ("markers", lambda piece: len(piece.markers)),
    "cues": ("cue points", lambda piece: len(piece.cues)),
    "texts": ("texts", lambda piece: len(piece.texts)),
    "composer": ("name of a composer", lambda piece: bool(piece.composer)),
    "copyright": ("copyright notice", lambda piece: bool(piece.copyright)),
}
KINDS = (*_OF_TRACKS, *_OF_PIECES)


def tell_losses(piece: Piece, name: str, holds: Collection[str]) -> list[str]:
    """A sentence for each kind that is in a piece and not among those a format holds.

    Args:
        name: of the format.
        holds: of `KINDS`.
    """
    told = []
    for kind, (what, count_in) in _OF_TRACKS.items():
        counts = {} if kind in holds else {t.label: n for t in piece.tracks if (n := count_in(t))}
        if counts:
            tracks = ", ".join(list(counts)[:3]) + (", ..." if len(counts) > 3 else "")
            count = sum(counts.values())
            told.append(f"{name} holds no {what}; left out: {count:,} ({tracks}).")
    for kind, (what, count_of) in _OF_PIECES.items():
        if kind not in holds and (count := count_of(piece)):
            told.append(f"{name} holds no {what}; left out: {int(count):,}.")
    return told


def tell_gone(before: Piece, after: Piece) -> list[str]:
    """A sentence for each kind that a track lost with notes that are written anew.

    Args:
        before, after: a song whole, and without those notes; their tracks are the same.
    """
    told = []
    for what, count_in in _OF_TRACKS.values():
        for old, new in zip(before.tracks, after.tracks, strict=True):
            if (count := count_in(old) - count_in(new)) > 0:
                told.append(
                    f"With the notes written anew go their {what}: {count:,} ({old.label})."
                )
    return told
