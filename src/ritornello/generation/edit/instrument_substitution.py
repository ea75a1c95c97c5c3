"""Which instrument substitutes one that a model has never learned: its nearest kin."""

from __future__ import annotations

from collections.abc import Collection
from functools import cache

from ritornello.music.instruments import INSTRUMENTS, parse_instrument

# Instruments that are written for most alike, the nearest first: kin of one family that share
# its range and its role. Every pitched instrument leads to every other along these steps.
_NEIGHBOURS = {
    "timpani": ("bass", "double bass"),
    "bass": ("double bass", "tuba"),
    "double bass": ("bass", "cello"),
    "tuba": ("trombone", "double bass"),
    "cello": ("viola", "bassoon", "double bass"),
    "bassoon": ("cello", "clarinet"),
    "trombone": ("horn", "brass", "tuba"),
    "horn": ("trombone", "brass", "bassoon"),
    "viola": ("violin", "cello"),
    "piano": ("harpsichord", "organ", "guitar"),
    "harpsichord": ("piano", "organ"),
    "organ": ("accordion", "piano", "strings"),
    "accordion": ("organ", "piano"),
    "harp": ("guitar", "piano"),
    "guitar": ("electric guitar", "plucked", "piano"),
    "electric guitar": ("guitar", "distortion guitar"),
    "distortion guitar": ("electric guitar", "lead"),
    "plucked": ("guitar", "harp"),
    "mallets": ("harp", "piano"),
    "strings": ("pad", "voice", "violin", "organ"),
    "pad": ("strings", "organ", "effects"),
    "voice": ("strings", "oboe"),
    "brass": ("trumpet", "trombone", "horn"),
    "trumpet": ("brass", "clarinet", "horn"),
    "saxophone": ("clarinet", "oboe", "trumpet"),
    "clarinet": ("oboe", "saxophone", "flute"),
    "oboe": ("clarinet", "flute"),
    "flute": ("oboe", "violin", "clarinet"),
    "violin": ("viola", "flute", "strings"),
    "lead": ("saxophone", "flute", "distortion guitar"),
    "effects": ("pad", "mallets", "timpani"),
}


def substitute_instrument(instrument: int, known: Collection[int]) -> int:
    """The known instrument that is fewest steps of kinship away; itself where it is known.

    Args:
        instrument: index into `INSTRUMENTS`.
        known: indices of the instruments a model has learned.

    Returns:
        An index in ``known``; ``instrument`` itself where nothing known can stand in, as nothing
        pitched can for drums.
    """
    return next((other for other in _by_kinship(instrument) if other in known), instrument)


@cache
def _by_kinship(instrument: int) -> tuple[int, ...]:
    """All instruments that can stand in, nearest first: breadth first over the neighbours."""
    found = [instrument]
    for index in found:
        names = _NEIGHBOURS.get(INSTRUMENTS[index].name, ())
        found += [near for near in map(parse_instrument, names) if near not in found]
    return tuple(found)
