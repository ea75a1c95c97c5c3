"""Chunks of sound: joined again they are the sound, sample for sample."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ritornello.dsp.waveform import Waveform
from ritornello.errors import ConfigError, InputError
from ritornello.papers.remix2023.encoding import decode, encode


def noise(length: int, channels: int = 1, rate_hz: int = 50) -> Waveform:
    samples = np.random.default_rng(length).standard_normal((length, channels))
    return Waveform(samples.astype(np.float32), rate_hz)


@given(st.integers(0, 400), st.integers(1, 3), st.floats(0.02, 4))
def test_decode_gives_back_every_sample(length: int, channels: int, seconds: float) -> None:
    sound = noise(length, channels)
    chunks = encode(sound, seconds=seconds)
    back = decode(chunks)
    assert back.rate_hz == sound.rate_hz
    np.testing.assert_array_equal(back.samples, sound.samples)
    assert chunks.samples.shape[1:] == (round(seconds * 50), channels)


def test_only_the_last_chunk_is_filled_up_with_silence() -> None:
    chunks = encode(noise(130))
    assert chunks.samples.shape == (3, 50, 1)
    assert chunks.samples[2, :30].all()
    assert not chunks.samples[2, 30:].any()
    assert len(encode(noise(100)).samples) == 2


def test_chunks_without_samples_and_too_few_chunks_are_refused() -> None:
    with pytest.raises(ConfigError, match="holds no sample"):
        encode(noise(10), seconds=0.001)
    with pytest.raises(InputError, match="cannot hold"):
        decode(replace(encode(noise(100)), length=101))
