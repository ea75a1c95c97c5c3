"""Words under the notes: the <lyric> elements of a note, from and to syllables of a piece.

A syllable of ours ends with "-" where its word goes on and with "_" where it is held; MusicXML
says the same with <syllabic> and <extend>. A text of line ends alone, "\\n", is an <end-line> at
the syllable before it, "\\n\\n" an <end-paragraph>.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape

from ritornello.music.io.limits import clean_name
from ritornello.music.piece import Lyric

LINE, PARAGRAPH = "\n", "\n\n"
_LONGEST_SYLLABLE = 200


def read_lyrics(note: Element) -> Iterator[tuple[int, str]]:
    """(verse, text) of each syllable of a <note>; line ends come after the syllable they end."""
    for order, element in enumerate(note.iterfind("lyric"), start=1):
        verse = _verse(element, order)
        text, syllabic = "", "single"
        for child in element:
            if child.tag == "text":
                text += child.text or ""
            elif child.tag == "elision":
                text += child.text or " "
            elif child.tag == "syllabic":
                syllabic = (child.text or "").strip()
        extend = element.find("extend")
        has_text = element.find("text") is not None
        held = has_text and extend is not None and extend.get("type") in (None, "start")
        text = " ".join(text[:_LONGEST_SYLLABLE].split())
        if text or held or (syllabic in ("begin", "middle") and has_text):
            goes_on = "-" if syllabic in ("begin", "middle") else ""
            yield verse, f"{text}{goes_on}{'_' if held else ''}"
        if element.find("end-paragraph") is not None:
            yield verse, PARAGRAPH
        elif element.find("end-line") is not None:
            yield verse, LINE


def _verse(element: Element, order: int) -> int:
    """The number of a verse, however it is spelled; else its place among those of the note."""
    number = re.search(r"\d{1,4}", element.get("number", "") or element.get("name", ""))
    return max(1, int(number[0])) if number else order


class LyricWriter:
    """The <lyric> elements of syllables, for the notes that begin with them.

    Attributes:
        lost: line ends before the first syllable of their verse, which have no place.
    """

    def __init__(self, lyrics: Iterable[Lyric]) -> None:
        ends: dict[tuple[int, int], str] = {}  # place of a syllable -> the end of its line
        last: dict[int, tuple[int, int]] = {}
        syllables: list[Lyric] = []
        self.lost = 0
        for lyric in lyrics:
            if lyric.text.strip("\n"):
                last[lyric.verse] = (len(syllables), lyric.verse)
                syllables.append(lyric)
            elif lyric.verse in last:
                ends[last[lyric.verse]] = lyric.text
            else:
                self.lost += 1
        self._at: dict[int, str] = {}
        in_word: set[int] = set()
        for place, lyric in enumerate(syllables):
            text = _element(lyric, in_word, ends.get((place, lyric.verse), ""))
            self._at[lyric.tick] = self._at.get(lyric.tick, "") + text

    def at(self, tick: int) -> str:
        """The elements for a note that begins at a tick; nothing when asked again."""
        return self._at.pop(tick, "")


def _element(lyric: Lyric, in_word: set[int], line_end: str) -> str:
    """One syllable; ``in_word``, the verses whose last word goes on, is kept up to date."""
    text, verse = clean_name(lyric.text), lyric.verse
    is_held, text = text.endswith("_"), text.removesuffix("_")
    goes_on, text = text.endswith("-"), text.removesuffix("-")
    place = "middle" if goes_on else "end"
    if verse not in in_word:
        place = "begin" if goes_on else "single"
    (in_word.add if goes_on else in_word.discard)(verse)
    end = {LINE: "<end-line/>", PARAGRAPH: "<end-paragraph/>"}.get(line_end, "")
    return (
        f'<lyric number="{verse}"><syllabic>{place}</syllabic><text>{escape(text)}</text>'
        f"{'<extend/>' * is_held}{end}</lyric>"
    )
