"""Where the beats of a recording lie and which of them begin bars.

A recurrent network says how likely each instant is (`activations`), `tracking` finds the beats that
explain it best, follows the player's tempo, and moves them to the notes that were heard.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import lru_cache
from importlib.resources import files

import numpy as np

from ritornello import weights_file
from ritornello.audio.listening import tracking
from ritornello.audio.listening.activations import KIND, beat_logits
from ritornello.audio.listening.heard import Beats, Hints
from ritornello.audio.listening.spectra import FRAME_SECONDS
from ritornello.piece import Metre
from ritornello.runtime.layers import sigmoid
from ritornello.weights_file import WeightsFile

_USUAL_TEMPO_BPM = 120.0
_METRES = {4: (4, 4), 3: (3, 4), 2: (2, 4)}
_UNHEARD = 0.2  # less confident beats are not better than a steady tempo
_ENOUGH_BEATS = 8  # fewer are no proof of a beat


def find_beats(
    blocks: Iterable[np.ndarray],
    duration_seconds: float,
    hints: Hints,
    onsets_seconds: np.ndarray,
    *,
    network: WeightsFile | None = None,
) -> Beats:
    """Hear the beats of a recording.

    Where no beat is heard, they are assumed to be steady, at the tempo of the hints or 120 a
    minute, with a confidence of 0. A recording too short for two beats gets its second one after
    its end.

    Args:
        blocks: the recording, mono float32 at 22,050 Hz, of any lengths.
        duration_seconds: of the recording.
        hints: what the player says; it is believed.
        onsets_seconds: of the notes that were transcribed, ascending; may be empty.
        network: one that hears beats; None for that of the package.
    """
    network = bundled() if network is None else network
    logits = beat_logits(blocks, network)
    onsets = np.asarray(onsets_seconds, float)
    times, confidence = np.zeros(0), 0.0
    if len(logits):
        found = tracking.evidence(logits[:, 0], FRAME_SECONDS)
        times = tracking.track(found, FRAME_SECONDS, hints.tempo_bpm)
        confidence = _believed(features(logits, times), network.settings["confidence"])
        confidence *= min(1.0, len(times) / _ENOUGH_BEATS)
        times = tracking.snap(times, onsets)
        times = np.maximum(times[times > -FRAME_SECONDS], 0)
        times = times[times < duration_seconds]
    if len(times) < 2 or confidence < _UNHEARD:
        times, confidence = _steady(duration_seconds, hints, onsets), 0.0
    return _with_bars(times, confidence, logits, hints, network)


@lru_cache(maxsize=1)
def bundled() -> WeightsFile:
    """The network of the package."""
    path = files("ritornello") / "assets" / "listening" / "beats.safetensors"
    return weights_file.load(str(path), KIND)


def features(logits: np.ndarray, beats_seconds: np.ndarray) -> np.ndarray:
    """What the confidence in beats is made of, float64 [3].

    The mean probability of the beats; the share of all probability of beats that lies on them; and
    how much the tempo varies from beat to beat.

    Args:
        logits: of a beat and the beginning of a bar, [frames, 2].
    """
    likely = sigmoid(logits[:, 0].astype(float))
    on_beats = _around(likely, beats_seconds)
    near = np.zeros(len(likely), bool)
    for shift in range(-3, 4):
        near[np.clip(_frames(beats_seconds) + shift, 0, len(likely) - 1)] = True
    changes = np.diff(np.log(np.maximum(np.diff(beats_seconds), 1e-3)))
    uneven = float(np.abs(changes).mean()) if len(changes) else 0.0
    return np.array([on_beats.mean(), likely[near].sum() / (likely.sum() + 1e-9), uneven])


def _believed(measured: np.ndarray, weights: Sequence[float]) -> float:
    """The logistic curve that `tools.beat_model` fitted: a bias and a weight for each feature."""
    return float(1 / (1 + math.exp(-(weights[0] + float(measured @ np.array(weights[1:]))))))


def _steady(duration_seconds: float, hints: Hints, onsets_seconds: np.ndarray) -> np.ndarray:
    """Beats of one length all along, on the bar that the player names or on the first note."""
    length = 60 / (hints.tempo_bpm or _USUAL_TEMPO_BPM)
    start = float(onsets_seconds[0]) if len(onsets_seconds) else 0.0
    start = hints.downbeat_seconds if hints.downbeat_seconds is not None else start
    count = max(2, math.ceil((duration_seconds - start % length) / length))
    return start % length + length * np.arange(count)


# --- bars -----------------------------------------------------------------------------------------


def _with_bars(
    times: np.ndarray, confidence: float, logits: np.ndarray, hints: Hints, network: WeightsFile
) -> Beats:
    metres = _METRES
    if hints.metre is not None:
        metre = Metre(0, *hints.metre)
        metres = {max(1, metre.bar_ticks(960) // metre.beat_ticks(960)): hints.metre}
    begins = bar_shares(logits, times)
    phase = None
    if hints.downbeat_seconds is not None:
        phase = int(np.abs(times - hints.downbeat_seconds).argmin())
    bars = tracking.find_bars(begins, tuple(metres), phase)
    certainty = 1.0
    if hints.downbeat_seconds is None:
        weights = network.settings["downbeat_confidence"]
        certainty = confidence * _believed(np.array([bars.margin]), weights)
    return Beats(
        times_seconds=times,
        metre=metres[bars.beats_per_bar],
        first_downbeat=bars.first,
        beats_per_bar=bars.beats_per_bar,
        confidence=confidence,
        downbeat_confidence=certainty,
    )


def bar_shares(logits: np.ndarray, beats_seconds: np.ndarray) -> np.ndarray:
    """How likely each beat begins a bar, and how likely it is a beat, float64 [2, beats]."""
    if not len(logits):
        return np.zeros((2, len(beats_seconds)))
    beat, bar = (_around(sigmoid(column.astype(float)), beats_seconds) for column in logits.T)
    return np.stack([bar / np.maximum(beat, 1e-6), beat])


def _around(values: np.ndarray, times_seconds: np.ndarray) -> np.ndarray:
    """The largest value within two frames of each time."""
    frames = _frames(times_seconds)[:, None] + np.arange(-2, 3)
    return values[np.clip(frames, 0, len(values) - 1)].max(axis=1)


def _frames(times_seconds: np.ndarray) -> np.ndarray:
    return np.rint(times_seconds / FRAME_SECONDS).astype(int)
