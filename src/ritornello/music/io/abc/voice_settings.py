"""What fields and directives set for the voices of an ABC tune, and what its voices share."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from ritornello.music.io.abc.book import plain_text
from ritornello.music.io.abc.fields import KeyField
from ritornello.music.io.abc.score import Findings
from ritornello.music.io.abc.signs import SHORT_SIGNS
from ritornello.music.io.limits import clean_name
from ritornello.music.keys import KeyName


@dataclass
class Common:
    """What the voices of a tune share.

    Attributes:
        line: the number of the line that is read.
        music_line: counts lines of music; lines joined by a backslash are one.
        accidentals_hold: "pitch" (in all octaves), "octave" or "not" (for one note).
        drum_keys: percussion key of a note as written.
        has_words: whether there is a line of words to lay under the notes.
    """

    findings: Findings
    line: int = 0
    music_line: int = 0
    note_count: int = 0
    accidentals_hold: str = "pitch"
    plus_is_decoration: bool = False
    short_signs: dict[str, str] = field(default_factory=lambda: dict(SHORT_SIGNS))
    drum_keys: dict[str, int] = field(default_factory=dict)
    has_words: bool = False

    def count(self, what: str) -> None:
        self.findings.count(self.line, what)

    def fault(self, what: str) -> None:
        self.findings.fault(self.line, what)


@dataclass
class Settings:
    """What fields and directives set for a voice, or for all that are to come."""

    unit: tuple[int, int] = (1, 8)
    metre: tuple[int, int] | None = None
    key: KeyField = field(default_factory=KeyField)
    clef_octaves: int = 0
    octaves: int = 0
    transpose: int = 0
    midi_transpose: int = 0
    program: int | None = None
    is_drum: bool = False
    name: str = ""
    is_named: bool = False  # by a name, not by the letter or number of its V: alone

    def take(self, found: KeyField) -> None:
        """The key, the clef and the properties of a K: or V: field."""
        if found.states_key:
            self.key = found
        if found.clef_octaves is not None:
            self.clef_octaves = found.clef_octaves
            self.is_drum = self.is_drum or found.is_percussion
        given = found.properties
        self.octaves = whole(given["octave"], 10) if "octave" in given else self.octaves
        if "transpose" in given:
            self.transpose = whole(given["transpose"], 60)
        name = given.get("name", given.get("nm"))
        if name is not None:
            self.is_named = True
            self.name = clean_name(plain_text(re.sub(r"(?<!\\)\\n", " ", name)))

    @property
    def semitones(self) -> int:
        """How far what sounds lies from what is written."""
        octaves = self.clef_octaves + self.octaves
        return 12 * octaves + self.transpose + self.midi_transpose

    @property
    def sounding_key(self) -> KeyName | None:
        name = self.key.name
        return replace(name, tonic=(name.tonic + self.semitones) % 12) if name else None


def whole(text: str, most: int) -> int:
    """A small whole number, 0 where it is none."""
    match = re.fullmatch(r"[+-]?\d{1,3}", text)
    number = int(match[0]) if match else 0
    return number if abs(number) <= most else 0
