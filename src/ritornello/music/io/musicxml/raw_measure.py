"""What one measure of a MusicXML part holds, as plain values: notes and changes as written.

Times are in divisions of the part, counted from the measure's start. Pitches are sounding ones.
"""

from __future__ import annotations

from collections.abc import Sized
from dataclasses import dataclass, field

from ritornello.music.io.musicxml.directions import Direction
from ritornello.music.io.musicxml.instruments import Sound
from ritornello.music.io.musicxml.signs import Sign
from ritornello.music.spelling import KeySignature


@dataclass(slots=True)
class RawNote:
    """A note as written: ``attack`` and ``release`` are how far it sounds from there.

    ``sound`` is (program, is_drum, singer), see `instruments`; ``signs`` and ``lyrics`` are as of
    the modules of that name.
    """

    offset: int
    duration: int
    pitch: int
    velocity: int
    voice: str
    sound: Sound
    attack: int = 0
    release: int = 0
    tied_from: bool = False
    tied_to: bool = False
    signs: tuple[Sign, ...] = ()
    lyrics: tuple[tuple[int, str], ...] = ()
    staff: str = "1"


@dataclass(slots=True)
class Measure:
    """One measure.

    ``length`` is the furthest point reached, ``sounding`` the furthest by a note; ``endings``
    are the passes the measure is played in, empty for all. Controls are (time, number, value);
    ``leads`` are as of `leads`, and ``lead_words`` the remarks that say them; ``begins_anew`` says
    that measures are counted from one again.
    """

    notes: list[RawNote] = field(default_factory=list)
    length: int = 0
    sounding: int = 0
    tempos: list[tuple[int, float]] = field(default_factory=list)
    keys: list[tuple[int, KeySignature]] = field(default_factory=list)
    chords: list[tuple[int, str]] = field(default_factory=list)
    remarks: list[tuple[int, Direction]] = field(default_factory=list)
    controls: list[tuple[int, int, int]] = field(default_factory=list)
    metre: tuple[int, int] | None = None
    repeats_from: bool = False
    repeat_times: int = 0
    endings: frozenset[int] = frozenset()
    leads: set[str] = field(default_factory=set)
    lead_words: list[tuple[int, Direction]] = field(default_factory=list)
    begins_anew: bool = False

    @property
    def event_count(self) -> int:
        """How much is heard or kept each time the measure is played."""
        signs = sum(1 + len(note.signs) + len(note.lyrics) for note in self.notes)
        lists: tuple[Sized, ...]
        lists = (self.tempos, self.keys, self.chords, self.remarks, self.controls, self.lead_words)
        return signs + sum(len(found) for found in lists)
