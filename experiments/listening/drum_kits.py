"""Kits of drums drawn anew: CC0 one-shots and synthesised drums, which strokes are played on.

Each drum of a kit has one sound, as a key of General MIDI percussion has. One-shots of validation
are no others' of training.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from experiments.listening.drum_synthesis import LONGEST_SECONDS, level, synthesised
from ritornello.dsp.sound_files import read_audio
from ritornello.dsp.waveform import Waveform
from ritornello.synth.sampler import PlayedNote
from ritornello.transcribe.drum_detection import DRUM_KINDS, kind_of
from ritornello.transcribe.spectra import RATE_HZ

_ONE_SHOTS = {
    "kick": ("bd_", "drum_bass", "drum_heavy_kick", "elec_hollow_kick", "elec_soft_kick"),
    "snare": ("sn_", "drum_snare", "elec_snare", "elec_hi_sn", "elec_lo_sn", "elec_mid_sn"),
    "hi-hat": ("hat_", "drum_cymbal_closed", "drum_cymbal_pedal", "drum_cymbal_open"),
    "tom": ("drum_tom", "elec_fuzz_tom"),
    "cymbal": ("drum_cymbal_hard", "drum_cymbal_soft", "drum_splash", "elec_cymbal"),
}  # fmt: skip
# The drums of a kit: index into `DRUM_KINDS`, and its keys of General MIDI percussion. Other keys
# are the first drum of their kind.
_DRUMS = {
    "kick": (0, ()), "snare": (1, ()), "rim": (1, (37,)), "clap": (1, (39,)),
    "closed hat": (2, ()), "open hat": (2, (26, 46)),
    "mid tom": (3, ()), "low tom": (3, (41, 43, 58)), "high tom": (3, (48, 50)),
    "crash": (4, ()), "ride": (4, (51, 59)), "bell": (4, (53,)), "splash": (4, (55,)),
    "china": (4, (52,)),
}  # fmt: skip
_RECORDED_SHARE = 0.45
_DULLEST = 0.6  # of the sample before, in the softest stroke: a low-pass of one pole's slope
_FADE = 110  # samples in which an open hi-hat falls silent


def one_shots(data: Path, side: str) -> dict[str, list[np.ndarray]]:
    """CC0 sounds of each kind; every fourth is kept for validation."""
    found: dict[str, list[np.ndarray]] = {}
    for kind, starts in _ONE_SHOTS.items():
        paths = sorted((data / "audio_clips" / "cc0_oneshots").glob("*.flac"))
        paths = [path for path in paths if path.name.startswith(starts)]
        mine = [path for n, path in enumerate(paths) if (n % 4 == 3) == (side != "train")]
        for path in mine or paths:
            found.setdefault(kind, []).append(one_stroke(read_audio(path)))
    return found


def one_stroke(sound: Waveform) -> np.ndarray:
    """A recording of a stroke from its beginning on, mono at `RATE_HZ`, at most 1."""
    import soxr

    mono = soxr.resample(sound.samples.mean(axis=1), sound.rate_hz, RATE_HZ)
    mono = mono[: round(LONGEST_SECONDS * RATE_HZ)]
    loud = np.flatnonzero(np.abs(mono) > 0.05 * np.abs(mono).max())
    return level(mono[max(0, loud[0] - 20) :])


class Kit(NamedTuple):
    """A sound of each drum, and how loud each of `DRUM_KINDS` is."""

    drums: dict[str, np.ndarray]
    levels: np.ndarray

    @classmethod
    def draw(cls, shots: dict[str, list[np.ndarray]], rng: np.random.Generator) -> Kit:
        levels = cls.levels_drawn(rng)
        return cls({drum: _sound(drum, shots, rng) for drum in _DRUMS}, levels)

    @staticmethod
    def levels_drawn(rng: np.random.Generator) -> np.ndarray:
        """How loud each of `DRUM_KINDS` may be, kick and snare loud above all."""
        levels: np.ndarray = 10 ** (rng.uniform(-14, 0, len(DRUM_KINDS)) / 20)
        levels[[0, 1]] = 10 ** (rng.uniform(-6, 0, 2) / 20)
        return levels

    def play(self, notes: Sequence[PlayedNote], samples: int) -> np.ndarray:
        """Strokes on General MIDI keys as they sound, float32 [samples]; other keys are silent.

        A stroke of the hi-hat ends what sounds of the one before.
        """
        out = np.zeros(samples, np.float32)
        hats = sorted(note.onset for note in notes if DRUM_KINDS[kind_of(note.pitch)] == "hi-hat")
        for note in notes:
            number = kind_of(note.pitch)
            if number < 0 or note.onset >= samples:
                continue
            sound = self.drums[_drum_of(note.pitch)][: samples - note.onset]
            if DRUM_KINDS[number] == "hi-hat":
                following = bisect_right(hats, note.onset)
                if following < len(hats):
                    sound = _ended(sound, hats[following] - note.onset)
            force = self.levels[number] * (0.15 + 0.85 * (note.velocity / 127) ** 1.5)
            sound = _struck(sound, note.velocity)
            out[note.onset : note.onset + len(sound)] += (force * sound).astype(np.float32)
        out *= np.float32(0.1 / max(1e-4, float(np.sqrt(np.square(out).mean()))))
        return out


def _drum_of(pitch: int) -> str:
    """The drum that a key of a known kind plays."""
    mine = [drum for drum, (kind, _) in _DRUMS.items() if kind == kind_of(pitch)]
    return next((drum for drum in mine if pitch in _DRUMS[drum][1]), mine[0])


def _struck(sound: np.ndarray, velocity: int) -> np.ndarray:
    """A stroke as bright as it is hard: all of it at 127, less of what is high when it is soft."""
    dull = _DULLEST * (1 - velocity / 127)
    before = np.concatenate([np.zeros(1), sound[:-1]])
    return (1 - dull) * sound + dull * before


def _ended(sound: np.ndarray, samples: int) -> np.ndarray:
    """What sounds of a stroke until it is stopped."""
    if len(sound) <= samples + _FADE:
        return sound
    kept = sound[: samples + _FADE].copy()
    kept[samples:] *= np.linspace(1, 0, _FADE)
    return kept


def _sound(drum: str, shots: dict[str, list[np.ndarray]], rng: np.random.Generator) -> np.ndarray:
    if rng.random() >= _RECORDED_SHARE:
        return synthesised(drum, rng)
    recorded = shots[DRUM_KINDS[_DRUMS[drum][0]]]
    sound = recorded[rng.integers(len(recorded))]
    # A little higher or lower, as other drums of the kind.
    step = rng.uniform(0.85, 1.18)
    places = np.arange(0, len(sound) - 1, step)
    moved: np.ndarray = np.interp(places, np.arange(len(sound)), sound)
    return moved
