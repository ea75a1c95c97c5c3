"""Lyrics of ABC: the syllables of ``w:`` lines, laid under the notes before them.

Each note takes a syllable, also those that a tie only goes on with; rests take none. A line goes
under the last line of music, or, if it has more syllables than that has notes, under all music
since the last words (abc 2.1, 5.1). Lines that follow each other are verses.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from ritornello.music.io.abc.book import plain_text
from ritornello.music.io.abc.score import Measure, WrittenNote, WrittenSyllable
from ritornello.music.io.limits import clean_name

_TOKEN = re.compile(r"(?P<syllable>(?:\\-|[^\s_*|\-])+)(?P<hyphen>-)?|(?P<sign>[-_*|])")
_HYPHEN = "\u2010"  # stands in for a hyphen that belongs to a syllable
_SPECIAL = re.compile(r"[\\_*|%&~]")
_MOST_VERSES = 99


class _Sung(NamedTuple):
    """A note or chord that can carry a syllable; ``goes_on`` if a tie leads to it."""

    notes: list[WrittenNote]
    measure: Measure
    goes_on: bool


def _syllables(text: str) -> list[str]:
    """What each note of a line gets: a syllable (with "-" if the word goes on), or a sign.

    "*" leaves a note without words, "_" and "-" hold the syllable before, "|" goes to the next bar.
    """
    found = []
    for match in _TOKEN.finditer(text):
        if match["sign"]:
            found.append(match["sign"])
        else:
            word = match["syllable"].replace("\\-", _HYPHEN).replace("~", " ")
            word = clean_name(plain_text(word)).replace(_HYPHEN, "-")
            found.append(f"{word}{match['hyphen'] or ''}" or "*")
    return found


def written_syllable(text: str) -> str:
    """A syllable as a ``w:`` line has it, with its hyphen."""
    word, hyphen = (text[:-1], "-") if text.endswith("-") else (text, "")
    word = _SPECIAL.sub(lambda found: f"\\u{ord(found[0]):04x}", word)
    return word.replace("-", "\\-").replace(" ", "~") + hyphen


class Lyricist:
    """Collects the notes of a voice and gives the lines of words to them."""

    def __init__(self) -> None:
        self._without_words: list[_Sung] = []
        self._last_line: list[_Sung] = []
        self._line = 0
        self._before: _Sung | None = None
        # Of the words that came last: whom they went to, and the last syllable of each verse.
        self._target: list[_Sung] = []
        self._verse = 0
        self._last: dict[int, WrittenSyllable] = {}

    def add(self, notes: list[WrittenNote], measure: Measure, line: int) -> None:
        """The next note or chord, of a line of music with this number."""
        if self._line != line:
            self._line = line
            self._last_line = []
        tied = {note.pitch for note in self._before.notes if note.is_tied} if self._before else ()
        self._before = _Sung(notes, measure, any(note.pitch in tied for note in notes))
        self._last_line.append(self._before)
        self._without_words.append(self._before)

    def sing(self, text: str) -> int:
        """Lay a line of words; returns how many syllables found no note."""
        line = _syllables(text)
        if self._without_words or not self._verse:
            is_longer = sum(item != "|" for item in line) > len(self._last_line)
            self._target = self._without_words if is_longer else self._last_line
            self._without_words, self._last_line, self._verse = [], [], 0
        self._verse = min(_MOST_VERSES, self._verse + 1)
        place = lost = 0
        for item in line:
            if item == "|":
                place = self._next_bar(place)
            elif item in ("*", "-", "_"):
                self._hold(item, place)
                place += 1
            elif place < len(self._target):
                sung = self._target[place]
                syllable = WrittenSyllable(sung.notes[0].offset, item, self._verse)
                sung.measure.syllables.append(syllable)
                self._last[self._verse] = syllable
                place += 1
            else:
                lost += 1
        return lost

    def _next_bar(self, place: int) -> int:
        """The first note of the next bar; this one, if the last syllable just ended its bar."""
        target = self._target
        if 0 < place < len(target):
            measure = target[place - 1].measure
            while place < len(target) and target[place].measure is measure:
                place += 1
        return place

    def _hold(self, sign: str, place: int) -> None:
        """``_`` over another note, not over the rest of a tied one, says that it is held."""
        last = self._last.get(self._verse)
        is_new = place < len(self._target) and not self._target[place].goes_on
        if sign == "_" and is_new and last is not None and last.text[-1] not in "-_":
            last.text += "_"
