"""Endings are judged as a listener with a score would."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ritornello.metrics.endings import ending, endings
from ritornello.music.keys import parse_key
from ritornello.music.piece import KeyChange, Piece, Track
from tests.strategies import pieces

SCALE_OF_C = [(24 * n, 24, pitch, 80) for n, pitch in enumerate((60, 62, 64, 65, 67, 69, 71, 72))]


def closing(*pitches: int, duration: int = 96, key: str = "C", bars: int = 3) -> Piece:
    """Two bars of a scale and a last chord."""
    chord = [(192, duration, pitch, 80) for pitch in pitches]
    keys = (KeyChange(0, parse_key(key)),)
    return Piece((Track(SCALE_OF_C + chord),), 24, keys=keys, length_ticks=96 * bars)


@pytest.mark.parametrize(
    ("pitches", "key", "of_key", "of_tonic"),
    [
        ((48, 55, 64), "C", True, True),
        ((48,), "C", True, True),
        ((52, 55), "C", True, False),  # the tonic itself is missing
        ((55, 59, 62, 65), "C", True, False),  # dominant seventh
        ((48, 49, 50), "C", False, False),
        ((48, 52, 56), "C", False, False),
        ((57, 60, 64), "A minor", True, True),
        ((57, 61, 64), "A minor", True, True),  # a major third to end with
        ((52, 56, 59), "A minor", True, False),  # dominant with its leading tone
        ((57, 60, 64, 68), "A minor", False, False),
    ],
)
def test_chords_of_the_key(
    pitches: tuple[int, ...], key: str, of_key: bool, of_tonic: bool
) -> None:
    found = ending(closing(*pitches, key=key))
    assert (found.chord_of_key, found.tonic_chord) == (of_key, of_tonic)


def test_notes_held_into_the_last_chord_belong_to_it() -> None:
    piece = closing(48, 55)
    held = Track([(96, 192, 61, 80)])
    assert not ending(Piece((*piece.tracks, held), 24, keys=piece.keys)).chord_of_key


def test_a_closing_note_lasts_a_beat_and_no_less_than_the_usual_note() -> None:
    assert ending(closing(48)).closing_duration
    assert ending(closing(48, duration=24)).closing_duration
    assert not ending(closing(48, duration=12)).closing_duration
    whole_notes = Track([(96 * n, 96 if n < 5 else 48, 60, 80) for n in range(6)])
    assert not ending(Piece((whole_notes,), 24)).closing_duration


def test_silence_in_the_last_bar_is_seen() -> None:
    assert ending(closing(48)).in_last_bar
    assert not ending(closing(48, bars=4)).in_last_bar
    assert ending(closing(48, bars=4, duration=97)).in_last_bar


def test_the_key_is_estimated_where_none_is_stated() -> None:
    piece = closing(48, 52, 55)
    assert ending(Piece(piece.tracks, 24)).tonic_chord


def test_drums_alone_have_no_chord() -> None:
    drums = Piece((Track([(0, 6, 36, 90)], is_drum=True),), 24)
    assert ending(drums) == (True, None, None, None)
    assert math.isnan(endings([drums])["chord_of_key"])


def test_shares_of_a_set() -> None:
    found = endings([closing(48, 52, 55), closing(48, 49, 50), closing(55, 59, 62, bars=9)])
    assert found["pieces"] == 3
    assert found["in_last_bar"] == pytest.approx(2 / 3)
    assert found["chord_of_key"] == pytest.approx(2 / 3)
    assert found["tonic_chord"] == pytest.approx(1 / 3)
    assert found["complete"] == pytest.approx(1 / 3)


@given(pieces(), st.integers(-3, 3))
@settings(max_examples=50)
def test_an_ending_is_the_same_in_another_key(piece: Piece, semitones: int) -> None:
    for track in piece.tracks:
        pitches = track.notes["pitch"]
        if len(track) and not track.is_drum and not 3 <= pitches.min() <= pitches.max() <= 124:
            return
    if not piece.keys:  # two keys may be equally likely, and then their order decides
        return
    assert ending(piece.transposed(semitones)) == ending(piece)
