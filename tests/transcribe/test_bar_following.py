"""Beats of a tempo that bends are taken back by bars where they have slipped."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ritornello.transcribe import tracking
from ritornello.transcribe.bar_following import (
    FEATURES,
    Candidate,
    follow,
    followed,
    levels,
)
from ritornello.transcribe.bars import COUNTS, with_bars
from ritornello.transcribe.beat_candidates import Clues, Way, offbeats
from ritornello.transcribe.note_beats import told_by
from ritornello.transcribe.spectra import BANDS, FLOOR, FRAME_SECONDS
from ritornello.transcribe.values import HEARD_NOTE_DTYPE, Beats, Hints

EIGHTH, BARS = 0.2, 16
CHORDS = ((48, 64, 67), (45, 60, 64), (41, 60, 65), (43, 59, 62))


def eighths() -> np.ndarray:
    """When each eighth of 16 bars of 9/8 begins, the last of bar 8 held an eighth longer."""
    times = 0.4 + EIGHTH * np.arange(9 * BARS, dtype=float)
    times[9 * BARS // 2 :] += EIGHTH
    return times


def notes() -> np.ndarray:
    """An eighth each, a low one under the first of each bar."""
    rows = []
    for number, time in enumerate(eighths()):
        low, *chord = CHORDS[number // 9 % 4]
        rows.append((time, time + 0.18, chord[number % 2] + 12, 70 + 10 * (number % 3 == 0), 0.95))
        if number % 9 == 0:
            rows.append((time, time + 1.6, low, 95, 0.95))
    return np.sort(np.array(rows, HEARD_NOTE_DTYPE), order=["onset_seconds", "pitch"])


def clues() -> tuple[Clues, np.ndarray]:
    """What is heard of them where every eighth sounds like a beat, and first beats like a bar's;
    and the logits that say so."""
    frames = round((eighths()[-1] + 0.5) / FRAME_SECONDS)
    logits = np.full((frames, 2), -4.0)
    at = np.rint(eighths() / FRAME_SECONDS).astype(int)
    logits[at, 0] = 1.0
    logits[at[::9], 1] = 1.0
    spectra = np.full((frames, BANDS), FLOOR, np.float16)
    for frame in at:
        spectra[frame : frame + 3] = -1.0
    return Clues.of(logits, spectra, told_by(notes()), notes()), logits


def slipped() -> Way:
    """Beats that went on evenly through the longer eighth."""
    return Way(np.arange(0.4, eighths()[-1], 3 * EIGHTH))


def near(found: np.ndarray, true: np.ndarray) -> float:
    return float(np.mean(np.abs(found[:, None] - true).min(axis=0) < 0.05))


@pytest.mark.parametrize("count", COUNTS)
def test_bars_take_beats_back_that_slipped(count: int) -> None:
    heard, _ = clues()
    true = eighths()[::3]
    assert near(slipped().beats_seconds, true) < 0.6
    found = followed(slipped(), heard, count)
    assert not found.is_steady
    assert (near(found.beats_seconds, true) > 0.95) == (count == 3)


def test_the_bars_that_fit_best_are_chosen_and_kept() -> None:
    heard, logits = clues()
    found = follow(slipped(), [slipped()], heard, logits)
    assert found is not None
    assert found.beats_per_bar == 3
    assert near(found.way.beats_seconds, eighths()[::3]) > 0.95
    beats = Beats(found.way.beats_seconds, (4, 4), 0, 4, 0.9, 0.5, followed_bars=3)
    with_their_bars = with_bars(beats, notes(), Hints())
    assert with_their_bars.metre == (9, 8)
    assert near(with_their_bars.downbeats_seconds, eighths()[::9]) > 0.9
    for count in COUNTS:  # though others may be likelier; what goes in two may be in four
        followed_by = with_bars(replace(beats, followed_bars=count), notes(), Hints())
        assert followed_by.beats_per_bar % count == 0
        assert followed_by.downbeat_confidence <= 0.9


def test_a_metre_that_is_told_is_followed_alone() -> None:
    heard, logits = clues()
    found = follow(slipped(), [slipped()], heard, logits, counts=[2])
    assert found is not None
    assert found.beats_per_bar == 2


def test_levels_are_of_other_tempi_and_bend() -> None:
    heard, _ = clues()
    way = slipped()
    quick, even = Way(np.arange(0.4, 28, 2 * EIGHTH)), Way(np.arange(0.4, 28, 2 * EIGHTH), True)
    found = levels(way, [even, Way(way.beats_seconds + 0.1), quick, way], heard)
    assert found[0] is way
    assert all(one is quick for one in found[1:])
    assert Candidate.of(way, heard, clues()[1], COUNTS).described.shape == (len(FEATURES),)


def test_without_notes_or_beats_nothing_is_followed() -> None:
    heard, logits = clues()
    assert follow(slipped(), [], heard._replace(told=None), logits) is None
    assert follow(Way(slipped().beats_seconds[:5]), [], heard, logits) is None


def test_beats_are_the_same_however_many_frames_are_looked_at_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    heard, _ = clues()
    ways = []
    for together in (1, 10**5, 10**9):
        monkeypatch.setattr(tracking, "_TOGETHER", together)
        ways.append(followed(Way(offbeats(slipped().beats_seconds)), heard, 3).beats_seconds)
    assert ways[0].tobytes() == ways[1].tobytes() == ways[2].tobytes()
