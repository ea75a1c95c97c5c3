"""Chords are told to a band if the notes are theirs, and not if a melody only passes them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

from ritornello.accompany.heard_chords import are_played, explained
from ritornello.music.chords import parse_chord
from ritornello.transcribe.transcription import Transcription
from ritornello.transcribe.values import HEARD_NOTE_DTYPE


def _heard(pitches: list[int], onsets: list[float]) -> Transcription:
    notes = np.ones(len(pitches), HEARD_NOTE_DTYPE)
    notes["pitch"], notes["onset_seconds"] = pitches, onsets
    notes["end_seconds"] = notes["onset_seconds"] + 0.4
    chords = ((0.0, parse_chord("C")), (2.0, parse_chord("G7")), (4.0, None))
    return cast(Transcription, SimpleNamespace(notes=notes, chords=chords))


def test_broken_chords_are_played() -> None:
    heard = _heard([60, 64, 67, 72, 67, 71, 74, 77], [0, 0.5, 1, 1.5, 1.97, 2.5, 3, 3.5])
    assert explained(heard) == pytest.approx(1)
    assert are_played(heard)


def test_a_line_through_chords_is_none() -> None:
    heard = _heard([60, 62, 63, 65, 67, 68, 70, 72], [0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5])
    assert explained(heard) < 0.5
    assert not are_played(heard)


def test_nothing_plays_no_chords() -> None:
    assert not are_played(_heard([], []))
    assert explained(_heard([60], [5.0])) == 0
