"""One player or several: clear notes near each other are of one."""

from __future__ import annotations

import numpy as np
import pytest

from ritornello.note_model import weights_file
from ritornello.transcribe.alone import is_alone
from ritornello.transcribe.note_beats import (
    NOTE_BEATS_FILE,
    NOTE_BEATS_KIND,
    PLAYER_BEATS_FILE,
    read_notes,
    told_by,
)
from ritornello.transcribe.values import HEARD_NOTE_DTYPE


def some_notes(low: int, high: int, confidence: float) -> np.ndarray:
    notes = np.zeros(40, HEARD_NOTE_DTYPE)
    notes["onset_seconds"] = 0.25 * np.arange(40)
    notes["end_seconds"] = notes["onset_seconds"] + 0.2
    notes["pitch"] = np.linspace(low, high, 40)
    notes["velocity"], notes["confidence"] = 80, confidence
    return notes


@pytest.mark.parametrize(
    ("low", "high", "confidence", "file"),
    [
        (60, 76, 0.95, PLAYER_BEATS_FILE),
        (45, 70, 0.95, PLAYER_BEATS_FILE),
        (36, 84, 0.75, NOTE_BEATS_FILE),
        (36, 76, 0.8, NOTE_BEATS_FILE),
    ],
)
def test_a_player_alone_is_read_by_a_network_of_its_own(
    low: int, high: int, confidence: float, file: str
) -> None:
    notes = some_notes(low, high, confidence)
    assert is_alone(notes) == (file == PLAYER_BEATS_FILE)
    told = told_by(notes)
    assert told is not None
    expected = read_notes(notes, weights_file.bundled(file, NOTE_BEATS_KIND))
    np.testing.assert_array_equal(told.logits, expected.logits)


def test_a_player_alone_is_read_by_both_networks_where_the_tempo_is_known() -> None:
    notes = some_notes(60, 76, 0.95)
    both = told_by(notes, tempo_is_known=True)
    files = PLAYER_BEATS_FILE, NOTE_BEATS_FILE
    apart = [read_notes(notes, weights_file.bundled(file, NOTE_BEATS_KIND)) for file in files]
    assert both is not None
    np.testing.assert_allclose(both.logits, np.mean([told.logits for told in apart], axis=0))
    np.testing.assert_allclose(
        np.exp(both.tempo_nats),
        np.mean([np.exp(told.tempo_nats) for told in apart], axis=0),
        atol=1e-6,
    )


def test_a_few_wrong_notes_far_away_are_no_other_player() -> None:
    notes = some_notes(60, 76, 0.95)
    notes["pitch"][0] = 24
    assert is_alone(notes)


def test_no_notes_are_of_nobody() -> None:
    assert not is_alone(np.zeros(0, HEARD_NOTE_DTYPE))
