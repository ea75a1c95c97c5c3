"""Keys of heard notes: which one, how sure, and relatives told apart."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ritornello.music.keys import parse_key
from ritornello.transcribe.heard_key import heard_key
from ritornello.transcribe.values import HEARD_NOTE_DTYPE


def notes_of(pitches: list[int]) -> np.ndarray:
    notes = np.ones(len(pitches), HEARD_NOTE_DTYPE)
    notes["pitch"] = pitches
    notes["onset_seconds"] = 0.25 * np.arange(len(pitches))
    notes["end_seconds"] = notes["onset_seconds"] + 0.25
    return notes


@given(st.lists(st.integers(30, 90), max_size=40), st.integers(0, 11))
def test_music_moved_has_its_key_moved(pitches: list[int], semitones: int) -> None:
    key, sure = heard_key(notes_of(pitches))
    moved, sure_of_moved = heard_key(notes_of([pitch + semitones for pitch in pitches]))
    assert (key is None) == (moved is None)
    assert sure_of_moved == pytest.approx(sure, abs=0.01)


@pytest.mark.parametrize(
    ("pitches", "key"),
    [
        # Of Bach's partita for violin in B minor: its notes are those of D major, and A sharp.
        ([59, 62, 66, 71, 66, 62, 64, 61, 58, 66, 64, 61, 62, 59, 67, 66, 64, 58, 59, 59], "Bm"),
        ([50, 54, 57, 62, 57, 54, 55, 59, 62, 57, 61, 64, 57, 55, 54, 52, 50, 50], "D"),
    ],
)
def test_relatives_are_told_apart(pitches: list[int], key: str) -> None:
    assert str(heard_key(notes_of(pitches))[0]) == str(parse_key(key))


def test_a_scale_is_surer_than_five_of_its_notes() -> None:
    scale, pentatonic = [60, 62, 64, 65, 67, 69, 71], [60, 62, 64, 67, 69]
    assert heard_key(notes_of(scale))[1] > heard_key(notes_of(pentatonic))[1]
    assert heard_key(notes_of([])) == (None, 0.0)
