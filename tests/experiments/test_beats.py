"""Clips have their beats where their notes are, and perfect beats get full marks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from experiments.listening import beats as measured
from experiments.listening.beat_choice import Example, chosen, learn
from experiments.listening.beat_clips import BEATLESS, RATE_HZ, Clip, Renderer, faster
from experiments.listening.beat_model import as_arrays, logistic
from experiments.listening.clip_figures import scores
from experiments.listening.heard_clips import HeardClip, load, save
from experiments.listening.tones import FAMILIES, Instrument
from ritornello.synth.sampler import PlayedNote
from ritornello.transcribe.values import Beats
from tests.examples import MemoryCorpus, band


class Bands(MemoryCorpus):
    """Pieces of a set that clips are drawn from."""

    def collection_of(self, index: int) -> str:
        return "band_arranged_synth"


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    corpus = Bands([band(seed, bars=16) for seed in range(3)], 1)
    return Renderer(corpus, "train", [None], 10.0, styled=0.0)  # type: ignore[arg-type]


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


def test_a_faster_clip_has_its_beats_earlier(renderer: Renderer) -> None:
    clip = renderer.clip("mix", np.random.default_rng(3), steady=True)
    quick = faster(clip, 1.25)
    assert len(quick.samples) == len(clip.samples)
    assert quick.beats_seconds == pytest.approx(clip.beats_seconds / 1.25)
    assert not quick.samples[-RATE_HZ:].any()
    slow = faster(clip, 0.5)
    assert slow.beats_seconds.max() < len(clip.samples) / RATE_HZ
    assert slow.is_downbeat is not None
    assert len(slow.is_downbeat) == len(slow.beats_seconds) < len(clip.beats_seconds)


@pytest.mark.parametrize("family", FAMILIES)
def test_an_instrument_sounds_its_pitch_from_its_onset_on(family: str) -> None:
    rng = np.random.default_rng(4)
    note = PlayedNote(RATE_HZ // 2, RATE_HZ, 57, 100)  # A at 220 Hz
    sound = Instrument.draw(family, rng).play([note], 2 * RATE_HZ, RATE_HZ, rng)
    assert not sound[: RATE_HZ // 2].any()
    held = sound[round(0.7 * RATE_HZ) : RATE_HZ]
    spectrum = np.abs(np.fft.rfft(held * np.hanning(len(held))))
    hz = np.argsort(spectrum)[::-1][:5] * RATE_HZ / len(held)
    away = np.abs(hz / 220 - np.rint(hz / 220))
    assert away.min() < 0.05


def test_the_choice_learns_what_makes_ways_right() -> None:
    rng = np.random.default_rng(5)
    found = []
    for _ in range(60):
        right = rng.random(6)
        described = np.stack([right + rng.normal(0, 0.1, 6), rng.normal(0, 1, 6)], axis=1)
        found.append(Example(described, right, np.zeros((6, 5)), True))
    weights = learn(found)
    assert weights[0] > 5 * abs(weights[1])
    best = [one.right[chosen(one, weights)] > one.right.max() - 0.25 for one in found]
    assert np.mean(best) > 0.9


def test_heard_clips_are_kept_as_they_are(renderer: Renderer, tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    clips = [
        HeardClip.of(renderer.clip("mix", rng, steady=True), is_compound=False),
        HeardClip.of(renderer.beatless("noise", rng), is_compound=False),
    ]
    save(clips, tmp_path / "clips.npz")
    for clip, kept in zip(clips, load(tmp_path / "clips.npz"), strict=True):
        for name in ("spectra", "notes", "beats_seconds"):
            assert (getattr(clip, name) == getattr(kept, name)).all()
        assert (clip.beats_per_bar, clip.is_compound) == (kept.beats_per_bar, kept.is_compound)
        assert clip.kind == kept.kind
    found = heard(renderer.clip("mix", rng, steady=True), clips[0].beats_seconds)
    assert scores(clips[0], found)["beats"] == 1
    assert scores(clips[0], found)["metre"] == 1
