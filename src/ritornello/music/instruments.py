"""The instruments music is written for: names, General MIDI programs and playable ranges.

An `Instrument` is a class of General MIDI programs (all flutes, all electric basses). The order
of `INSTRUMENTS` is the canonical order of simultaneous notes in every encoding: rhythm and bass
first, melody last, so that harmony is decided from the ground up.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches

from ritornello.errors import ConfigError


@dataclass(frozen=True)
class Instrument:
    """A class of General MIDI programs that are written for alike.

    Attributes:
        name: the name used on the command line, in reports and on scores.
        programs: the General MIDI programs (0-127) of the class; the first one stands for it.
        low, high: usual range, MIDI pitches, inclusive; within it lie 99 of 100 notes written for
            the instrument, where enough music for it was at hand to count.
        voices: most notes held at a time: one for all who blow, pluck a bass or sing a melody, else
            what hands reach; in the same music 95 of 100 moments have no more.
        is_drum: notes are General MIDI percussion keys, not pitches.
    """

    name: str
    programs: tuple[int, ...]
    low: int
    high: int
    voices: int
    is_drum: bool = False

    @property
    def program(self) -> int:
        return self.programs[0]


def _span(first: int, last: int, *, start: int | None = None) -> tuple[int, ...]:
    programs = list(range(first, last + 1))
    if start is not None:
        programs.remove(start)
        programs.insert(0, start)
    return tuple(programs)


INSTRUMENTS: tuple[Instrument, ...] = (
    Instrument("drums", (0,), 27, 87, 8, is_drum=True),
    Instrument("timpani", (47,), 36, 57, 1),
    Instrument("bass", _span(32, 39, start=33), 28, 62, 1),
    Instrument("double bass", (43,), 28, 62, 1),
    Instrument("tuba", (58,), 24, 65, 1),
    Instrument("cello", (42,), 36, 76, 2),
    Instrument("bassoon", (70,), 34, 75, 1),
    Instrument("trombone", (57,), 34, 77, 1),
    Instrument("horn", (60,), 34, 77, 1),
    Instrument("viola", (41,), 48, 81, 2),
    Instrument("piano", _span(0, 5), 24, 96, 8),
    Instrument("harpsichord", (6, 7), 29, 89, 6),
    Instrument("organ", _span(16, 20), 36, 91, 6),
    Instrument("accordion", (21, 22, 23), 41, 93, 4),
    Instrument("harp", (46,), 28, 96, 6),
    Instrument("guitar", (25, 24), 40, 83, 6),
    Instrument("electric guitar", (27, 26, 28), 40, 81, 5),
    Instrument("distortion guitar", (30, 29, 31), 38, 84, 4),
    Instrument("plucked", _span(104, 111), 36, 96, 4),
    Instrument("mallets", _span(8, 15), 45, 96, 4),
    Instrument("strings", (48, 49, 50, 51, 44, 45), 31, 86, 6),
    Instrument("pad", _span(88, 103, start=89), 34, 91, 6),
    Instrument("voice", (52, 53, 54), 40, 84, 1),
    Instrument("brass", (61, 62, 63, 55), 34, 84, 4),
    Instrument("trumpet", (56, 59), 52, 84, 1),
    Instrument("saxophone", (65, 64, 66, 67), 44, 87, 1),
    Instrument("clarinet", (71,), 50, 94, 1),
    Instrument("oboe", (68, 69), 52, 91, 1),
    Instrument("flute", _span(72, 79, start=73), 55, 98, 1),
    Instrument("violin", (40,), 55, 94, 2),
    Instrument("lead", _span(80, 87, start=81), 45, 88, 1),
    Instrument("effects", _span(112, 127), 24, 96, 4),
)

DRUMS = 0

_BY_NAME = {instrument.name: index for index, instrument in enumerate(INSTRUMENTS)}
_BY_PROGRAM = {
    program: index
    for index, instrument in enumerate(INSTRUMENTS)
    if not instrument.is_drum
    for program in instrument.programs
}
_ALIASES = {
    "sax": "saxophone",
    "vocals": "voice",
    "choir": "voice",
    "contrabass": "double bass",
    "synth": "lead",
    "keys": "piano",
    "percussion": "drums",
    "melody": "lead",
}


BASSES = frozenset(map(_BY_NAME.__getitem__, ("bass", "double bass", "tuba")))  # indices


def instrument_index(program: int, is_drum: bool = False) -> int:
    """Index into `INSTRUMENTS` of the class that holds a General MIDI program (0-127)."""
    return DRUMS if is_drum else _BY_PROGRAM[program]


def parse_instrument(name: str) -> int:
    """Index into `INSTRUMENTS` of a name a person typed; case and a plural s do not matter.

    >>> INSTRUMENTS[parse_instrument("Violins")].name
    'violin'

    Raises:
        ConfigError: if no instrument has the name; the message lists near and known names.
    """
    wanted = " ".join(name.lower().replace("-", " ").replace("_", " ").split())
    for candidate in (wanted, _ALIASES.get(wanted, ""), wanted.rstrip("s"), wanted + "s"):
        if candidate in _BY_NAME:
            return _BY_NAME[candidate]
    near = get_close_matches(wanted, [*_BY_NAME, *_ALIASES], n=1)
    hint = f"Did you mean {near[0]!r}? " if near else ""
    raise ConfigError(
        f"No instrument is called {name!r}.",
        next_step=f"{hint}Known: {', '.join(_BY_NAME)}.",
    )
