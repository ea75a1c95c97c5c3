"""Excerpts of real CC0 songs whose beats are known, from their stems.

Each is the sum of some of the stems of a song, at other levels and a little faster or slower. The
songs of `real_stems/train` are for this; those of `test` are not touched.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from experiments.listening.beat_clips import RATE_HZ, Clip, faster
from ritornello.dsp.effects import random_effects
from ritornello.dsp.sound_files import read_audio
from ritornello.rng import Rng
from ritornello.transcribe.values import HEARD_NOTE_DTYPE

_LARGEST_CHANGE = 0.25  # of the logarithm of the tempo
_QUIET = 0.01  # root mean square of what is no music


class RealSongs:
    """Draws clips of the songs that may be learned from.

    Args:
        data: the music sets. seconds: length of a clip.
    """

    def __init__(self, data: Path, seconds: float = 20.0) -> None:
        self._seconds, folder = seconds, data / "real_stems"
        self._songs = []
        for name, truth in json.loads((folder / "truth.json").read_text()).items():
            if name.startswith("train/"):
                stems = [read_audio(path) for path in sorted((folder / name).glob("*.ogg"))]
                assert all(stem.rate_hz == RATE_HZ for stem in stems)
                length = min(len(stem.samples) for stem in stems)
                sounds = np.stack([stem.samples[:length].mean(axis=1) for stem in stems])
                self._songs.append((sounds, 60 / truth["bpm"], float(truth["first_beat_s"])))

    def clip(self, rng: Rng) -> Clip:
        """Some stems of a song, in 4/4, in which something is heard."""
        count = round(self._seconds * RATE_HZ)
        while True:
            sounds, period, first = self._songs[rng.integers(len(self._songs))]
            used = rng.random(len(sounds)) < 0.7
            start = int(rng.integers(sounds.shape[1] - 2 * count))
            levels = used * rng.uniform(0.4, 1.6, len(sounds))
            samples = levels @ sounds[:, start : start + 2 * count]
            if np.sqrt(np.square(samples[:count]).mean()) > _QUIET:
                break
        number = np.arange(int(sounds.shape[1] / RATE_HZ / period))
        beats = first + number * period - start / RATE_HZ
        inside = (beats >= 0) & (beats < 2 * self._seconds)
        samples = (samples / np.abs(samples).max()).astype(np.float32)
        whole = Clip(
            random_effects(samples, RATE_HZ, rng),
            beats[inside],
            np.zeros(0, HEARD_NOTE_DTYPE),
            number[inside] % 4 == 0,
            4,
            "real songs",
            True,
        )
        played = faster(whole, float(np.exp(rng.uniform(-_LARGEST_CHANGE, _LARGEST_CHANGE))))
        kept = played.beats_seconds < self._seconds
        assert played.is_downbeat is not None
        return Clip(
            played.samples[:count],
            played.beats_seconds[kept],
            played.notes,
            played.is_downbeat[kept],
            4,
            "real songs",
            True,
        )
