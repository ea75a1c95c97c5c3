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

from ritornello.music.piece import Lyric

LINE, PARAGRAPH = "\n", "\n\n"
_LONGEST_SYLLABLE = 200
_MOST_VERSES = 99


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
        held = extend is not None and extend.get("type") in (None, "start")
        text = " ".join(text[:_LONGEST_SYLLABLE].split())
        if text or (syllabic in ("begin", "middle") and element.find("text") is not None):
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
    """Writes syllables in order, as it must be known whether a word has begun."""

    def __init__(self, lyrics: Iterable[Lyric]) -> None:
        self._at: dict[int, list[Lyric]] = {}
        self._ends: dict[tuple[int, int], str] = {}  # (tick, verse) of a syllable -> line end
        self._in_word: set[int] = set()
        last: dict[int, int] = {}
        self.lost = 0
        for lyric in lyrics:
            if lyric.text.strip("\n"):
                self._at.setdefault(lyric.tick, []).append(lyric)
                last[lyric.verse] = lyric.tick
            elif lyric.verse in last:
                self._ends[last[lyric.verse], lyric.verse] = lyric.text
            else:
                self.lost += 1

    @property
    def ticks(self) -> set[int]:
        """Where syllables stand that are not written yet."""
        return set(self._at)

    def at(self, tick: int) -> str:
        """The <lyric> elements of a note that begins at a tick; nothing when asked again."""
        return "".join(self._element(lyric) for lyric in self._at.pop(tick, ()))

    def _element(self, lyric: Lyric) -> str:
        text, verse = lyric.text, lyric.verse
        is_held, text = text.endswith("_"), text.removesuffix("_")
        goes_on, text = text.endswith("-"), text.removesuffix("-")
        place = "middle" if goes_on else "end"
        if verse not in self._in_word:
            place = "begin" if goes_on else "single"
        (self._in_word.add if goes_on else self._in_word.discard)(verse)
        end = {LINE: "<end-line/>", PARAGRAPH: "<end-paragraph/>"}
        return (
            f'<lyric number="{verse}"><syllabic>{place}</syllabic><text>{escape(text)}</text>'
            f"{'<extend/>' * is_held}{end.get(self._ends.get((lyric.tick, verse), ''), '')}</lyric>"
        )
