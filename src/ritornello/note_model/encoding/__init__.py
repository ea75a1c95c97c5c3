"""Pieces as arrays a network can learn, and back. No torch here.

Each encoding is one file that holds its vocabulary, its encode and decode, and the masks that say
which events may follow which. `ENCODINGS` names them; the contract tests run over all of them.

notes      events of five fields: shift, part, pitch, duration, velocity
context    what is computed from the events so far, for a whole piece
tracker    the same, one event at a time
matching   what followed where the last events stood before
given      given notes, as the network sees them ahead
bar_grid   where in its bar a tick lies
piece_controls  what may be asked for: key, density, instruments
tasks      which notes of a piece are given, drawn at random for training
tables     which columns each head reads
sequences  all of these for a piece, as tables
batch      the tables of several pieces side by side
ngrams     unigrams and bigrams of the fields, the baseline
"""

from __future__ import annotations

import importlib
from typing import Any

# What published systems and experiments may import; the rest is inside.
__all__ = [
    "ENCODINGS",
    "batch",
    "bar_grid",
    "context",
    "piece_controls",
    "given",
    "load_encoding",
    "ngrams",
    "notes",
    "sequences",
    "tables",
    "tasks",
    "tracker",
]

ENCODINGS: dict[str, str] = {"notes": "ritornello.note_model.encoding.notes"}


def load_encoding(name: str) -> Any:
    """The module of a registered encoding."""
    return importlib.import_module(ENCODINGS[name])
