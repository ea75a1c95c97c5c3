"""An ABC tune as written: voices of measures, before repeats are played and ties joined.

Times are in units of which `WHOLE` make a whole note, so many that every length, broken rhythm
and tuplet in use is a whole number of them.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from ritornello.music.keys import KeyName

WHOLE = 2**14 * 3**4 * 5**2 * 7 * 11 * 13
_MOST_FAULTS = 20


@dataclass(slots=True)
class WrittenNote:
    """A note: ``offset`` and ``duration`` in its measure; ``layer`` counts overlays (``&``)."""

    offset: int
    duration: int
    pitch: int
    layer: int = 0
    is_tied: bool = False


class WrittenMark(NamedTuple):
    """A mark of a piece at its place in a measure; ``notes`` are those it stands at, if any."""

    offset: int
    kind: str
    name: str
    notes: tuple[WrittenNote, ...] = ()


@dataclass(slots=True)
class WrittenSyllable:
    """A syllable at its place in a measure; its text as in `ritornello.music.piece.Lyric`."""

    offset: int
    text: str
    verse: int


_PLACED = ("tempos", "keys", "velocities", "programs", "chords", "markers", "controls")


@dataclass(slots=True)
class Measure:
    """What stands between two bar lines of one voice, and how it is repeated.

    Attributes:
        line: of the file, where it begins.
        metre: what the bar is counted in; None without a metre.
        length: how long it is.
        tempos, keys, velocities, programs, chords, markers: what begins in it, with the offsets.
        controls: offset, number and value of controllers.
        marks, syllables: in order of reading.
        part: the letter of the part that begins here, if one does.
        repeat_from: how often what begins here is played again, 0 where no repeat begins.
        repeat_to: how often it is played again from where the repeat began, 0 where none ends.
        passes: the times through in which the ending that begins here is played.
        is_section_end: a double bar line follows.
    """

    line: int
    metre: tuple[int, int] | None
    notes: list[WrittenNote] = field(default_factory=list)
    length: int = 0
    tempos: list[tuple[int, float]] = field(default_factory=list)
    keys: list[tuple[int, KeyName | None]] = field(default_factory=list)
    velocities: list[tuple[int, int]] = field(default_factory=list)
    programs: list[tuple[int, int]] = field(default_factory=list)
    chords: list[tuple[int, str]] = field(default_factory=list)
    markers: list[tuple[int, str]] = field(default_factory=list)
    controls: list[tuple[int, int, int]] = field(default_factory=list)
    marks: list[WrittenMark] = field(default_factory=list)
    syllables: list[WrittenSyllable] = field(default_factory=list)
    part: str = ""
    repeat_from: int = 0
    repeat_to: int = 0
    passes: frozenset[int] = frozenset()
    is_section_end: bool = False

    @property
    def nominal(self) -> int:
        """How long the metre wants it; 0 without a metre."""
        return WHOLE * self.metre[0] // self.metre[1] if self.metre else 0

    def cut(self, at: int) -> tuple[Measure, Measure]:
        """The measure before and from an offset on; notes go with their onset."""
        first = replace(self, length=at, repeat_to=0, is_section_end=False)
        second = replace(self, length=self.length - at, repeat_from=0, passes=frozenset(), part="")
        for name in _PLACED:
            placed = getattr(self, name)
            setattr(first, name, [item for item in placed if item[0] < at])
            later = [(item[0] - at, *item[1:]) for item in placed if item[0] >= at]
            setattr(second, name, later)
        first.marks = [mark for mark in self.marks if mark.offset < at]
        second.marks = [m._replace(offset=m.offset - at) for m in self.marks if m.offset >= at]
        first.notes = [note for note in self.notes if note.offset < at]
        second.notes = [note for note in self.notes if note.offset >= at]
        first.syllables = [sung for sung in self.syllables if sung.offset < at]
        second.syllables = [sung for sung in self.syllables if sung.offset >= at]
        for note in second.notes:
            note.offset -= at
        for sung in second.syllables:
            sung.offset -= at
        return first, second


class VoiceInfo(NamedTuple):
    """Who plays a voice."""

    name: str
    program: int
    is_drum: bool


@dataclass
class Score:
    """A whole tune: each voice with its measures, and what stands above them.

    ``second_staves`` says which voice is the other staff of which; ``own`` is what our writer left
    for this reader.
    """

    voices: list[tuple[VoiceInfo, list[Measure]]]
    second_staves: dict[int, int]
    title: str
    composer: str
    copyright: str
    parts_order: str
    own: dict[str, str]


def cut_like_others(voices: list[list[Measure]], findings: Findings) -> None:
    """Cut measures that hold several bars of the others: a voice whose bar lines are missing.

    Measures of voices belong together by their number, so one line less would shift all after it.
    """
    longest = max(voices, key=len)
    for voice in voices:
        if len(voice) == len(longest):
            continue
        waiting = list(reversed(voice))
        done: list[Measure] = []
        while waiting:
            measure, place = waiting.pop(), len(done)
            if place + 1 < len(longest):
                other = longest[place]
                least = other.length + longest[place + 1].length
                is_whole = other.nominal in (0, other.length)
                if measure.length >= least and is_whole:
                    findings.count(measure.line, "missing bar line put where other voices have one")
                    measure, rest = measure.cut(other.length)
                    waiting.append(rest)
            done.append(measure)
        voice[:] = done


class Findings:
    """What an ABC reader found wrong or left out: faults by line, and counts by kind."""

    def __init__(self) -> None:
        self._faults: dict[str, None] = {}
        self._counts: Counter[str] = Counter()
        self._first: dict[str, int] = {}
        self._more = 0

    def fault(self, line: int, what: str) -> None:
        """Something in a line that has no meaning; ``what`` is a sentence."""
        told = f"Line {line}: {what}"
        if len(self._faults) < _MOST_FAULTS:
            self._faults[told] = None
        elif told not in self._faults:
            self._more += 1

    def count(self, line: int, what: str) -> None:
        """One more of a kind that is left out or changed."""
        self._first.setdefault(what, line)
        self._counts[what] += 1

    def sentences(self) -> list[str]:
        """All of it, faults first."""
        told = [*self._faults]
        if self._more:
            told.append(f"There were {self._more} more messages.")
        told += [
            f"{count} x {what} (first in line {self._first[what]})."
            for what, count in self._counts.items()
        ]
        return told
