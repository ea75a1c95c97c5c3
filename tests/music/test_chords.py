"""Chord symbols: what people write is understood, said again, and laid over bars exactly."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ritornello.errors import ConfigError
from ritornello.music.chords import (
    CHORD_CLASSES,
    CHORD_OPEN,
    NO_CHORD,
    QUALITIES,
    Chord,
    ChordChange,
    chord_changes,
    chord_class,
    chord_of_class,
    parse_chart,
    parse_chord,
)
from ritornello.music.keys import SCALES, KeyName, parse_key
from ritornello.music.piece import Metre, Piece

CHORDS = st.builds(
    Chord,
    st.integers(0, 11),
    st.sampled_from(list(QUALITIES)),
    st.none() | st.integers(0, 11),
)

# Spellings of one chord as lead sheets, real books and MusicXML programs print them
# (Brandt and Roemer, "Standardized Chord Symbol Notation", 1976, lists most).
SPELLINGS = {
    "maj": "C CM Cmaj Cma Cmajor C5 C6 C69 C6/9 Cadd9 C(add9) C2",
    "min": "Cm Cmin Cmi C- Cminor Cm6 Cm(maj7) CmM7 C-Δ7 Cmin/maj7 Cmadd9",
    "7": "C7 C9 C11 C13 C7b9 C7(b9,#11) C7♯9 C7alt C9#11 C13b9 C7-9 Cdom7 C7b5",
    "maj7": "Cmaj7 CM7 Cma7 CMaj7 CΔ CΔ7 C△ C^7 Cmaj9 CM13 Cmaj7#11",
    "min7": "Cm7 Cmin7 Cmi7 C-7 Cm9 Cm11 C-13",
    "dim": "Cdim Co C° Cmb5",
    "m7b5": "Cm7b5 Cø Cø7 C-7b5 Cm7-5 Cmin7(b5) Cm9b5",
    "dim7": "Cdim7 Co7 C°7",
    "aug": "C+ Caug C+7 C7#5 C7+ Cmaj7#5 Caug7",
    "sus4": "Csus4 Csus C4 C7sus4 C9sus4 C7sus",
}
EVERY_SPELLING = [text for texts in SPELLINGS.values() for text in texts.split()]


@pytest.mark.parametrize("quality", SPELLINGS)
def test_the_spellings_of_a_quality_are_understood(quality: str) -> None:
    for text in SPELLINGS[quality].split():
        chord = parse_chord(text)
        assert (chord, str(chord)) == (Chord(0, quality), text)


@pytest.mark.parametrize(
    ("text", "chord"),
    [
        ("F#m7b5/A", Chord(6, "m7b5", 9)),
        ("B♭maj9/D", Chord(10, "maj7", 2)),
        ("Bb", Chord(10)),
        ("Bb/F", Chord(10, "maj", 5)),
        ("Cb", Chord(11)),
        ("F##m", Chord(7, "min")),
        ("Ebb7", Chord(2, "7")),
        ("C/C", Chord(0)),
        ("C6/9/E", Chord(0, "maj", 4)),
        (" Am7 ", Chord(9, "min7")),
        ("Csus2", Chord(7, "sus4", 0)),  # the very notes
    ],
)
def test_roots_and_basses(text: str, chord: Chord) -> None:
    assert parse_chord(text) == chord


MUSIC21_READS = (
    "C Cm C7 CM7 Cmaj7 Cm7 C9 Cm9 C11 C13 C6 Cm6 Cadd9 Csus2 Csus4 C7sus4 C7b9 "
    "Cdim Cdim7 Co7 Cø7 Cm7b5 Caug C+ C+7 C/E F#m7b5/A G7/F F#m Am7/G"
)


@pytest.mark.parametrize("text", MUSIC21_READS.split())
def test_music21_hears_these_notes_and_perhaps_more(text: str) -> None:
    harmony = pytest.importorskip("music21.harmony")
    theirs = {pitch.pitchClass for pitch in harmony.ChordSymbol(text).pitches}
    assert parse_chord(text).pitch_classes <= theirs


@given(CHORDS)
def test_a_chord_is_read_back_from_its_name(chord: Chord) -> None:
    assert parse_chord(str(chord)) == chord


@given(st.sampled_from(EVERY_SPELLING), st.integers(-24, 24), st.sampled_from(["", "/E", "/Bb"]))
def test_what_was_written_moves_with_the_chord(text: str, semitones: int, bass: str) -> None:
    moved = parse_chord(text + bass).transposed(semitones)
    assert parse_chord(str(moved)) == moved
    assert moved.pitch_classes == {
        (pitch_class + semitones) % 12 for pitch_class in parse_chord(text + bass).pitch_classes
    }


@given(st.text(max_size=12) | st.text("ABCDEFGHmajinsudb#+-/Δø79135%|. ", max_size=12))
def test_any_text_is_a_chart_or_a_plain_error(text: str) -> None:
    try:
        chart = parse_chart(text)
    except ConfigError:
        return
    assert chart
    assert all(chart)


def test_classes_are_numbered_for_good() -> None:
    # Models are trained with these numbers.
    assert (CHORD_CLASSES, NO_CHORD, CHORD_OPEN) == (120, 120, 121)
    assert [str(chord_of_class(quality * 12)) for quality in range(10)] == [
        "C", "Cm", "C7", "Cmaj7", "Cm7", "Cdim", "Cm7b5", "Cdim7", "Caug", "Csus4",
    ]  # fmt: skip
    for index in range(NO_CHORD + 1):
        assert chord_class(chord_of_class(index)) == index
    with pytest.raises(ConfigError, match="0 to 120; found 121"):
        chord_of_class(CHORD_OPEN)


@pytest.mark.parametrize("wrong", [(12, "maj"), (0, "major"), (0, "maj", -1)])
def test_a_chord_of_nonsense_is_refused(wrong: Any) -> None:
    with pytest.raises(ConfigError):
        Chord(*wrong)


def _names(chart: Iterable[Iterable[Chord | None]]) -> list[str]:
    return [" ".join(str(chord) for chord in bar) for bar in chart]


@pytest.mark.parametrize(
    ("text", "bars"),
    [
        ("Am7 | D7 | Gmaj7 | %", ["Am7", "D7", "Gmaj7", "Gmaj7"]),
        ("Am F C G", ["Am", "F", "C", "G"]),
        ("Am, F, C, G", ["Am", "F", "C", "G"]),
        ("| Dm7 G7 | - || C / / C7 |", ["Dm7 G7", "Dm7 G7", "C C C C7"]),
        ("C | G\nAm | F |\n", ["C", "G", "Am", "F"]),
        ("C | N.C. | % | C % G -", ["C", "None", "None", "C C G G"]),
        ("Am %", ["Am", "Am"]),
    ],
)
def test_charts_are_read(text: str, bars: list[str]) -> None:
    assert _names(parse_chart(text)) == bars


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Am | F | H7", "bar 3 of the chart: 'H7' is not a chord"),
        ("Am | Fhip", "bar 2 of the chart: 'Fhip' is not a chord: 'hip' is no quality"),
        ("% | C", "bar 1 of the chart: '%' repeats, and nothing is before it"),
        ("C | | F", "bar 2 of the chart: The bar is empty"),
        (" | ", "There is no chord in the chart"),
        ("am", "Write a root A to G"),
    ],
)
def test_a_bad_chart_is_named(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_chart(text)
    assert message in str(caught.value)


def test_a_chart_is_repeated_until_the_piece_is_full() -> None:
    piece = Piece((), 24, metres=(Metre(0, 4, 4), Metre(2 * 96, 3, 4)), length_ticks=2 * 96 + 72)
    changes = chord_changes(
        parse_chart("Am F | C"), piece.bar_starts_ticks().tolist(), piece.length_ticks
    )
    assert changes == (
        ChordChange(0, Chord(9, "min")),
        ChordChange(48, Chord(5)),
        ChordChange(96, Chord(0)),
        ChordChange(192, Chord(9, "min")),
        ChordChange(228, Chord(5)),
    )


@given(
    st.lists(st.lists(CHORDS | st.none(), min_size=1, max_size=4), min_size=1, max_size=5),
    st.integers(1, 12),
)
def test_a_chart_fills_its_bars_exactly(bars: Any, count: int) -> None:
    chart = tuple(map(tuple, bars))
    starts = [96 * bar for bar in range(count)]
    changes = chord_changes(chart, starts, 96 * count)
    assert changes[0].tick == 0
    for bar in range(count):
        chords = chart[bar % len(chart)]
        for index, chord in enumerate(chords):
            middle = 96 * bar + 96 * (2 * index + 1) / (2 * len(chords))
            assert [change for change in changes if change.tick <= middle][-1].chord == chord
    assert all(before.chord != after.chord for before, after in pairwise(changes))


@pytest.mark.parametrize(
    ("key", "symbols", "spelled"),
    [
        ("Db", "C# C#m7 F# G#m Bbm G#7", "Db Dbm7 Gb Abm Bbm Ab7"),
        ("E", "E C#m Ab7 F#m B D#dim", "E C#m G#7 F#m B D#dim"),
        ("C", "C Ab G#dim7 Bb Eb F#dim", "C Ab G#dim7 Bb Eb F#dim"),
        ("F# minor", "F#m Db7 Bm Eb E", "F#m C#7 Bm D# E"),
        ("Gb", "Gb Cb B/D# Ebm", "F# B B/D# D#m"),
        ("Ab", "Db/F C#m/E", "Db/F Dbm/E"),
    ],
)
def test_symbols_are_spelled_as_their_key_is(key: str, symbols: str, spelled: str) -> None:
    chords = [parse_chord(text) for text in symbols.split()]
    assert [chord.symbol_in(parse_key(key)) for chord in chords] == spelled.split()


@pytest.mark.parametrize("key", [None, *(KeyName(n, s) for n in range(12) for s in SCALES)])
def test_a_symbol_in_any_key_is_read_back(key: KeyName | None) -> None:
    for index in range(NO_CHORD):
        chord = chord_of_class(index)
        assert chord is not None
        assert parse_chord(chord.symbol_in(key)) == chord
