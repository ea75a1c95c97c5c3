"""Clicks before the music tell tempo and beat; what is no count-in is left alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ritornello.transcribe.count_in import CountIn, clicks_of, find_count_in
from ritornello.transcribe.spectra import BANDS, FRAME_SECONDS, SHORT_BANDS
from ritornello.transcribe.values import HEARD_NOTE_DTYPE, Hints
from tests.transcribe.test_recorders_stories import BEAT, CHORDS, RATE, heard, names, plucked


def notes_from(first_seconds: float) -> np.ndarray:
    notes = np.ones(12, HEARD_NOTE_DTYPE)
    notes["onset_seconds"] = first_seconds + 0.4 * np.arange(12)
    notes["end_seconds"] = notes["onset_seconds"] + 0.3
    return notes


def struck(*seconds: float, dies: float = 0.2) -> np.ndarray:
    """Twelve seconds of log bands with strokes that lose so much of their log amplitude a frame."""
    spectra = np.full((600, BANDS), -5.0, np.float32)
    for at in seconds:
        frame = round(at / FRAME_SECONDS)
        fading = np.maximum(-5.0, -0.5 - dies * np.arange(600 - frame))
        spectra[frame:, :SHORT_BANDS] = np.maximum(spectra[frame:, :SHORT_BANDS], fading[:, None])
    return spectra


@pytest.mark.parametrize(
    ("clicks", "first_note", "is_one"),
    [
        ((0.5, 1.0, 1.5, 2.0), 2.5, True),
        ((0.5, 1.0, 1.5), 1.9, True),  # an upbeat
        ((0.5, 1.0), 1.5, False),  # two tell little
        ((0.5, 1.0, 1.7, 2.0), 2.5, False),  # uneven
        ((0.5, 0.7, 0.9, 1.1), 1.3, False),  # too fast
        ((0.5, 1.0, 1.5, 2.0), 4.0, False),  # nothing follows
        ((0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0), 1.0, False),  # goes on with the music
    ],
)
def test_even_clicks_before_the_music_are_a_count_in(
    clicks: tuple[float, ...], first_note: float, is_one: bool
) -> None:
    found = clicks_of(struck(*clicks), notes_from(first_note))
    assert (found is not None) == is_one
    if found:
        np.testing.assert_allclose(found.clicks_seconds, clicks, atol=0.03)


def test_what_rings_on_is_music() -> None:
    assert clicks_of(struck(0.5, 1.0, 1.5, 2.0, dies=0.05), notes_from(2.5)) is None
    assert clicks_of(struck(0.5, 1.0, 1.5, 2.0), notes_from(0)[:0]) is None
    assert find_count_in([], notes_from(0)) is None
    assert find_count_in([np.zeros(100, np.float32)], notes_from(0)) is None


def test_it_says_what_the_player_did_not() -> None:
    four = CountIn((0.5, 1.0, 1.5, 2.0))
    assert four.hints(Hints()) == Hints(tempo_bpm=120, downbeat_seconds=2.5)
    assert four.hints(Hints(downbeat_seconds=9)) == Hints(tempo_bpm=120, downbeat_seconds=9)
    assert four.hints(Hints(tempo_bpm=60)) == Hints(tempo_bpm=60)
    assert four.hints(Hints(beats_seconds=(1, 2))) == Hints(beats_seconds=(1, 2))
    assert CountIn((0.5, 1.0, 1.5, 2.0, 2.5)).hints(Hints()) == Hints(tempo_bpm=120)


@pytest.mark.parametrize("hz", [1000, None])
def test_strums_off_the_beat_are_told_by_it(tmp_path: Path, hz: float | None) -> None:
    """A metronome or sticks, then a guitar that plays on offbeats alone."""
    rng = np.random.default_rng(2)
    count, time = round(4 * BEAT * RATE), np.arange(1000) / RATE
    clicks = np.zeros(count)
    for first in range(0, count, count // 4):
        wave = rng.uniform(-1, 1, 1000) if hz is None else np.sin(2 * np.pi * hz * time)
        clicks[first + 400 : first + 1400] = 0.5 * wave * np.exp(-time / 0.008)
    times = [BEAT * (beat + 0.5) for beat in range(32)]
    sound = plucked(times, [CHORDS[beat // 4 % 4][1:] for beat in range(32)])
    found = heard(tmp_path, np.concatenate([clicks, sound]))
    assert "count_in" in names(found)
    assert found.beats.tempo_bpm == pytest.approx(120, rel=0.02)
    beats = (found.beats.times_seconds - 400 / RATE) / BEAT
    assert np.median(np.abs(beats - np.rint(beats))) < 0.12
    assert found.notes["onset_seconds"].min() > 4 * BEAT
