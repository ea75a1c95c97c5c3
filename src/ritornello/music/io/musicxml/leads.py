"""What leads through a score: D.C., D.S., To Coda, Fine and the signs they lead to.

Programs state them as a `<sound>`, as a sign, or in words alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from xml.etree.ElementTree import Element

DA_CAPO, DAL_SEGNO, TO_CODA = "dacapo", "dalsegno", "tocoda"
SEGNO, CODA, FINE = "segno", "coda", "fine"  # where they lead to, and where the piece ends then
AL_FINE, AL_CODA = "alfine", "alcoda"  # until where it goes on after a D.C. or D.S.
JUMPS = frozenset((DA_CAPO, DAL_SEGNO, TO_CODA, AL_FINE, AL_CODA))
_SOUNDS = (DA_CAPO, DAL_SEGNO, TO_CODA, SEGNO, CODA, FINE)
_SIGNS = (SEGNO, CODA)
_WORDS = {
    DA_CAPO: r"\bd\.?\s?c\b|\bda\s+capo\b",
    DAL_SEGNO: r"\bd\.?\s?s\b|\bd[ae]l\s+segno\b",
    TO_CODA: r"\b(?:to|zur|au|go\s+to)\s+(?:the\s+)?coda\b",
    AL_FINE: r"\bal\s+fine\b",
    AL_CODA: r"\b(?:al|alla)\s+(?:the\s+)?coda\b",
    # As a word among others these would mean nothing: "a fine tone".
    SEGNO: r"^\W*segno\W*$",
    CODA: r"^\W*coda\W*$",
    FINE: r"^\W*fine\W*$",
}
_PATTERNS = {name: re.compile(pattern, re.IGNORECASE) for name, pattern in _WORDS.items()}


def leads_of_sound(sound: Element) -> set[str]:
    """What a `<sound>` states of the way through a score."""
    return {name for name in _SOUNDS if sound.get(name) is not None}


def leads_of_barline(barline: Element) -> set[str]:
    """The signs at a bar line that jumps lead to."""
    return {name for name in _SIGNS if barline.find(name) is not None}


def leads_of_words(text: str) -> set[str]:
    """What the words of a direction say of the way through a score."""
    return {name for name, pattern in _PATTERNS.items() if pattern.search(text)}


def leads_of_direction(direction: Element, words: Iterable[str]) -> set[str]:
    """What a direction states of the way through a score, in its sound, its signs and its words.

    Args:
        words: the texts of the direction.
    """
    sound = direction.find("sound")
    found = set() if sound is None else leads_of_sound(sound)
    found |= {name for name in _SIGNS if direction.find(f"direction-type/{name}") is not None}
    said = leads_of_words(" ".join(words))
    # A sound says which jump it is, words until where.
    return found | (said - JUMPS | said & {AL_FINE, AL_CODA} if found & JUMPS else said)
