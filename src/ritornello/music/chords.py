"""Chords: what people write above the staff, as a root, a quality and a bass note.

A chord symbol names far more chords than a composer needs to tell apart: `QUALITIES` holds the ten
that differ to the ear, every other symbol is read as the nearest of them and keeps its spelling
for display. `parse_chart` reads bars of symbols, `chord_changes` lays them over a piece.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from ritornello.errors import ConfigError
from ritornello.music.keys import LETTERS, TONICS_FLAT, TONICS_SHARP, KeyName, estimate_key

# Semitones above the root. The order numbers the classes of an encoding: only ever add at the end.
QUALITIES: dict[str, tuple[int, ...]] = {
    "maj": (0, 4, 7),
    "min": (0, 3, 7),
    "7": (0, 4, 7, 10),
    "maj7": (0, 4, 7, 11),
    "min7": (0, 3, 7, 10),
    "dim": (0, 3, 6),
    "m7b5": (0, 3, 6, 10),
    "dim7": (0, 3, 6, 9),
    "aug": (0, 4, 8),
    "sus4": (0, 5, 7),
}
_NAMES = tuple(QUALITIES)
CHORD_CLASSES = 12 * len(QUALITIES)  # quality index * 12 + root
NO_CHORD = CHORD_CLASSES  # it is stated that no chord sounds
CHORD_OPEN = NO_CHORD + 1  # nothing is stated

# The flattest root on the line of fifths (F -1, C 0, G 1) in C major and A minor: roots run from Db
# to F# where the third is major, from Eb to G# where it is minor.
_FLATTEST_MAJOR, _FLATTEST_MINOR = -5, -3
_HOME = 0.15  # of the bars of a chart, for the roots that it begins and ends on
_SUFFIXES = {"maj": "", "min": "m", "min7": "m7"}


@dataclass(frozen=True)
class Chord:
    """A chord, for example A minor seven over C.

    Attributes:
        root: pitch class 0-11, C = 0.
        quality: a name in `QUALITIES`.
        bass: pitch class 0-11 of the lowest note, or None where it is the root.
        written: the symbol it was read from, for display; no part of its identity.

    Raises:
        ConfigError: if the root, the quality or the bass is none of these.
    """

    root: int
    quality: str = "maj"
    bass: int | None = None
    written: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        if self.quality not in QUALITIES:
            raise ConfigError(f"{self.quality!r} is no chord quality: {', '.join(QUALITIES)}.")
        if not (0 <= self.root < 12 and (self.bass is None or 0 <= self.bass < 12)):
            raise ConfigError(f"Roots and basses are 0 to 11; found {self.root} and {self.bass}.")
        if self.bass == self.root:
            object.__setattr__(self, "bass", None)

    @property
    def pitch_classes(self) -> frozenset[int]:
        """The notes of its quality, and its bass."""
        bass = set() if self.bass is None else {self.bass}
        return frozenset({(self.root + step) % 12 for step in QUALITIES[self.quality]} | bass)

    def __str__(self) -> str:
        return self.written or self.symbol_in(None)

    def symbol_in(self, key: KeyName | None) -> str:
        """Its symbol as music in a key spells it: F#m in D major, Gbm in Db major; C major if None.

        >>> Chord(8).symbol_in(KeyName(0, "minor")), Chord(8).symbol_in(KeyName(4))
        ('Ab', 'G#')
        """
        sharps = 0 if key is None else key.sharps
        bass = "" if self.bass is None else f"/{_root_name(self.bass, self.quality, sharps)}"
        root = _root_name(self.root, self.quality, sharps)
        return f"{root}{_SUFFIXES.get(self.quality, self.quality)}{bass}"

    def transposed(self, semitones: int) -> Chord:
        """The same chord moved, and with it what was written."""
        bass = None if self.bass is None else (self.bass + semitones) % 12
        moved = Chord((self.root + semitones) % 12, self.quality, bass)
        if not self.written:
            return moved
        return replace(moved, written=_respell(self.written, semitones, self.quality))


def chord_class(chord: Chord | None) -> int:
    """The class of a chord, 0 to `NO_CHORD` (of None); the bass has no part in it."""
    return NO_CHORD if chord is None else _NAMES.index(chord.quality) * 12 + chord.root


def chord_of_class(index: int) -> Chord | None:
    """The chord of a class in root position; None of `NO_CHORD`.

    Raises:
        ConfigError: if the number is no such class; `CHORD_OPEN` states no chord at all.
    """
    if not 0 <= index <= NO_CHORD:
        raise ConfigError(f"Chord classes are 0 to {NO_CHORD}; found {index}.")
    return None if index == NO_CHORD else Chord(index % 12, _NAMES[index // 12])


class ChordChange(NamedTuple):
    """From ``tick`` on, the chord; None where none sounds."""

    tick: int
    chord: Chord | None


Chart = tuple[tuple[Chord | None, ...], ...]  # the chords of each bar

_SIGNS = str.maketrans({"♯": "#", "♭": "b", "−": "-", "–": "-", "△": "Δ", "∆": "Δ", "^": "Δ"})
_NOTE = r"[A-G](?:##|bb(?!5|6|9|13)|#|b)?"
_SYMBOL = re.compile(rf"(?P<root>{_NOTE})(?P<kind>.*?)(?:/(?P<bass>{_NOTE}))?")
_KIND = re.compile(
    r"(?P<third>(?i:major|minor|maj|min|dim|aug|dom|mi|ma)|[Mm]|-|\+|o|°|º|ø|Ø|Δ)?"
    r"(?P<major_seventh>(?i:maj|ma)|M|Δ)?"
    r"(?P<number>69|2|4|5|6|7|9|11|13)?"
    r"(?P<changes>(?:(?i:sus)[24]?|(?i:add)[#b]?(?:2|4|6|9|11|13)|[#b+-](?:5|6|9|11|13)|\+"
    r"|(?i:maj|M)(?:7|9)|(?i:alt)|(?i:no|omit)[35])*)"
)
_THIRDS = {
    **dict.fromkeys(("M", "ma", "maj", "major", "Δ"), "maj"),
    **dict.fromkeys(("m", "mi", "min", "minor", "-"), "min"),
    **dict.fromkeys(("dim", "o", "°", "º"), "dim"),
    **dict.fromkeys(("ø", "Ø"), "m7b5"),
    **dict.fromkeys(("aug", "+"), "aug"),
}
_EXPECTED = "Write a root A to G and a quality, as in C, F#m7, Bbmaj7, G7sus4, Bm7b5 or C/E."
_CHART_EXPECTED = "Write bars of chords, as in 'Am7 | D7 | Gmaj7 | %', or 'Am F C G'."
_BAR_REPEATS = ("%", "-")
NO_CHORD_SIGNS = ("N.C.", "N.C", "NC")


def parse_chord(text: str) -> Chord:
    """Read a chord symbol as people write it: ``Am7``, ``F♯ø``, ``Bbmaj9/D``, ``C-7``, ``GΔ``.

    >>> chord = parse_chord("Am7/C")
    >>> chord.quality, sorted(chord.pitch_classes)
    ('min7', [0, 4, 7, 9])

    Extensions and alterations are read as the nearest of `QUALITIES`: a ninth as its seventh
    chord, a sixth or an added note as its triad, ``7#5`` as ``aug``, ``7sus4`` as ``sus4``.
    ``Csus2`` has the notes of ``Gsus4/C``, and is read as that.

    Raises:
        ConfigError: if the symbol has no known root, quality or bass.
    """
    written = text.strip()
    symbol = _SYMBOL.fullmatch(written.translate(_SIGNS))
    if not symbol:
        raise ConfigError(f"{text!r} is not a chord.", next_step=_EXPECTED)
    kind = _KIND.fullmatch(re.sub(r"[(),/\s]", "", symbol["kind"]))
    if not kind:
        raise ConfigError(
            f"{text!r} is not a chord: {symbol['kind']!r} is no quality.", next_step=_EXPECTED
        )
    root = _pitch_class(symbol["root"])
    bass = _pitch_class(symbol["bass"]) if symbol["bass"] else None
    if "sus2" in kind["changes"].lower():
        return Chord((root + 7) % 12, "sus4", root if bass is None else bass, written)
    return Chord(root, _quality(kind), bass, written)


def transposed_symbol(text: str, semitones: int) -> str:
    """A chord symbol with its root and its bass moved; one that names no root stays.

    >>> transposed_symbol("Bbmaj9/D", 2)
    'Cmaj9/E'
    """
    try:
        quality = parse_chord(text).quality
    except ConfigError:
        quality = "maj"
    return _respell(text, semitones, quality) if semitones % 12 else text


def _respell(symbol: str, semitones: int, quality: str) -> str:
    def move(note: re.Match[str]) -> str:
        return note[1] + _root_name((_pitch_class(note[2]) + semitones) % 12, quality, 0)

    return re.sub(rf"(^|/)({_NOTE})", move, symbol.translate(_SIGNS))


def symbol_changes(symbols: Iterable[tuple[int, str]]) -> tuple[ChordChange, ...]:
    """The chords of symbols (tick, text), such as `Piece.chords`; texts that are none are left out.

    A chord that goes on is no change.
    """
    changes: list[ChordChange] = []
    for tick, text in symbols:
        try:
            chord = None if text.upper() in NO_CHORD_SIGNS else parse_chord(text)
        except ConfigError:
            continue
        if not changes or chord != changes[-1].chord:
            changes.append(ChordChange(tick, chord))
    return tuple(changes)


def written_changes(changes: Iterable[ChordChange]) -> list[tuple[int, str]]:
    """Chord changes as symbols (tick, text), ``N.C.`` where none sounds."""
    return [(tick, "N.C." if chord is None else str(chord)) for tick, chord in changes]


def _pitch_class(name: str) -> int:
    return (LETTERS[name[0]] + name.count("#") - name.count("b")) % 12


def _quality(kind: re.Match[str]) -> str:
    """The nearest quality of the parts of a symbol."""
    sign, changes = kind["third"] or "", kind["changes"].lower()
    third = _THIRDS.get(sign if len(sign) == 1 else sign.lower(), "")  # M is not m
    seventh = kind["number"] in ("7", "9", "11", "13")
    major_seventh = (
        bool(kind["major_seventh"] or re.search(r"m(aj)?[79]", changes))
        or sign == "Δ"
        or (third == "maj" and seventh)
    )
    if "sus" in changes or kind["number"] == "4":
        return "sus4"
    if third == "m7b5":
        return "m7b5"
    if third == "dim" or (third == "min" and re.search(r"[b-]5", changes)):
        if not seventh or major_seventh:
            return "dim"
        return "dim7" if third == "dim" else "m7b5"
    if third == "min":
        return "min7" if seventh and not major_seventh else "min"
    if third == "aug" or re.search(r"#5|\+(?!\d)|\+5", changes):
        return "aug"
    if major_seventh:
        return "maj7"
    return "7" if seventh or "alt" in changes else "maj"


def parse_chart(text: str) -> Chart:
    """Read bars of chord symbols: ``Am7 | D7 | Gmaj7 | %``, or ``Am F C G``, a chord a bar.

    >>> [[str(chord) for chord in bar] for bar in parse_chart("Am7 | D7 G7 | % | C")]
    [['Am7'], ['D7', 'G7'], ['D7', 'G7'], ['C']]

    Several chords in a bar share it equally. Alone in a bar ``%`` or ``-`` repeats the bar before;
    beside others they, and ``/``, repeat the chord before. ``N.C.`` is no chord. A line of text
    ends a bar; commas after chords are welcome.

    Returns:
        The chords of each bar, at least one bar and one chord a bar; None is no chord.

    Raises:
        ConfigError: naming the bar and the symbol that is not a chord, or that nothing is there.
    """
    text = re.sub(r",(?=\s|$)", " ", text)
    if "|" in text:
        lines = [re.sub(r"\|{2,}", "|", line).strip(" \t|") for line in text.splitlines()]
        bars = [bar.split() for line in lines if line for bar in line.split("|")]
    else:
        bars = [[symbol] for symbol in text.split()]
    if not bars:
        raise ConfigError("There is no chord in the chart.", next_step=_CHART_EXPECTED)
    chart: list[tuple[Chord | None, ...]] = []
    for number, symbols in enumerate(bars, 1):
        chart.append(
            _parse_bar(symbols, chart[-1] if chart else None, f"bar {number} of the chart")
        )
    return tuple(chart)


def _parse_bar(
    symbols: list[str], before: tuple[Chord | None, ...] | None, where: str
) -> tuple[Chord | None, ...]:
    if not symbols:
        raise ConfigError("The bar is empty.", where=where, next_step=_CHART_EXPECTED)
    if len(symbols) == 1 and symbols[0] in _BAR_REPEATS and before:
        return before
    chords: list[Chord | None] = []
    for symbol in symbols:
        if symbol in (*_BAR_REPEATS, "/"):
            if not chords:
                what = f"{symbol!r} repeats, and nothing is before it."
                raise ConfigError(what, where=where, next_step=_CHART_EXPECTED)
            chords.append(chords[-1])
        elif symbol.upper() in NO_CHORD_SIGNS:
            chords.append(None)
        else:
            try:
                chords.append(parse_chord(symbol))
            except ConfigError as error:
                raise ConfigError(error.what, where=where, next_step=error.next_step) from None
    return tuple(chords)


def key_of_chart(chart: Chart) -> KeyName | None:
    """The key that a chart is likeliest in: by its notes, and by where it begins and ends.

    >>> str(key_of_chart(parse_chart("Dm7 | G7 | Cmaj7 | %")))
    'C major'

    The tonic is that of the stated key in 92 of 100 tunes of the Nottingham collection with chords
    (by notes alone in 89).

    Returns:
        The key, or None where the chart has no chord or its notes no key.
    """
    sounding = [(chord, 1 / len(bar)) for bar in chart for chord in bar if chord is not None]
    weights = np.zeros(12)
    for chord, bars in sounding:
        weights[[*chord.pitch_classes]] += bars
    for chord, _ in (*sounding[:1], *sounding[-1:]):
        weights[chord.root] += _HOME * len(chart)
    return estimate_key(weights)


def chord_changes(
    chart: Chart, bar_starts_ticks: Sequence[int], length_ticks: int
) -> tuple[ChordChange, ...]:
    """A chart laid over a piece, and repeated until the piece is full.

    The chords of a bar share it equally. A chord that goes on is no change.

    Args:
        chart: bars of chords, as of `parse_chart`.
        bar_starts_ticks: [bars], where each bar of the piece begins.
        length_ticks: where the last bar ends.
    """
    changes: list[ChordChange] = []
    ends = [*bar_starts_ticks[1:], length_ticks]
    for bar, (start, end) in enumerate(zip(bar_starts_ticks, ends, strict=True)):
        chords = chart[bar % len(chart)]
        for index, chord in enumerate(chords):
            tick = int(start + (end - start) * index // len(chords))
            if not changes or (chord, str(chord)) != (changes[-1].chord, str(changes[-1].chord)):
                changes.append(ChordChange(tick, chord))
    return tuple(changes)


def _root_name(pitch_class: int, quality: str, sharps: int) -> str:
    """A root or a bass of a chord, as music with so many sharps (negative: flats) spells it.

    Twelve neighbours on the line of fifths are in use, which move with the key; those that would
    need a second sharp or flat, or be Cb, Fb, B# or E#, have their plain name.
    """
    flattest = sharps + (_FLATTEST_MINOR if 3 in QUALITIES[quality] else _FLATTEST_MAJOR)
    place = flattest + (7 * pitch_class - flattest) % 12
    return (TONICS_FLAT if place < 0 else TONICS_SHARP)[pitch_class]
