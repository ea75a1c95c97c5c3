"""Ways to count: other levels and phases are among them, and steady clicks are counted steadily."""

from __future__ import annotations

import numpy as np
import pytest

from ritornello.transcribe.beat_candidates import (
    FEATURES,
    Clues,
    Way,
    choice,
    describe,
    measured,
    ways,
)
from ritornello.transcribe.counting import likeliest
from ritornello.transcribe.spectra import BANDS, FLOOR, FRAME_SECONDS, SHORT_BANDS
from ritornello.transcribe.values import HEARD_NOTE_DTYPE

FRAMES = 1000
TRUE = 0.3 + 0.5 * np.arange(39)


def _notes(onsets: np.ndarray) -> np.ndarray:
    notes = np.ones(len(onsets), HEARD_NOTE_DTYPE)
    notes["onset_seconds"], notes["end_seconds"] = onsets, onsets + 0.2
    notes["pitch"], notes["velocity"] = 60, 80
    return notes


def _logits(beats: np.ndarray) -> np.ndarray:
    frames = np.arange(FRAMES) * FRAME_SECONDS
    near = np.abs(frames[:, None] - beats).min(axis=1)
    return np.stack([np.where(near < 0.03, 4.0, -4.0), np.full(FRAMES, -4.0)], axis=1)


def _spectra(onsets: np.ndarray) -> np.ndarray:
    found = np.full((FRAMES, BANDS), FLOOR, np.float32)
    for onset in np.rint(onsets / FRAME_SECONDS).astype(int):
        found[onset : onset + 5, :SHORT_BANDS] = -1 - 0.5 * np.arange(5)[:, None]
    return found


def _clues(heard: np.ndarray, onsets: np.ndarray) -> Clues:
    return Clues.of(_logits(heard), _spectra(onsets), None, _notes(onsets))


def _away(found: np.ndarray, true: np.ndarray) -> float:
    return float(np.abs(true[:, None] - found).min(axis=1).max())


def test_levels_and_offbeats_are_among_the_ways() -> None:
    found = ways(_clues(TRUE, TRUE))
    lengths = {round(float(np.median(np.diff(way.beats_seconds))), 1) for way in found}
    assert {0.5, 1.0, 0.3} <= lengths
    offbeat = [way for way in found if _away(way.beats_seconds, TRUE[:-1] + 0.25) < 0.03]
    assert any(way.is_steady for way in offbeat)


def test_the_first_way_explains_the_network_best() -> None:
    assert _away(ways(_clues(TRUE, TRUE))[0].beats_seconds, TRUE) < 0.03


def test_clear_beats_are_chosen() -> None:
    assert _away(likeliest(_clues(TRUE, TRUE)).way.beats_seconds, TRUE) < 0.03


def test_a_slip_to_the_offbeat_is_not_followed() -> None:
    """The network hears offbeats for a third of the time, the notes stay."""
    slipped = TRUE.copy()
    slipped[13:26] += 0.25
    clues = _clues(slipped, TRUE)
    assert _away(ways(clues)[0].beats_seconds, TRUE) > 0.1
    assert _away(likeliest(clues).way.beats_seconds, TRUE) < 0.05


def test_features_are_numbers_with_and_without_notes() -> None:
    weights = choice().weights["weights"]
    assert choice().settings["features"] == list(FEATURES)
    assert weights.shape == (len(FEATURES),)
    for onsets in (TRUE, TRUE[:0], TRUE[:1]):
        clues = _clues(TRUE, onsets)
        for way in ways(clues):
            assert np.isfinite(describe(way, clues)).all()


def test_a_jig_counted_in_three_is_no_worse_than_in_two() -> None:
    """Eighths in threes fall on thirds of their own beats, and on halves of those of two."""
    eighths = 0.3 + 0.2 * np.arange(95)
    clues = _clues(eighths[::3], eighths)
    in_three, in_two = (
        dict(zip(FEATURES, describe(Way(eighths[::many]), clues), strict=True)) for many in (3, 2)
    )
    assert in_three["on halves"] < 0 < in_two["on halves"]
    assert in_three["thirds over halves"] > 1
    assert in_two["thirds over halves"] == 0
    assert choice().weights["weights"][FEATURES.index("thirds over halves")] > 0


def test_silence_has_a_way_too() -> None:
    silent = Clues.of(
        np.full((60, 2), -4.0), np.full((60, BANDS), FLOOR, np.float32), None, _notes(TRUE[:0])
    )
    assert len(likeliest(silent).way.beats_seconds) >= 1


def test_onsets_and_changes_of_harmony_are_where_they_are() -> None:
    spectra = _spectra(np.array([4.0, 8.0]))
    spectra[:, SHORT_BANDS:] = FLOOR
    spectra[:300, SHORT_BANDS::12] = -1
    spectra[300:, SHORT_BANDS + 5 :: 12] = -1
    onsets, low, harmony, _ = measured(spectra)
    for strength in (onsets, low):
        assert np.abs(np.sort(np.argsort(strength)[-4:])[[0, 3]] - [200, 400]).max() <= 1
    assert int(harmony[20:].argmax()) + 20 == pytest.approx(300, abs=1)
