"""A recording of drums to its strokes: kick, snare, hi-hat, tom or cymbal, when and how hard.

A recurrent network that reads both ways, as that of the beats (`activations`), says how likely
each kind is struck in each frame of 20 ms; peaks are strokes. `experiments.listening.drum_model`
has trained it on human drumming played on synthesised and recorded drums.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ritornello.note_model import weights_file
from ritornello.note_model.engine.layers import sigmoid
from ritornello.transcribe.activations import window_logits
from ritornello.transcribe.spectra import BANDS, FRAME_SECONDS, log_bands
from ritornello.transcribe.values import HEARD_NOTE_DTYPE

DRUMS_FILE, DRUMS_KIND = "drums.safetensors", "drums"
DRUM_KINDS = ("kick", "snare", "hi-hat", "tom", "cymbal")
_WRITTEN = (36, 38, 42, 45, 49)  # General MIDI keys that they are written as
_KEYS = {
    **dict.fromkeys((35, 36), 0),
    **dict.fromkeys((37, 38, 39, 40), 1),
    **dict.fromkeys((42, 44, 46, 22, 26), 2),
    **dict.fromkeys((41, 43, 45, 47, 48, 50, 58), 3),
    **dict.fromkeys((49, 51, 52, 53, 55, 57, 59), 4),
}
_APART_FRAMES = 2  # a peak is the highest of so many on each side
_LENGTH_SECONDS = 0.1
_LOUD_PERCENTILE, _LOUD_VELOCITY, _SOFTEST_VELOCITY = 90, 105, 20
_BANDS_OF = (slice(0, 6), slice(6, 20), slice(22, 32), slice(2, 12), slice(18, 32))


def kind_of(pitch: int) -> int:
    """Index into `DRUM_KINDS` of a General MIDI percussion key; -1 for others, such as bells."""
    return _KEYS.get(pitch, -1)


def find_drums(blocks: Iterable[np.ndarray]) -> np.ndarray:
    """Strokes of a recording of drums, `HEARD_NOTE_DTYPE` by (onset, pitch).

    Pitches are General MIDI percussion keys: 36, 38, 42, 45, 49. Velocities compare strokes of one
    kind.

    Args:
        blocks: mono float32 at 22,050 Hz, of any sizes.
    """
    network = weights_file.bundled(DRUMS_FILE, DRUMS_KIND)
    spectra = np.concatenate([np.zeros((0, BANDS), np.float32), *log_bands(blocks)])
    if not len(spectra):
        return np.zeros(0, HEARD_NOTE_DTYPE)
    return strokes(window_logits([spectra], network), spectra, network.settings["thresholds"])


def strokes(logits: np.ndarray, spectra: np.ndarray, thresholds: list[float]) -> np.ndarray:
    """Logits [frames, kinds] and the spectra they were read from to strokes, as `find_drums`.

    Args:
        thresholds: the least probability of each kind.
    """
    found = []
    likely = sigmoid(logits.astype(float))
    for kind, pitch in enumerate(_WRITTEN):
        frames = _peaks(likely[:, kind], thresholds[kind])
        notes = np.zeros(len(frames), HEARD_NOTE_DTYPE)
        notes["onset_seconds"] = np.maximum(0, _refined(likely[:, kind], frames)) * FRAME_SECONDS
        notes["end_seconds"] = notes["onset_seconds"] + _LENGTH_SECONDS
        notes["pitch"], notes["confidence"] = pitch, likely[frames, kind]
        notes["velocity"] = _velocities(spectra, frames, _BANDS_OF[kind])
        found.append(notes)
    notes = np.concatenate(found)
    return notes[np.lexsort((notes["pitch"], notes["onset_seconds"]))]


def _peaks(likely: np.ndarray, least: float) -> np.ndarray:
    padded = np.pad(likely, _APART_FRAMES, constant_values=-1.0)
    around = np.lib.stride_tricks.sliding_window_view(padded, 2 * _APART_FRAMES + 1)
    return np.flatnonzero((likely >= least) & (likely == around.max(axis=1)))


def _refined(likely: np.ndarray, frames: np.ndarray) -> np.ndarray:
    """Peaks between frames, by the centre of what lies around them."""
    steps = np.arange(-1, 2)
    around = likely[np.clip(frames[:, None] + steps, 0, len(likely) - 1)]
    result: np.ndarray = frames + (around * steps).sum(axis=1) / np.maximum(
        around.sum(axis=1), 1e-9
    )
    return result


def _velocities(spectra: np.ndarray, frames: np.ndarray, bands: slice) -> np.ndarray:
    """The level of its bands, against the loud strokes of its kind; 40 dB for a factor of ten."""
    if not len(frames):
        return np.zeros(0, np.int16)
    near = np.clip(frames[:, None] + np.arange(3), 0, len(spectra) - 1)
    level_db = 20 * spectra[near, bands].max(axis=(1, 2))
    away = level_db - np.percentile(level_db, _LOUD_PERCENTILE)
    softness = 10 ** (away / 40)
    velocities = np.clip(np.rint(_LOUD_VELOCITY * softness), _SOFTEST_VELOCITY, 127)
    result: np.ndarray = velocities.astype(np.int16)
    return result
