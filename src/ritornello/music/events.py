"""What stands at a tick of a piece: notes, tempi, metres, keys, words, chord symbols and marks."""

from __future__ import annotations

from typing import NamedTuple

from ritornello.music.keys import KeyName
from ritornello.music.note_tables import ALL_PITCHES


class Note(NamedTuple):
    """One note. ``pitch`` is a MIDI number (60 = middle C), ``velocity`` is 1-127."""

    onset_ticks: int
    duration_ticks: int
    pitch: int
    velocity: int


class Tempo(NamedTuple):
    """From ``tick`` on, ``bpm`` quarter notes a minute."""

    tick: int
    bpm: float


class Metre(NamedTuple):
    """From ``tick`` on, bars of ``numerator`` notes of value 1/``denominator``."""

    tick: int
    numerator: int
    denominator: int

    def bar_ticks(self, resolution: int) -> int:
        return max(1, resolution * 4 * self.numerator // self.denominator)

    def beat_ticks(self, resolution: int) -> int:
        """One felt beat: a dotted value in compound metres (6/8, 12/8), else the denominator."""
        compound = self.denominator >= 8 and self.numerator > 3 and self.numerator % 3 == 0
        return max(1, resolution * 4 * (3 if compound else 1) // self.denominator)


class KeyChange(NamedTuple):
    """From ``tick`` on, the key."""

    tick: int
    key: KeyName


class Text(NamedTuple):
    """Words at a place: a marker, a cue point or a remark."""

    tick: int
    text: str


class ChordSymbol(NamedTuple):
    """From ``tick`` on, a chord as it is written, for example ``Am7`` or ``C/E``.

    ``N.C.`` is no chord. `ritornello.music.chords.parse_chord` reads what it knows of them; a text
    it cannot read is kept all the same.
    """

    tick: int
    text: str


class Lyric(NamedTuple):
    """A syllable that is sung from ``tick`` on.

    Its text ends with ``-`` where the word goes on with the next syllable, and with ``_`` where
    it is held over the notes that follow. A text of line ends alone begins a new line ("\\n") or
    verse ("\\n\\n") of the words. Verses count from 1.
    """

    tick: int
    text: str
    verse: int = 1


class Mark(NamedTuple):
    """What a score prints at a note or a place beside pitch and length.

    Attributes:
        tick: where; of a mark at a note its onset.
        kind: "articulation", "ornament", "technical", "fermata", "dynamic", "wedge", "slur",
            "arpeggio" or "words".
        name: which one, as MusicXML names its element or type: ``staccato``, ``trill-mark``,
            ``up-bow``, ``upright``, ``mf``, ``crescendo``, ``start``; or the words themselves.
        pitch: of the note, or `ALL_PITCHES` for all that begin there, or for the place itself.
    """

    tick: int
    kind: str
    name: str
    pitch: int = ALL_PITCHES
