"""The network that hears notes gives what the published one gives, played by ONNX Runtime."""

from __future__ import annotations

import hashlib
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from ritornello.note_model import weights_file
from ritornello.transcribe.note_network import (
    FRAMES,
    KEYS,
    NOTE_NETWORK_FILE,
    NOTE_NETWORK_KIND,
    THIRDS,
    WINDOW_SAMPLES,
    hear,
)

PUBLISHED = Path(__file__).with_name("nmp") / "nmp.onnx"
RATE_HZ = 22_050


def sounds() -> dict[str, np.ndarray]:
    rng, at = np.random.default_rng(0), np.arange(WINDOW_SAMPLES) / RATE_HZ
    chord = sum(np.sin(2 * np.pi * hz * at) for hz in (27.5, 220, 277, 330, 1760, 4186))
    return {
        "noise": rng.normal(0, 0.1, WINDOW_SAMPLES),
        "chord struck four times": 0.1 * chord * np.exp(-4 * (at % 0.5)),
        "clicks": 1.0 * (rng.random(WINDOW_SAMPLES) < 0.001),
        "faint noise": rng.normal(0, 1e-5, WINDOW_SAMPLES),
        "silence": np.zeros(WINDOW_SAMPLES),
        "silence, then sound": (at > 1) * rng.normal(0, 0.3, WINDOW_SAMPLES),
        "a constant": np.full(WINDOW_SAMPLES, 0.5),
    }


@pytest.mark.parametrize(("cents", "third"), [(0, 0), (33, 1), (-33, -1)])
def test_the_contour_tells_pitches_between_the_keys(cents: int, third: int) -> None:
    at, hz = np.arange(WINDOW_SAMPLES) / RATE_HZ, 440 * 2 ** (cents / 1200)
    partials = np.arange(1, 6)[:, None]
    sound = (np.sin(2 * np.pi * hz * partials * at) / partials).sum(axis=0)
    contour = hear((0.1 * sound).astype(np.float32))[2]
    a4 = 69 - 21
    assert contour[FRAMES // 2].argmax() == THIRDS * a4 + 1 + third


@pytest.mark.parametrize("name", sounds())
def test_it_hears_what_the_published_network_hears(name: str) -> None:
    runtime = pytest.importorskip("onnxruntime")
    session = runtime.InferenceSession(PUBLISHED, providers=["CPUExecutionProvider"])
    window = sounds()[name].astype(np.float32)
    expected = session.run(
        [f"StatefulPartitionedCall:{output}" for output in (2, 1, 0)],
        {"serving_default_input_2:0": window[None, :, None]},
    )
    for found, other, keys in zip(hear(window), expected, (1, 1, THIRDS), strict=True):
        assert found.shape == (FRAMES, keys * KEYS)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, other[0], atol=1e-5)


def test_its_weights_are_the_published_ones() -> None:
    pytest.importorskip("onnx")
    from experiments.listening.note_network_weights import read_onnx

    found = weights_file.bundled(NOTE_NETWORK_FILE, NOTE_NETWORK_KIND).weights
    expected = read_onnx(PUBLISHED)
    assert found.keys() == expected.keys()
    for name, weight in expected.items():
        np.testing.assert_array_equal(found[name], weight)


def test_its_licence_comes_with_it() -> None:
    licence = (files("ritornello") / "assets" / "listening" / "notes_LICENSE.txt").read_text(
        "utf-8"
    )
    assert hashlib.sha256(PUBLISHED.read_bytes()).hexdigest() in licence
    assert NOTE_NETWORK_FILE in licence
    assert "Copyright 2022 Spotify AB" in licence
    assert "Apache License" in licence
