"""Beats of recordings: found where they are, and steady with no confidence where there are none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ritornello.music.piece import Metre, Piece, Tempo
from ritornello.synth.render import render
from ritornello.transcribe import activations, beats, spectra
from ritornello.transcribe.values import HEARD_NOTE_DTYPE, Beats, Hints
from tests.examples import band

RATE_HZ = spectra.RATE_HZ
NO_NOTES = np.zeros(0, HEARD_NOTE_DTYPE)


def played(piece: Piece) -> np.ndarray:
    result: np.ndarray = render(piece, rate_hz=RATE_HZ).samples.mean(axis=1)
    return result


def heard(samples: np.ndarray, hints: Hints | None = None, notes: np.ndarray = NO_NOTES) -> Beats:
    return beats.find_beats([samples], len(samples) / RATE_HZ, hints or Hints(), notes)


@pytest.fixture(scope="module")
def tune() -> Piece:
    return replace(band(bars=12), tempos=(Tempo(0, 104.0),))


@pytest.fixture(scope="module")
def sound(tune: Piece) -> np.ndarray:
    return played(tune)


def test_a_band_is_followed(tune: Piece, sound: np.ndarray) -> None:
    found = heard(sound)
    true = tune.ticks_to_seconds(np.arange(0, tune.length_ticks, 24))
    away = np.abs(found.times_seconds - true[:, None]).min(axis=1)
    assert found.tempo_bpm == pytest.approx(104, rel=0.02)
    assert np.median(away) < 0.02
    assert found.confidence > 0.6


def test_notes_put_beats_in_their_place(tune: Piece, sound: np.ndarray) -> None:
    true = tune.ticks_to_seconds(np.arange(0, tune.length_ticks, 24))
    notes = np.ones(len(true), HEARD_NOTE_DTYPE)
    notes["onset_seconds"], notes["end_seconds"] = true, true + 0.3
    found = heard(sound, notes=notes)
    assert np.median(np.abs(found.times_seconds - true[:, None]).min(axis=1)) < 0.004


@pytest.mark.parametrize(("every", "moved_seconds"), [(1, 0.03), (4, 0.0)])
def test_a_few_late_notes_do_not_move_the_beats_of_a_click(
    every: int, moved_seconds: float
) -> None:
    """A voice that begins 30 ms late, on each beat or on every fourth."""
    logits = np.full((1500, 2), -4.0, np.float32)
    logits[::25, 0] = 3.0
    notes = np.ones(60 // every, HEARD_NOTE_DTYPE)
    notes["onset_seconds"] = 0.03 + 0.5 * every * np.arange(60 // every)
    notes["end_seconds"] = notes["onset_seconds"] + 0.3
    found = beats.beats_of(logits, 30.0, Hints(tempo_bpm=120, steady=True), notes)
    away = found.times_seconds[2:-2] - 0.5 * np.rint(found.times_seconds[2:-2] / 0.5)
    np.testing.assert_allclose(away, moved_seconds, atol=0.006)


@pytest.mark.parametrize("metre", [(4, 4), (3, 4), (6, 8), (7, 8)])
def test_the_player_is_believed(sound: np.ndarray, metre: tuple[int, int]) -> None:
    found = heard(sound, Hints(tempo_bpm=52, metre=metre, downbeat_seconds=3.5))
    assert found.metre == metre
    bars = Metre(0, *metre)
    assert found.beats_per_bar == bars.bar_ticks(24) // bars.beat_ticks(24)
    assert found.tempo_bpm == pytest.approx(52, rel=0.1)
    assert np.abs(found.downbeats_seconds - 3.5).min() < 0.25, "a fifth of a beat at most"
    assert found.downbeat_confidence == 1


def _noise(seconds: float) -> np.ndarray:
    return 0.1 * np.random.default_rng(0).standard_normal(round(seconds * RATE_HZ))


@pytest.mark.parametrize(
    "samples", [np.zeros(10 * RATE_HZ), _noise(10), _noise(0.5), np.zeros(RATE_HZ), np.zeros(0)],
    ids=["silence", "noise", "a moment", "a second", "nothing"],
)  # fmt: skip
def test_without_a_beat_the_tempo_is_steady(samples: np.ndarray) -> None:
    for bpm in (None, 90):
        found = heard(samples.astype(np.float32), Hints(tempo_bpm=bpm))
        assert found.confidence == 0
        assert found.tempo_bpm == pytest.approx(bpm or 120)
        assert len(found.times_seconds) >= 2
        assert found.times_seconds[0] >= 0
        assert found.first_downbeat < found.beats_per_bar


def test_a_steady_tempo_goes_through_the_bar_that_is_named() -> None:
    found = heard(np.zeros(8 * RATE_HZ, np.float32), Hints(tempo_bpm=100, downbeat_seconds=2.2))
    assert np.abs(found.downbeats_seconds - 2.2).min() < 1e-9


def clicks(times: np.ndarray) -> np.ndarray:
    """Logits of thirty seconds, high at some times."""
    logits = np.full((1500, 2), -4.0, np.float32)
    logits[np.rint(times / spectra.FRAME_SECONDS).astype(int)] = 3.0
    return logits


def test_with_tempo_and_bar_line_told_beats_do_not_slip_to_strong_offbeats() -> None:
    even = 0.2 + 0.5 * np.arange(58)
    slipped = np.concatenate([even[:14], even[17:40] + 0.25, even[43:]])
    found = beats.raw_beats(clicks(slipped), None, (120.0, 0.2, False))
    assert np.abs((found - 0.2) / 0.5 - np.rint((found - 0.2) / 0.5)).max() < 0.1


def test_with_tempo_and_bar_line_told_a_tempo_that_bends_is_followed() -> None:
    bent = 0.2 + np.cumsum(0.5 * (1 + 0.15 * np.sin(np.arange(58) / 9)))
    bent = bent[bent < 29]
    found = beats.raw_beats(clicks(bent), None, (120.0, float(bent[0]), False))
    inside = found[found < bent[-1]]
    assert (np.abs(inside[:, None] - bent).min(axis=1) < 0.07).mean() > 0.9


# --- what the network hears -----------------------------------------------------------------------


@settings(max_examples=10)
@given(st.lists(st.integers(0, 6 * RATE_HZ), max_size=8), st.integers(0, 6 * RATE_HZ))
def test_it_does_not_matter_where_the_sound_is_cut(cuts: list[int], length: int) -> None:
    samples = _noise(6).astype(np.float32)[:length]
    whole = [*spectra.log_bands([samples])]
    parts = [*spectra.log_bands(np.split(samples, sorted(cuts)))]
    assert sum(map(len, whole)) == -(-length // spectra.HOP)
    if length:
        np.testing.assert_allclose(np.concatenate(parts), np.concatenate(whole), atol=1e-4)


@pytest.mark.parametrize("pitch", [45, 60, 69, 81])
def test_a_sine_is_heard_in_its_semitone(pitch: int) -> None:
    hz = 440 * 2 ** ((pitch - 69) / 12)
    samples = 0.5 * np.sin(2 * np.pi * hz * np.arange(RATE_HZ) / RATE_HZ)
    frame = np.concatenate([*spectra.log_bands([samples])])[25]
    assert frame[-60:].argmax() == pitch - 36


def test_windows_join_as_if_there_were_one(
    sound: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = beats.bundled()
    whole = activations.beat_logits([sound], network)
    monkeypatch.setattr(activations, "_KEPT", 300)
    monkeypatch.setattr(activations, "_SIZE", 300 + 2 * 252)
    joined = activations.beat_logits([sound], network)
    assert joined.shape == whole.shape
    near = np.abs(1 / (1 + np.exp(-joined)) - 1 / (1 + np.exp(-whole)))
    assert near.mean() < 0.02


def test_what_is_kept_does_not_grow_with_the_recording(monkeypatch: pytest.MonkeyPatch) -> None:
    import tracemalloc

    monkeypatch.setattr(activations, "_TOGETHER", 2)

    def peak(seconds: int) -> int:
        def blocks() -> Iterator[np.ndarray]:
            for _ in range(seconds):
                yield np.zeros(RATE_HZ, np.float32)

        tracemalloc.start()
        activations.beat_logits(blocks(), beats.bundled())
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    assert peak(240) < 1.1 * peak(120)


@pytest.mark.parametrize("frames", [1, 4, 99])
def test_the_network_is_that_of_torch(frames: int) -> None:
    torch = pytest.importorskip("torch", reason="training needs the extra train")
    from experiments.listening.beat_net import BeatNet, BeatNetConfig

    file = beats.bundled()
    sizes = {
        name: file.settings[name]
        for name in BeatNetConfig.__dataclass_fields__
        if name in file.settings
    }
    network = BeatNet(BeatNetConfig(**sizes)).eval()
    network.load_state_dict({name: torch.from_numpy(w) for name, w in file.weights.items()})
    spectra_in = np.random.default_rng(0).uniform(-5, 0, (2, frames, 92)).astype(np.float32)
    stride = file.settings["stride"]
    # What is missing to a whole step is as the padding of the convolution.
    padded = np.pad(
        spectra_in, ((0, 0), (0, -frames % stride), (0, 0)), constant_values=file.settings["centre"]
    )
    with torch.no_grad():
        expected = network(torch.from_numpy(padded)).numpy()[:, :frames]
    np.testing.assert_allclose(activations.play(spectra_in, file), expected, atol=1e-4)
