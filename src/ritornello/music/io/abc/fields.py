"""What the fields of an ABC tune say: metre, unit length, tempo, key and clef, voice, parts.

Each function takes the text after the colon and gives a value, or None where the text has no
meaning; the caller tells it with its line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fractions import Fraction

from ritornello.music.keys import LETTERS, SCALES, KeyName
from ritornello.music.spelling import alterations_of

_MOST_BEATS = 255
_METRE = re.compile(r"\(?\s*(\d{1,3}(?:\s*\+\s*\d{1,3})*)\s*\)?\s*/\s*(\d{1,2})(?!\d)")
_FRACTION = re.compile(r"(\d{1,4})\s*/\s*(\d{1,4})")
_QUOTED = re.compile(r'"([^"]*)"')
_TONIC = re.compile(r"([A-G])([#b♯♭]?)")
_KEY_ACCIDENTAL = re.compile(r"(__|\^\^|[_^=])([A-Ga-g])")
_ASSIGNMENT = re.compile(r'([\w-]{1,30})=(?:"([^"]*)"|(\S*))')
_CLEF = re.compile(r"(treble|alto|tenor|bass|perc|none|auto|[GCF])([1-5]?)([+^_-]?)(8|15)?")
# The first three letters decide (abc 2.1, 3.1.14).
MODES = {
    "": "major", "maj": "major", "ion": "major", "m": "minor", "min": "minor",
    "aeo": "natural minor", "dor": "dorian", "phr": "phrygian", "lyd": "lydian",
    "mix": "mixolydian", "loc": "locrian",
}  # fmt: skip
MODE_FIFTHS = {
    "major": 0, "minor": -3, "natural minor": -3, "dorian": -2, "phrygian": -4, "lydian": 1,
    "mixolydian": -1, "locrian": -5,
}  # fmt: skip
# Usual speeds of tempo words, in beats a minute, for a tune that gives no figure.
TEMPO_WORDS = {
    "grave": 40, "largo": 46, "lento": 52, "adagio": 56, "larghetto": 60, "adagietto": 66,
    "andante": 72, "andantino": 80, "maestoso": 88, "moderato": 92, "allegretto": 108,
    "animato": 120, "allegro": 132, "vivace": 160, "presto": 184, "prestissimo": 208,
}  # fmt: skip


@dataclass(frozen=True)
class TempoMark:
    """A tempo: quarter notes a minute, None where only words are given, and the words."""

    quarter_bpm: float | None
    words: str


@dataclass(frozen=True)
class KeyField:
    """What a ``K:`` or ``V:`` field says.

    Attributes:
        states_key: False where only a clef or another property is given.
        name: the key; None where the accidentals are those of no known scale.
        fifths: sharps of the plain signature, negative for flats.
        altered: semitones by letter, all seven.
        clef_octaves: octaves that the clef moves all notes (``treble-8`` is -1); None if there
            is no clef.
        is_percussion: a percussion clef.
        properties: ``octave=-1``, ``transpose=2``, ``name="Cello"`` and the like, lower-case keys.
    """

    states_key: bool = False
    name: KeyName | None = None
    fifths: int = 0
    altered: dict[str, int] = field(default_factory=lambda: alterations_of(0))
    clef_octaves: int | None = None
    is_percussion: bool = False
    properties: dict[str, str] = field(default_factory=dict)


def metre_of(text: str) -> tuple[int, int] | None:
    """(6, 8) of ``6/8``, ``C``, ``C|`` or ``(2+3)/8``; None of ``none`` and what is no metre."""
    text = text.strip()
    if text in ("C", "c"):
        return 4, 4
    if text.upper().startswith("C|"):
        return 2, 2
    match = _METRE.match(text)
    if match is None:
        return None
    beats, unit = sum(map(int, match[1].split("+"))), int(match[2])
    is_metre = 1 <= beats <= _MOST_BEATS and unit in (1, 2, 4, 8, 16, 32, 64)
    return (beats, unit) if is_metre else None


def is_free(text: str) -> bool:
    """Whether a tune has no metre, said as ``M:none``."""
    return text.strip().lower() in ("none", "free", "")


def length_field(text: str) -> tuple[int, int] | None:
    """(1, 8) of ``L:1/8``."""
    match = _FRACTION.match(text.strip())
    if match is None and text.strip() == "1":
        return 1, 1
    if match is None or not 0 < int(match[1]) <= int(match[2]) * 4:
        return None
    return int(match[1]), int(match[2])


def tempo_of(text: str, unit: tuple[int, int]) -> TempoMark | None:
    """The tempo of ``1/4=120``, ``"Allegro" 3/8=80``, ``1/4 3/8=40``, ``C3=60``, ``120``.

    A lone number counts quarters, as every player takes it; ``C`` is the unit length.
    """
    words = " ".join(found.strip() for found in _QUOTED.findall(text)).strip()
    bare = _QUOTED.sub(" ", text).strip()
    lengths, equals, speed = bare.rpartition("=")
    rate = re.match(r"\s*(\d{1,5}(?:\.\d{1,6})?)", speed)
    if rate is None:
        if not words and bare and not equals:
            words = bare  # words without the quotes that belong around them
        return TempoMark(None, words) if words and not equals else None
    beat = Fraction(1, 4)
    if equals:
        beat = sum((Fraction(int(a), int(b)) for a, b in _FRACTION.findall(lengths) if int(b)),
                   Fraction())  # fmt: skip
        units = re.fullmatch(r"\s*[A-Ga-g](\d{0,2})(?:/(\d{1,2}))?\s*", lengths)
        if units:
            beat = Fraction(*unit) * Fraction(int(units[1] or 1), int(units[2] or 1) or 1)
    bpm = float(Fraction(rate[1]) * beat * 4)
    return TempoMark(bpm, words) if 1 <= bpm <= 10_000 else None


def tempo_by_words(words: str) -> int | None:
    """The usual speed of the first tempo word in a text; None if there is none."""
    return next((TEMPO_WORDS[w] for w in re.findall(r"[a-z]+", words.lower()) if w in TEMPO_WORDS),
                None)  # fmt: skip


# --- keys and clefs ---------------------------------------------------------------------------


def key_field(text: str) -> KeyField:
    """The key, clef and properties of ``K:``, such as ``Ador``, ``D exp _b ^f``, ``C bass``."""
    properties = {m[1].lower(): m[2] if m[2] is not None else m[3]
                  for m in _ASSIGNMENT.finditer(text)}  # fmt: skip
    words = _ASSIGNMENT.sub(" ", text).split()
    clef_octaves, is_percussion = _clef(properties.get("clef", ""))
    plain: list[str] = []
    for word in words:
        match = _CLEF.fullmatch(word)
        if match and not (len(match[1]) == 1 and not match[2]):  # "G2" is a clef, "G" a key
            clef_octaves, is_percussion = _clef(word)
        else:
            plain.append(word)
    name, fifths, altered, states_key = _key(" ".join(plain))
    return KeyField(states_key, name, fifths, altered, clef_octaves, is_percussion, properties)


def _clef(text: str) -> tuple[int | None, bool]:
    """(octaves, percussion) of a clef; ``+8`` and ``-8`` move what sounds, ``^8`` does not."""
    match = _CLEF.fullmatch(text)
    if match is None:
        return None, False
    octaves = {"8": 1, "15": 2}.get(match[4] or "", 0)
    return octaves * {"+": 1, "-": -1}.get(match[3], 0), match[1] == "perc"


def _key(text: str) -> tuple[KeyName | None, int, dict[str, int], bool]:
    """(name, fifths, accidentals by letter, whether a key is stated) of a key without a clef."""
    if text.startswith(("HP", "Hp")):  # the scale of the Highland bagpipe: F and C sharp
        return KeyName(9, "mixolydian"), 2, alterations_of(2), True
    own = {letter.upper(): {"_": -1, "__": -2, "^": 1, "^^": 2, "=": 0}[sign]
           for sign, letter in _KEY_ACCIDENTAL.findall(text)}  # fmt: skip
    text = _KEY_ACCIDENTAL.sub(" ", text)
    match = _TONIC.match(text)
    if match is None:
        is_none = text.strip().lower() in ("", "none")
        altered = {**alterations_of(0), **own}
        return None, 0, altered, bool(own) or (is_none and text.strip() != "")
    mode, _, rest = text[match.end() :].strip().lower().partition(" ")
    is_explicit = "exp" in (mode[:3], rest[:3])
    scale = MODES.get(mode[:3], "major")
    accidental = {"#": 1, "♯": 1, "b": -1, "♭": -1}.get(match[2], 0)
    tonic = (LETTERS[match[1]] + accidental) % 12
    line_of_fifths = "FCGDAEB".index(match[1]) - 1 + 7 * accidental
    fifths = 0 if is_explicit else line_of_fifths + MODE_FIFTHS[scale]
    altered = {**alterations_of(fifths), **own}
    name: KeyName | None = KeyName(tonic, scale)
    if own or is_explicit:
        name = _named(tonic, altered)
        fifths = sum(altered.values())
    return name, fifths, altered, True


def _named(tonic: int, altered: dict[str, int]) -> KeyName | None:
    """The scale on the tonic with just these notes, if there is one of that name."""
    notes = {(LETTERS[letter] + shift - tonic) % 12 for letter, shift in altered.items()}
    # "minor" has nine notes; every scale of seven is told from the others by them.
    same = (name for name, steps in SCALES.items() if len(steps) == 7 and set(steps) == notes)
    return next((KeyName(tonic, name) for name in same), None)


# --- voices and parts -------------------------------------------------------------------------


def voice_field(text: str) -> tuple[str, KeyField]:
    """(identity, clef and properties) of ``V:T1 clef=treble-8 name="Tenor"``."""
    identity, _, rest = text.strip().partition(" ")
    found = key_field(rest)
    return identity[:40], found


def parts_order(text: str, most: int) -> list[str] | None:
    """The letters of ``AABB``, ``A3(BC)2`` in the order they are played; None over ``most``.

    Letters and groups may be followed by how often they are played; dots only part them.
    """
    groups: list[list[str]] = [[]]
    last: list[str] = []  # what a number after it repeats
    for token in re.findall(r"[A-Za-z]|\d{1,3}|[()]", text):
        if token == "(":
            groups.append([])
            last = []
        elif token == ")":
            last = groups.pop() if len(groups) > 1 else []
            if not groups:
                groups = [[]]
            groups[-1] += last
        elif token.isdigit():
            groups[-1] += last * (int(token) - 1)
            last = []
        else:
            last = [token]
            groups[-1] += last
        if sum(map(len, groups)) > most or len(groups) > 50:
            return None
    return [letter for group in groups for letter in group]
