"""What tells a beat: enough notes, a few that follow evenly, or strokes beside them."""

from __future__ import annotations

import numpy as np
import pytest

from ritornello.transcribe import beats
from ritornello.transcribe.spectra import BANDS, FRAME_SECONDS, SHORT_BANDS
from ritornello.transcribe.strokes import are_even, strokes_seconds, tell_a_beat
from ritornello.transcribe.values import HEARD_NOTE_DTYPE, Hints

QUIET, LOUD = -4.0, -0.5


def notes_at(*seconds: float) -> np.ndarray:
    notes = np.ones(len(seconds), HEARD_NOTE_DTYPE)
    notes["onset_seconds"] = seconds
    notes["end_seconds"] = notes["onset_seconds"] + 0.5
    notes["pitch"] = 60 + np.arange(len(seconds)) % 5
    return notes


def sound(*strokes_at: float, bands: int = SHORT_BANDS) -> np.ndarray:
    """Ten seconds of log bands, in the first of which something is struck and fades."""
    spectra = np.full((500, BANDS), QUIET, np.float32)
    for seconds in strokes_at:
        frame = round(seconds / FRAME_SECONDS)
        fading = LOUD - 0.2 * np.arange(min(15, 500 - frame))
        spectra[frame : frame + 15, :bands] = fading[:, None]
    return spectra


RANDOM = 0.4, 1.7, 2.2, 4.9, 7.3


@pytest.mark.parametrize(
    ("notes", "spectra", "tells"),
    [
        (notes_at(*RANDOM), sound(), False),
        (notes_at(*RANDOM), sound(*RANDOM), False),  # strokes that are its notes
        (notes_at(*RANDOM), sound(0, 1, 3, 6, 8, bands=4), False),  # partials of a voice
        (notes_at(*RANDOM), sound(0, 1, 3, 6, 8), True),
        (notes_at(), sound(0, 1, 3, 6, 8), True),
        (notes_at(0.4, 1.4, 2.4, 3.4, 4.41), sound(), True),
        (notes_at(0.4, 1.4, 3.4, 4.4, 5.4, 6.4), sound(), True),  # one was missed
        (notes_at(0, 2, 4, 6, 8), sound(), False),  # too slow for beats
        (notes_at(0, 1, 2), sound(), False),
        (notes_at(*RANDOM, 8.0, 8.5, 9.1), sound(), True),
    ],
)
def test_few_notes_tell_no_beat(notes: np.ndarray, spectra: np.ndarray, tells: bool) -> None:
    assert tell_a_beat(spectra, notes) == tells


def test_strokes_are_found_where_they_are() -> None:
    struck = 0.5, 1.0, 3.3, 8.0
    np.testing.assert_allclose(strokes_seconds(sound(*struck), np.zeros(0)), struck, atol=0.05)
    np.testing.assert_allclose(
        strokes_seconds(sound(*struck), np.array([1.02])), (0.5, 3.3, 8.0), atol=0.05
    )
    assert not len(strokes_seconds(np.zeros((1, BANDS)), np.zeros(0)))
    assert not are_even(np.zeros(0))


def test_no_beat_is_claimed_though_the_network_hears_one() -> None:
    logits = np.full((500, 2), -4.0, np.float32)
    logits[::25, 0] = 3.0
    for notes, is_heard in ((notes_at(*RANDOM), False), (notes_at(*np.arange(20) / 2), True)):
        found = beats.beats_of(logits, 10.0, Hints(), notes, spectra=sound())
        assert (found.confidence > 0) == is_heard
