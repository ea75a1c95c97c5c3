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


@pytest.mark.parametrize("name", sounds())
def test_it_hears_what_the_published_network_hears(name: str) -> None:
    runtime = pytest.importorskip("onnxruntime")
    session = runtime.InferenceSession(PUBLISHED, providers=["CPUExecutionProvider"])
    window = sounds()[name].astype(np.float32)
    expected = session.run(
        ["StatefulPartitionedCall:2", "StatefulPartitionedCall:1"],
        {"serving_default_input_2:0": window[None, :, None]},
    )
    for found, other in zip(hear(window), expected, strict=True):
        assert found.shape == (FRAMES, KEYS)
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
