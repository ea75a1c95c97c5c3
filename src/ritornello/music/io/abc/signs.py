"""The signs of ABC around a note and what they are called in a piece: ``!trill!`` is a trill-mark.

Names of marks are those of MusicXML, see `ritornello.music.piece.Mark`.
"""

from __future__ import annotations

import re

from ritornello.music.dynamics import VELOCITIES

DEFAULT_VELOCITY = 80
# The accents of a single note change nothing after it, as the marks of `VELOCITIES` do.
_ACCENTS = ("sfz", "sf", "fp", "sfp", "fz", "rf", "rfz")

# What the short signs mean until a U: field says otherwise (abc 2.1, 4.14).
SHORT_SIGNS = {
    ".": "staccato", "~": "roll", "H": "fermata", "J": "slide", "L": "accent",
    "M": "lowermordent", "O": "coda", "P": "uppermordent", "R": "roll", "S": "segno",
    "T": "trill", "u": "upbow", "v": "downbow",
}  # fmt: skip

# Decorations as our writer writes them -> (kind, name) of the mark.
_WRITTEN = {
    "staccato": ("articulation", "staccato"),
    "wedge": ("articulation", "staccatissimo"),
    "tenuto": ("articulation", "tenuto"),
    "accent": ("articulation", "accent"),
    "marcato": ("articulation", "strong-accent"),
    "breath": ("articulation", "breath-mark"),
    "trill": ("ornament", "trill-mark"),
    "turn": ("ornament", "turn"),
    "invertedturn": ("ornament", "inverted-turn"),
    "lowermordent": ("ornament", "mordent"),
    "uppermordent": ("ornament", "inverted-mordent"),
    "///": ("ornament", "tremolo"),
    "upbow": ("technical", "up-bow"),
    "downbow": ("technical", "down-bow"),
    "open": ("technical", "open-string"),
    "thumb": ("technical", "thumb-position"),
    "snap": ("technical", "snap-pizzicato"),
    "plus": ("technical", "stopped"),
    "fermata": ("fermata", "upright"),
    "invertedfermata": ("fermata", "inverted"),
    "arpeggio": ("arpeggio", "arpeggiate"),
    "crescendo(": ("wedge", "crescendo"),
    "diminuendo(": ("wedge", "diminuendo"),
    **{name: ("dynamic", name) for name in (*VELOCITIES, *_ACCENTS)},
}
MARKS = {
    **_WRITTEN,
    ">": ("articulation", "accent"),
    "emphasis": ("articulation", "accent"),
    "^": ("articulation", "strong-accent"),
    "roll": ("ornament", "turn"),
    "mordent": ("ornament", "mordent"),
    "pralltriller": ("ornament", "inverted-mordent"),
    "/": ("ornament", "tremolo"),
    "//": ("ornament", "tremolo"),
    "+": ("technical", "stopped"),
    "<(": ("wedge", "crescendo"),
    ">(": ("wedge", "diminuendo"),
    **dict.fromkeys(("<)", ">)", "crescendo)", "diminuendo)"), ("wedge", "stop")),
}
DECORATIONS = {mark: name for name, mark in _WRITTEN.items()}
# Marks that stand at a place, whether or not a note begins there.
PLACED = frozenset({"words", "dynamic", "wedge"})

JUMP_SIGN = re.compile(
    r"segno|(?:da)?coda|dacapo|fine|d\.[cs]\.?(?:al(?:coda|fine))?", re.IGNORECASE
)
JUMP_WORDS = re.compile(r"\b(?:d\. ?[cs]\b|da capo|dal segno|al fine|al coda)", re.IGNORECASE)
