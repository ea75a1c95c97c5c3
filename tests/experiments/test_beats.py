"""Clips have their beats where their notes are, and perfect beats get full marks."""

from __future__ import annotations

import numpy as np
import pytest

from experiments.listening import beats as measured
from experiments.listening.beat_clips import BEATLESS, RATE_HZ, Clip, Renderer
from experiments.listening.beat_model import as_arrays, logistic
from ritornello.transcribe.values import Beats
from tests.examples import MemoryCorpus, band


class Bands(MemoryCorpus):
    """Pieces of a set that clips are drawn from."""

    def collection_of(self, index: int) -> str:
        return "band_arranged_synth"


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    return Renderer(Bands([band(seed, bars=16) for seed in range(3)], 1), "train", [None], 10.0)  # type: ignore[arg-type]


def heard(clip: Clip, times: np.ndarray, first: int = 0) -> Beats:
    return Beats(times, (4, 4), first, 4, 1.0, 1.0)


@pytest.mark.parametrize("steady", [True, False])
@pytest.mark.parametrize("kind", ["mix", "bass", "drums"])
def test_beats_lie_on_the_notes(renderer: Renderer, kind: str, steady: bool) -> None:
    clip = renderer.clip(kind, np.random.default_rng(5), steady=steady)
    assert len(clip.samples) == 10 * RATE_HZ
    away = np.abs(clip.notes["onset_seconds"][:, None] - clip.beats_seconds).min(axis=1)
    assert np.quantile(away, 0.9) < 0.05
    lengths = np.diff(clip.beats_seconds)
    assert (np.ptp(lengths) < 1e-9) == steady
    assert clip.is_downbeat is not None
    assert set(np.diff(np.flatnonzero(clip.is_downbeat))) == {4}


@pytest.mark.parametrize("kind", BEATLESS)
def test_sound_without_beat_has_no_targets(renderer: Renderer, kind: str) -> None:
    arrays = as_arrays([renderer.beatless(kind, np.random.default_rng(0))])
    assert not arrays["targets"].any()
    assert arrays["knows_bars"].all()
    assert arrays["spectra"].shape[1:] == (500, 92)


def test_targets_are_highest_at_beats(renderer: Renderer) -> None:
    clip = renderer.clip("mix", np.random.default_rng(1), steady=True)
    targets = as_arrays([clip])["targets"][0]
    frames = np.rint(clip.beats_seconds * 50).astype(int)
    assert (targets[frames[frames < 500], 0] > 0.85).all()


def test_perfect_beats_get_full_marks(renderer: Renderer) -> None:
    clip = renderer.clip("mix", np.random.default_rng(2), steady=True)
    assert clip.is_downbeat is not None
    first = int(np.flatnonzero(clip.is_downbeat)[0])
    score = measured.score(clip, heard(clip, clip.beats_seconds, first))
    assert (score["beat_f1"], score["downbeat_f1"], score["half_or_double"]) == (1, 1, 0)
    half = measured.score(clip, heard(clip, clip.beats_seconds[::2]))
    assert half["half_or_double"] == 1
    late = heard(clip, clip.beats_seconds + 0.03)
    assert measured.offsets_seconds(clip, late) == pytest.approx(0.03)


def test_the_logistic_curve_expects_what_it_was_shown() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(0, 1, (4000, 1))
    y = rng.random(4000) < 1 / (1 + np.exp(-(0.5 + 2 * x[:, 0])))
    assert logistic(x, y.astype(float)) == pytest.approx([0.5, 2.0], abs=0.2)
