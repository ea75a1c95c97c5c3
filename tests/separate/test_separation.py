"""Sound of any length, rate and number of channels is taken apart without seams or losses."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from ritornello.dsp.recordings import Recording
from ritornello.errors import InputError, OutputError
from ritornello.note_model.weights_file import WeightsFile
from ritornello.separate.band_split import BandSplit
from ritornello.separate.mix_files import separate_file
from ritornello.separate.overlapping_chunks import root_mean_square, separate_blocks
from ritornello.separate.runtime import SeparatorNetwork
from ritornello.separate.scores import click_db

RATE = 8_000


def tiny_network(seed: int = 0) -> SeparatorNetwork:
    """A network of random weights, large enough to share in a way that follows the sound."""
    rng, split, width, hidden = np.random.default_rng(seed), BandSplit(0.032), 8, 6
    weights: dict[str, np.ndarray] = {"norm.weight": np.ones(width)}
    for band, (low, high) in enumerate(split.bands):
        for name, shape in (("read", (width, high - low)), ("write", (4 * (high - low), width))):
            weights[f"{name}.{band}.weight"] = rng.normal(0, 1 / np.sqrt(shape[1]), shape)
            weights[f"{name}.{band}.bias"] = rng.normal(0, 1, shape[0])
    for turn in range(2):
        weights[f"turns.{turn}.norm.weight"] = np.ones(width)
        weights[f"turns.{turn}.back.weight"] = rng.normal(0, 0.5, (width, 2 * hidden))
        weights[f"turns.{turn}.back.bias"] = np.zeros(width)
        for way in ("", "_reverse"):
            for name, columns in (("ih", width), ("hh", hidden)):
                shape = (4 * hidden, columns)
                weights[f"turns.{turn}.lstm.weight_{name}_l0{way}"] = rng.normal(0, 0.3, shape)
                weights[f"turns.{turn}.lstm.bias_{name}_l0{way}"] = np.zeros(4 * hidden)
    weights = {name: weight.astype(np.float32) for name, weight in weights.items()}
    settings = {"split": {"window_seconds": split.window_seconds, "power": split.power},
                "width": width, "hidden": hidden, "layers": 1, "parts": 4}  # fmt: skip
    return SeparatorNetwork(WeightsFile("separator", weights, settings))


NETWORK = tiny_network()


def music(seconds: float, channels: int = 1, seed: int = 0) -> np.ndarray:
    """Tones that come and go over noise, float32 [samples, channels]."""
    rng, count = np.random.default_rng(seed), round(seconds * RATE)
    at = np.arange(count) / RATE
    sound = 0.01 * rng.standard_normal((count, channels))
    for _ in range(6):
        tone = np.sin(2 * np.pi * rng.uniform(60, 3000) * at)
        swell = np.sin(2 * np.pi * rng.uniform(0.2, 2) * at + rng.uniform(0, 6)) ** 2
        sound += (0.1 * tone * swell)[:, None] * rng.uniform(0, 1, channels)
    return sound.astype(np.float32)


def blocks(sound: np.ndarray, size: int = 1000) -> Iterator[np.ndarray]:
    for start in range(0, len(sound), size):
        yield sound[start : start + size]


def separated(sound: np.ndarray, **settings: Any) -> np.ndarray:
    level = root_mean_square([sound])
    size = settings.pop("block", 1000)
    made = separate_blocks(blocks(sound, size), RATE, NETWORK, level=level, **settings)
    return np.concatenate(list(made), axis=1)


@settings(max_examples=15)
@given(
    st.integers(1, 3 * RATE),
    st.sampled_from([1, 2]),
    st.integers(1, 9000),
    st.floats(0.2, 2),
)
def test_parts_of_24_bits_sum_to_the_mix_exactly(
    samples: int, channels: int, block: int, chunk_seconds: float
) -> None:
    sound = np.rint(music(3, channels)[:samples] * 2**23).astype(np.float32) / np.float32(2**23)
    parts = separated(sound, block=block, chunk_seconds=chunk_seconds, overlap_seconds=0.1)
    assert parts.shape == (4, *sound.shape)
    assert np.array_equal(parts.sum(axis=0, dtype=np.float64), sound)


def test_blocks_do_not_matter() -> None:
    sound = music(5)
    parts = separated(sound, block=len(sound), chunk_seconds=2, overlap_seconds=0.5)
    for block in (777, 8000):
        again = separated(sound, block=block, chunk_seconds=2, overlap_seconds=0.5)
        assert np.array_equal(again, parts)


def test_only_a_chunk_is_held_at_a_time() -> None:
    """The first sound comes out when a chunk has gone in, however much is to follow."""
    gone_in = 0

    def endless() -> Iterator[np.ndarray]:
        nonlocal gone_in
        while True:
            gone_in += 1000
            yield music(1)[:1000]

    parts = separate_blocks(
        endless(), RATE, NETWORK, level=0.1, chunk_seconds=2, overlap_seconds=0.5
    )
    for number in range(1, 5):
        next(parts)
        assert gone_in < (1.5 * number + 0.5) * RATE + 2000


def test_chunks_sound_like_the_whole() -> None:
    """Where chunks lie is all but inaudible: far less than what any part holds."""
    sound = music(20)
    whole = separated(sound, chunk_seconds=60)
    for chunk_seconds in (6, 7.3):
        parts = separated(sound, chunk_seconds=chunk_seconds, overlap_seconds=2)
        error = np.sqrt(np.square(parts - whole).mean(axis=(1, 2)))
        assert (error < 0.01 * np.sqrt(np.square(whole).mean(axis=(1, 2)))).all()


def test_there_are_no_seams_at_the_borders_of_chunks() -> None:
    """Steps between samples there are as large as where the sound is taken apart as a whole."""
    sound, hop = music(40), 128  # windows are 32 ms
    border = round((3 - 1) * RATE / hop) * hop
    parts = separated(sound, chunk_seconds=3, overlap_seconds=1)
    whole = separated(sound, chunk_seconds=60)
    for part, expected in zip(parts[..., 0], whole[..., 0], strict=True):
        assert click_db(part, border) == pytest.approx(click_db(expected, border), abs=0.1)


def test_channels_share_alike_and_opposite_phases_are_heard() -> None:
    mono = music(3)
    wide = np.concatenate([mono, -mono], axis=1)
    parts, of_wide = separated(mono), separated(wide)
    np.testing.assert_allclose(of_wide[..., 0], parts[..., 0], atol=1e-5)
    np.testing.assert_allclose(of_wide[..., 1], -parts[..., 0], atol=1e-5)


@pytest.mark.parametrize("gain", [0.001, 8.0])
def test_a_louder_recording_is_shared_alike(gain: float) -> None:
    sound = music(3)
    np.testing.assert_allclose(separated(sound * gain) / gain, separated(sound), atol=1e-3)


@pytest.mark.parametrize(("rate_hz", "channels"), [(8_000, 1), (44_100, 2), (48_000, 6)])
def test_files_keep_rate_and_length(tmp_path: Path, rate_hz: int, channels: int) -> None:
    sound = music(2.3456, channels)
    soundfile.write(tmp_path / "mix.wav", sound, rate_hz, subtype="PCM_16")
    paths, _ = separate_file(Recording.open(tmp_path / "mix.wav"), tmp_path / "stems", NETWORK)
    assert [path.name for path in paths] == ["bass.wav", "drums.wav", "piano.wav", "other.wav"]
    parts = [soundfile.read(path, dtype="float64", always_2d=True) for path in paths]
    assert {rate for _, rate in parts} == {rate_hz}
    total = sum(part for part, _ in parts)
    assert total.shape == (len(sound), min(2, channels))
    if channels <= 2:
        assert np.array_equal(total, soundfile.read(tmp_path / "mix.wav", always_2d=True)[0])


def test_bad_requests_are_refused_and_leave_nothing(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "silence.wav", np.zeros(RATE), RATE)
    silence = Recording.open(tmp_path / "silence.wav")
    with pytest.raises(InputError, match="silent"):
        separate_file(silence, tmp_path / "stems", NETWORK)
    with pytest.raises(OutputError, match=r"\.ogg"):
        separate_file(silence, tmp_path / "stems", NETWORK, suffix=".ogg")
    assert not (tmp_path / "stems").exists()
    (tmp_path / "stems").mkdir()
    (tmp_path / "stems" / "other.wav").write_text("mine")
    with pytest.raises(OutputError, match="exists"):
        separate_file(silence, tmp_path / "stems", NETWORK)
