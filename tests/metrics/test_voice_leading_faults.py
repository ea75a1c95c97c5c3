"""Faults are those that a teacher of part writing marks, and music21 finds the same ones."""

from __future__ import annotations

from itertools import combinations, pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ritornello.errors import InputError
from ritornello.metrics.voice_leading_faults import (
    REST,
    SATB_RANGES,
    chords,
    faults,
    per_100_chords,
    sounding,
)
from ritornello.music.piece import Track

C_MAJOR, D_MINOR = (72, 67, 64, 48), (74, 69, 65, 50)
CHORALES = ("bwv66.6", "bwv269", "bwv347", "bwv153.1", "bwv267")


def found(*rows: tuple[int, ...], ranges: Any = None) -> dict[str, int]:
    """The faults that are there, without the number of chords."""
    counts = faults(np.array(rows), ranges)
    return {name: count for name, count in counts.items() if count and name != "chords"}


def test_the_schoolbook_example_of_parallels() -> None:
    # Every voice of C major rises a step: soprano and bass in octaves, alto and bass in fifths.
    assert found(C_MAJOR, D_MINOR) == {"parallel_fifths": 1, "parallel_octaves": 1}


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([(67, 60), (69, 62)], {"parallel_fifths": 1}),
        ([(79, 60), (69, 62)], {"parallel_fifths": 1}),  # a twelfth to a fifth, opposite ways
        ([(60, 60), (62, 62)], {"parallel_octaves": 1}),
        ([(72, 60), (60, 48), (62, 50)], {"parallel_octaves": 2}),
        ([(67, 60), (67, 60)], {}),  # the same chord again
        ([(67, 60), (67, 48)], {}),  # one voice stays
        ([(67, 60), (68, 62)], {}),  # a diminished fifth
        ([(67, 60), (REST, 60), (69, 62)], {}),  # a rest between
        ([(64, 60), (69, 62)], {"direct_fifths_octaves": 1}),  # a third to a fifth with a leap
        ([(66, 60), (69, 62)], {"direct_fifths_octaves": 1}),
        ([(67, 60), (69, 62), (71, 59)], {"parallel_fifths": 1}),
        ([(67, 59), (69, 62)], {}),  # the higher voice goes a step
        ([(64, 60), (67, 60)], {}),  # only one voice moves
        ([(60, 62)], {"crossings": 1}),
        ([(60, 62), (60, 62), (64, 62)], {"crossings": 1}),
    ],
)
def test_two_voices(rows: list[tuple[int, int]], expected: dict[str, int]) -> None:
    assert found(*rows) == expected


def test_spacing_is_judged_between_upper_voices_only() -> None:
    assert found((73, 60, 55, 36)) == {"wide_spacings": 1}
    assert found((72, 60, 48, 30)) == {}


def test_ranges_are_judged_where_they_are_given() -> None:
    assert found((84, 67, 55, 48), ranges=SATB_RANGES)["out_of_range"] == 1
    assert "out_of_range" not in faults(np.array([(84, 67, 55, 48)]))
    with pytest.raises(InputError, match="4 for 2 voices"):
        faults(np.array([(60, 48)]), SATB_RANGES)


def test_one_voice_cannot_be_led() -> None:
    with pytest.raises(InputError, match="found 1"):
        faults(np.array([[60]]))


def test_silence_and_repeats_are_no_chords() -> None:
    silence = (REST, REST)
    rows = np.array([silence, (67, 60), (67, 60), silence, (64, 60)])
    assert faults(rows)["chords"] == 2
    assert faults(np.zeros((0, 4), int))["chords"] == 0


def test_music_is_cut_wherever_a_voice_begins_a_note() -> None:
    high = Track([(0, 48, 72, 80), (48, 24, 71, 80)])
    low = Track([(0, 24, 48, 80), (24, 24, 50, 80), (96, 24, 52, 80)])
    rows = [[72, 48], [72, 50], [71, REST], [REST, 52]]
    assert chords([high, low]).tolist() == rows
    assert sounding([high, low], np.array([47, 71, 72])).tolist() == [
        [72, 50],
        [71, REST],
        [REST, REST],
    ]


def test_rates_are_over_all_chords_of_a_set() -> None:
    one, other = faults(np.array([C_MAJOR, D_MINOR])), faults(np.array([C_MAJOR] * 2))
    rates = per_100_chords([one, other])
    assert rates["chords"] == 3
    assert rates["parallel_fifths"] == pytest.approx(100 / 3)
    assert per_100_chords([]) == {"chords": 0}


voices = st.lists(st.tuples(*[st.integers(40, 80)] * 3), min_size=1, max_size=8)


@given(voices, st.integers(-30, 30))
def test_faults_are_the_same_in_another_key(rows: list[tuple[int, ...]], semitones: int) -> None:
    assert faults(np.array(rows) + semitones) == faults(np.array(rows))


@given(voices)
@settings(max_examples=50)
def test_pairs_of_voices_are_judged_apart(rows: list[tuple[int, ...]]) -> None:
    table = np.array(rows)
    for name in ("parallel_fifths", "parallel_octaves"):
        pairs = [faults(table[:, list(pair)])[name] for pair in combinations(range(3), 2)]
        assert faults(table)[name] == sum(pairs)


def test_music21_finds_the_same_faults_in_chorales() -> None:
    music21 = pytest.importorskip("music21", reason="a second opinion needs the extra interop")
    judged = {"parallel_fifths": 0, "direct_fifths_octaves": 0, "crossings": 0}
    for name in CHORALES:
        parts = [part.flatten().notes.stream() for part in _parse(name).parts]
        onsets = sorted({note.offset for part in parts for note in part})
        rows = [[_note_at(part, onset) for part in parts] for onset in onsets]
        for before, now in pairwise(rows):
            for one, other in combinations(range(4), 2):
                notes = [before[one], now[one], before[other], now[other]]
                if None not in notes:
                    quartet = music21.voiceLeading.VoiceLeadingQuartet(*notes)
                    expected = _faults_by_music21(quartet)
                    pitches = [note.pitch.midi for note in notes]
                    ours = faults(np.array([pitches[::2], pitches[1::2]]))
                    assert {key: bool(ours[key]) for key in expected} == expected, (name, notes)
                    for key in judged:
                        judged[key] += expected[key]
    assert min(judged.values()) > 0


def _parse(name: str) -> Any:
    from music21 import corpus

    return corpus.parse(f"bach/{name}")


def _note_at(part: Any, onset: Any) -> Any:
    sounds = (note for note in part if note.offset <= onset < note.offset + note.quarterLength)
    return next(sounds, None)


def _faults_by_music21(quartet: Any) -> dict[str, bool]:
    leap = abs(quartet.v1n2.pitch.midi - quartet.v1n1.pitch.midi) > 2
    into = quartet.hiddenFifth() or quartet.hiddenOctave()
    return {
        "parallel_fifths": quartet.parallelFifth(),
        "parallel_octaves": quartet.parallelUnisonOrOctave(),
        "direct_fifths_octaves": leap and into,
        "crossings": quartet.voiceCrossing(),
    }
