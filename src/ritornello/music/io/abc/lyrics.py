"""Lyrics of ABC: the syllables of a ``w:`` line, laid under the notes before it."""

from __future__ import annotations

import re
from typing import NamedTuple

from ritornello.music.io.abc.book import plain_text
from ritornello.music.io.abc.score import WrittenNote
from ritornello.music.io.limits import clean_name

_TOKEN = re.compile(r"(?P<syllable>(?:\\-|[^\s_*|\-])+)(?P<hyphen>-)?|(?P<sign>[-_*|])")


class Sung(NamedTuple):
    """A note that can carry a syllable, and the number of its measure."""

    note: WrittenNote
    measure: int


def syllables(text: str) -> list[str]:
    """What each note of a line gets: a syllable (with "-" if the word goes on), "_", "" or "|".

    "" leaves a note without words, "_" and "-" hold the syllable before, "|" goes to the next bar.
    """
    found = []
    for match in _TOKEN.finditer(text):
        if match["sign"]:
            found.append("" if match["sign"] == "*" else match["sign"])
        else:
            word = match["syllable"].replace("\\-", "\u2010").replace("~", " ")
            word = clean_name(plain_text(word)).replace("\u2010", "-")
            found.append(word + (match["hyphen"] or ""))
    return found


def notes_wanted(line: list[str]) -> int:
    """How many notes the syllables of a line need."""
    return sum(item != "|" for item in line)


def lay_under(line: list[str], notes: list[Sung]) -> int:
    """Give the syllables to the notes; returns how many found none."""
    place = 0
    lost = 0
    for item in line:
        if item == "|":
            # To the first note of the next bar, unless the last syllable just ended this one.
            if 0 < place < len(notes):
                measure = notes[place - 1].measure
                while place < len(notes) and notes[place].measure == measure:
                    place += 1
        elif place < len(notes):
            if item not in ("", "-", "_"):
                notes[place].note.syllable = item
            place += 1
        else:
            lost += item not in ("", "-", "_")
    return lost
