"""Chord symbols as MusicXML has them, <harmony>, from and to the text people write.

The kind of a chord has a text beside its name: what is printed. Where text and kind mean the same
chord the text is kept to the letter, so that a symbol comes back as it was written.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape, quoteattr

from ritornello.errors import ConfigError
from ritornello.music.chords import QUALITIES, parse_chord
from ritornello.music.io.musicxml.directions import offset
from ritornello.music.io.musicxml.numbers import number
from ritornello.music.keys import LETTERS

NO_CHORD = "N.C."
# The kinds of MusicXML, and how a chord on C is written with them.
_SUFFIXES = {
    "major": "", "minor": "m", "augmented": "aug", "diminished": "dim", "dominant": "7",
    "major-seventh": "maj7", "minor-seventh": "m7", "diminished-seventh": "dim7",
    "augmented-seventh": "aug7", "half-diminished": "m7b5", "major-minor": "mMaj7",
    "major-sixth": "6", "minor-sixth": "m6", "dominant-ninth": "9", "major-ninth": "maj9",
    "minor-ninth": "m9", "dominant-11th": "11", "major-11th": "maj11", "minor-11th": "m11",
    "dominant-13th": "13", "major-13th": "maj13", "minor-13th": "m13",
    "suspended-second": "sus2", "suspended-fourth": "sus4", "power": "5",
}  # fmt: skip
_KINDS = {suffix: kind for kind, suffix in _SUFFIXES.items()}
_KINDS |= {
    "M7": "major-seventh", "-": "minor", "min": "minor", "-7": "minor-seventh", "+": "augmented",
    "°": "diminished", "o": "diminished", "ø": "half-diminished", "sus": "suspended-fourth",
    "7#5": "augmented-seventh", "7+": "augmented-seventh", "+7": "augmented-seventh",
    "mmaj7": "major-minor", "mM7": "major-minor", "minMaj7": "major-minor",
}  # fmt: skip
# What the kinds say of the fifth themselves.
_FIFTHS = {"augmented", "augmented-seventh", "diminished", "diminished-seventh", "half-diminished"}
_KIND_OF_QUALITY = {
    "maj": "major", "min": "minor", "7": "dominant", "maj7": "major-seventh",
    "min7": "minor-seventh", "dim": "diminished", "m7b5": "half-diminished",
    "dim7": "diminished-seventh", "aug": "augmented", "sus4": "suspended-fourth",
}  # fmt: skip
_ROOT = r"[A-G](?:##|x|bb(?!5|6|9|13)|#|b|♯|♭)?"
_SYMBOL = re.compile(rf"({_ROOT})(.*?)(?:/({_ROOT}))?", re.DOTALL)
_ALTERS = {"": 0, "#": 1, "♯": 1, "b": -1, "♭": -1, "##": 2, "x": 2, "bb": -2}
_SIGNS = {-2: "bb", -1: "b", 0: "", 1: "#", 2: "##"}
# What stands behind the kind: added, altered and left out notes.
_CHANGE = re.compile(r"(add|no|omit)?([#b♯♭+-])?(2|3|4|5|6|7|9|11|13)")
_LONGEST_SYMBOL = 100


def read_harmony(element: Element, repairs: Counter[str]) -> str:
    """The chord symbol of a <harmony> as a text such as ``Am7/C``; "" where it names no chord."""
    kind = element.find("kind")
    name = (kind.text or "").strip() if kind is not None else ""
    shown = kind.get("text") if kind is not None else None
    if name == "none":
        return (shown or NO_CHORD).strip() or NO_CHORD
    root = _note(element.find("root"), "root")
    function = (element.findtext("function") or "").strip()
    if not root:
        repairs["chord symbol without a root left out"] += not function
        return f"{function}{shown or ''}"[:_LONGEST_SYMBOL]
    repairs["second chord of a chord symbol left out"] += len(element.findall("root")) - 1
    suffix = _SUFFIXES.get(name, "")
    if shown is not None and (name not in _SUFFIXES or _is_alike(root, shown.strip(), suffix)):
        suffix = shown.strip()
    degrees = "".join(_degree(degree, suffix) for degree in element.findall("degree")[:8])
    bass = _note(element.find("bass"), "bass") or _inverted(element, root + suffix)
    return f"{root}{suffix}{degrees}{'/' if bass else ''}{bass}"[:_LONGEST_SYMBOL]


def _note(element: Element | None, tag: str) -> str:
    """The note a root or bass names, as its text says where that begins with the same letter."""
    step = element.find(f"{tag}-step") if element is not None else None
    letter = (step.text or "").strip().upper() if step is not None else ""
    if letter not in LETTERS:
        return ""
    shown = step.get("text", "") if step is not None else ""
    if shown[:1] == letter and shown[1:] in _ALTERS:
        return shown
    return letter + _SIGNS.get(round(number(element, f"{tag}-alter", 0)), "")


def _is_alike(root: str, shown: str, suffix: str) -> bool:
    """Whether a printed text means the chord of the kind; an empty one only of a major chord."""
    try:
        return parse_chord(root + shown).quality == parse_chord(root + suffix).quality
    except ConfigError:
        return False


def _degree(element: Element, suffix: str) -> str:
    value = int(number(element, "degree-value", 0))
    sign = _SIGNS.get(round(number(element, "degree-alter", 0)), "")
    if element.get("print-object") == "no" or f"{sign}{value}" in suffix:
        return ""
    match (element.findtext("degree-type") or "").strip():
        case "subtract":
            return f"no{value}"
        case "add" if not sign:
            return f"add{value}"
    return f"{sign}{value}" if sign else ""


def _inverted(element: Element, symbol: str) -> str:
    """The bass that an inversion puts below a chord."""
    inversion = int(number(element, "inversion", 0))
    try:
        chord = parse_chord(symbol)
    except ConfigError:
        return ""
    steps = QUALITIES[chord.quality]
    if not 0 < inversion < len(steps):
        return ""
    names = ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
    return names[(chord.root + steps[inversion]) % 12]


def harmony(text: str, offset_ticks: int = 0) -> str:
    """A chord symbol as a <harmony>; one that names no chord keeps its text as a function.

    Args:
        text: as of `ritornello.music.piece.ChordSymbol`.
        offset_ticks: how far behind where it is written it stands.
    """
    place = offset(offset_ticks)
    if text.upper().strip(".") in ("N.C", "NC"):
        chord = '<root><root-step text="">C</root-step></root>'
        return f"<harmony>{chord}<kind text={quoteattr(text)}>none</kind>{place}</harmony>"
    symbol = _SYMBOL.fullmatch(text)
    if symbol is None:
        function = f"<function>{escape(text)}</function>"
        return f'<harmony>{function}<kind text="">other</kind>{place}</harmony>'
    root, suffix, bass = symbol[1], symbol[2], symbol[3] or ""
    kind = _kind(text, suffix)
    below = f"<bass>{_step(bass, 'bass')}</bass>" if bass else ""
    return (
        f"<harmony><root>{_step(root, 'root')}</root><kind text={quoteattr(suffix)}>{kind}</kind>"
        f"{below}{''.join(_degrees(suffix, kind))}{place}</harmony>"
    )


def _kind(text: str, suffix: str) -> str:
    """The kind of a symbol: that of its suffix, else of what it is to the ear."""
    plain = re.sub(r"[()\s]", "", suffix)
    base = re.match(r"(?:maj|m)?(?:6|9|11|13)(?!\d)", plain)
    try:
        quality = parse_chord(text).quality
    except ConfigError:
        return "other"
    for candidate in (plain, base[0] if base else ""):
        kind = _KINDS.get(candidate)
        if kind is not None and (candidate or not plain):
            return kind
    return _KIND_OF_QUALITY[quality]


def _step(note: str, tag: str) -> str:
    alter = _ALTERS[note[1:]]
    shown = "" if _SIGNS[alter] == note[1:] else f" text={quoteattr(note)}"
    altered = f"<{tag}-alter>{alter}</{tag}-alter>" if alter else ""
    return f"<{tag}-step{shown}>{note[0]}</{tag}-step>{altered}"


def _degrees(suffix: str, kind: str) -> Iterator[str]:
    """What a suffix says behind its kind; the suffix prints it, so the degrees need not."""
    rest = re.sub(r"[()\s]", "", suffix)
    rest = rest.removeprefix(_SUFFIXES.get(kind, ""))
    if kind == "suspended-fourth" and rest.startswith("7"):
        rest = f"add{rest}"
    for verb, sign, value in _CHANGE.findall(rest):
        if value == "5" and kind in _FIFTHS:
            continue
        if verb in ("no", "omit"):
            kind_of_change, alter = "subtract", 0
        elif verb or sign:
            kind_of_change = "alter" if value == "5" else "add"
            alter = {"": 0, "#": 1, "♯": 1, "+": 1}.get(sign, -1)
        else:
            continue
        yield (
            f'<degree print-object="no"><degree-value>{value}</degree-value>'
            f"<degree-alter>{alter}</degree-alter>"
            f"<degree-type>{kind_of_change}</degree-type></degree>"
        )
