"""Drumming whose strokes are known: human performances on synthesised and on recorded drums.

The MIDI is that of the Groove MIDI Dataset (official split), played on kits drawn anew for each
clip: each drum is synthesised (after the circuits of analogue machines: a falling sine and a click
for kicks and toms, tone and noise for snares, filtered noise and metal partials for hats and
cymbals) or a CC0 one-shot, louder or softer, in a room, with noise, and now and then beside
music, as a separated stem keeps some. One-shots of validation are no others' of training.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.signal import butter, sosfilt

from ritornello.dsp.effects import random_effects
from ritornello.dsp.sound_files import read_audio
from ritornello.music import io
from ritornello.music.piece import Piece
from ritornello.synth.sampler import PlayedNote
from ritornello.transcribe.drum_detection import DRUM_KINDS, kind_of
from ritornello.transcribe.spectra import RATE_HZ

SECONDS = 10.0
_ONE_SHOTS = {
    "kick": ("bd_", "drum_bass", "drum_heavy_kick", "elec_hollow_kick", "elec_soft_kick"),
    "snare": ("sn_", "drum_snare", "elec_snare", "elec_hi_sn", "elec_lo_sn", "elec_mid_sn"),
    "hi-hat": ("hat_", "drum_cymbal_closed", "drum_cymbal_pedal"),
    "tom": ("drum_tom", "elec_fuzz_tom"),
    "cymbal": ("drum_cymbal_hard", "drum_cymbal_soft", "drum_splash", "drum_cymbal_open"),
}  # fmt: skip
_RECORDED_SHARE = 0.45
_LONGEST_SECONDS = 1.5
_MUSIC_SHARE = 0.35


class DrumClip(NamedTuple):
    """Samples, mono float32 at 22,050 Hz, and strokes: seconds and index into `DRUM_KINDS`."""

    samples: np.ndarray
    seconds: np.ndarray
    kinds: np.ndarray


def clips(data: Path, side: str, count: int, seed: int) -> Iterator[DrumClip]:
    """Clips of the side "train" or "validation"."""
    rng = np.random.default_rng(seed)
    folder = data / "groove_midi"
    with (folder / "info.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == side]
    shots = one_shots(data, side)
    while count:
        piece = io.read(folder / rows[rng.integers(len(rows))]["midi_filename"])
        found = _clip(piece, shots, rng)
        if found is not None:
            yield found
            count -= 1


def one_shots(data: Path, side: str) -> dict[str, list[np.ndarray]]:
    """CC0 sounds of each kind; every fourth is kept for validation."""
    import soxr

    found: dict[str, list[np.ndarray]] = {}
    for kind, starts in _ONE_SHOTS.items():
        paths = sorted((data / "audio_clips" / "cc0_oneshots").glob("*.flac"))
        paths = [path for path in paths if path.name.startswith(starts)]
        mine = [path for n, path in enumerate(paths) if (n % 4 == 3) == (side != "train")]
        for path in mine or paths:
            sound = read_audio(path)
            mono = soxr.resample(sound.samples.mean(axis=1), sound.rate_hz, RATE_HZ)
            mono = mono[: round(_LONGEST_SECONDS * RATE_HZ)]
            loud = np.flatnonzero(np.abs(mono) > 0.05 * np.abs(mono).max())
            found.setdefault(kind, []).append(_level(mono[max(0, loud[0] - 20) :]))
    return found


class Kit(NamedTuple):
    """Drums of all kinds, a few of each, and how loud each kind is."""

    drums: dict[str, list[np.ndarray]]
    levels: np.ndarray

    @classmethod
    def draw(cls, shots: dict[str, list[np.ndarray]], rng: np.random.Generator) -> Kit:
        levels = 10 ** (rng.uniform(-14, 0, len(DRUM_KINDS)) / 20)
        levels[[0, 1]] = 10 ** (rng.uniform(-6, 0, 2) / 20)
        drums = {
            kind: [_drum(kind, shots, rng) for _ in range(3 if kind in ("tom", "cymbal") else 1)]
            for kind in DRUM_KINDS
        }
        return cls(drums, levels)

    def play(
        self, notes: Sequence[PlayedNote], samples: int, rng: np.random.Generator
    ) -> np.ndarray:
        """Strokes on General MIDI keys as they sound, float32 [samples]; other keys are silent."""
        out = np.zeros(samples, np.float32)
        for note in notes:
            number = kind_of(note.pitch)
            if number < 0 or note.onset >= samples:
                continue
            variants = self.drums[DRUM_KINDS[number]]
            sound = variants[rng.integers(len(variants))][: samples - note.onset]
            force = self.levels[number] * (0.15 + 0.85 * (note.velocity / 127) ** 1.5)
            out[note.onset : note.onset + len(sound)] += (force * sound).astype(np.float32)
        out *= np.float32(0.1 / max(1e-4, float(np.sqrt(np.square(out).mean()))))
        return out


def _clip(
    piece: Piece, shots: dict[str, list[np.ndarray]], rng: np.random.Generator
) -> DrumClip | None:
    notes = np.concatenate([track.notes for track in piece.tracks if track.is_drum])
    times = piece.ticks_to_seconds(notes["onset"])
    start = float(rng.uniform(0, max(0.1, times.max(initial=0) - SECONDS)))
    kinds = np.array([kind_of(int(pitch)) for pitch in notes["pitch"]])
    here = (times >= start) & (times < start + SECONDS - 0.1) & (kinds >= 0)
    if here.sum() < 8:
        return None
    seconds, kinds = times[here] - start, kinds[here]
    placed = [
        PlayedNote(round(at * RATE_HZ), 0, int(pitch), int(velocity))
        for at, pitch, velocity in zip(
            seconds, notes["pitch"][here], notes["velocity"][here], strict=True
        )
    ]
    samples = Kit.draw(shots, rng).play(placed, round(SECONDS * RATE_HZ), rng)
    if rng.random() < _MUSIC_SHARE:
        samples = samples + 10 ** (rng.uniform(-30, -8) / 20) * _music(len(samples), rng)
    samples = (0.5 * samples / max(1e-6, np.abs(samples).max())).astype(np.float32)
    return DrumClip(random_effects(samples, RATE_HZ, rng, strength=0.7), seconds, kinds)


def _level(sound: np.ndarray) -> np.ndarray:
    result: np.ndarray = sound / max(1e-6, float(np.abs(sound).max()))
    return result


def _drum(kind: str, shots: dict[str, list[np.ndarray]], rng: np.random.Generator) -> np.ndarray:
    if rng.random() < _RECORDED_SHARE:
        sound = shots[kind][rng.integers(len(shots[kind]))]
        # A little higher or lower, as other drums of the kind.
        step = rng.uniform(0.85, 1.18)
        places = np.arange(0, len(sound) - 1, step)
        moved: np.ndarray = np.interp(places, np.arange(len(sound)), sound)
        return moved
    return _level(_SYNTHESISED[kind](rng))


# --- synthesis --------------------------------------------------------------------------------


def _time(seconds: float) -> np.ndarray:
    return np.arange(round(seconds * RATE_HZ)) / RATE_HZ


def _filtered(sound: np.ndarray, low_hz: float, high_hz: float) -> np.ndarray:
    edges = [max(20, low_hz), min(high_hz, 0.49 * RATE_HZ)]
    result: np.ndarray = sosfilt(butter(2, edges, "band", fs=RATE_HZ, output="sos"), sound)
    return result


def _falling(rng: np.random.Generator, base_hz: float, octaves: float, decay: float) -> np.ndarray:
    """A sine that falls to its pitch."""
    time = _time(min(_LONGEST_SECONDS, 7 * decay))
    hz = base_hz * 2 ** (octaves * np.exp(-time / rng.uniform(0.01, 0.05)))
    sine: np.ndarray = np.sin(2 * np.pi * np.cumsum(hz) / RATE_HZ)
    return sine * np.exp(-time / decay)


def _noise(rng: np.random.Generator, decay: float, low_hz: float, high_hz: float) -> np.ndarray:
    time = _time(min(_LONGEST_SECONDS, 7 * decay))
    return _level(
        _filtered(rng.standard_normal(len(time)) * np.exp(-time / decay), low_hz, high_hz)
    )


def _sum(*sounds: np.ndarray) -> np.ndarray:
    out = np.zeros(max(map(len, sounds)))
    for sound in sounds:
        out[: len(sound)] += sound
    return out


def _kick(rng: np.random.Generator) -> np.ndarray:
    body = _falling(rng, rng.uniform(40, 75), rng.uniform(0.5, 2.5), rng.uniform(0.05, 0.25))
    click = rng.uniform(0, 0.5) * _noise(rng, rng.uniform(0.002, 0.01), 500, rng.uniform(2e3, 9e3))
    return _sum(np.tanh(rng.uniform(1, 3) * body), click)


def _snare(rng: np.random.Generator) -> np.ndarray:
    body = _falling(rng, rng.uniform(140, 260), rng.uniform(0, 0.8), rng.uniform(0.03, 0.1))
    wires = _noise(rng, rng.uniform(0.04, 0.2), rng.uniform(300, 2000), rng.uniform(5e3, 1e4))
    return _sum(rng.uniform(0.2, 1) * body, rng.uniform(0.5, 1.2) * wires)


def _hat(rng: np.random.Generator) -> np.ndarray:
    decay = rng.uniform(0.01, 0.07) if rng.random() < 0.75 else rng.uniform(0.1, 0.4)
    return _metal(rng, decay, rng.uniform(4000, 8000))


def _cymbal(rng: np.random.Generator) -> np.ndarray:
    return _metal(rng, rng.uniform(0.3, 1.0), rng.uniform(1500, 5000))


def _metal(rng: np.random.Generator, decay: float, low_hz: float) -> np.ndarray:
    noise = _noise(rng, decay, low_hz, 1.05e4)
    time = np.arange(len(noise)) / RATE_HZ
    partials = rng.uniform(low_hz, 1e4, 6)
    tones = sum(np.sign(np.sin(2 * np.pi * hz * time)) for hz in partials) / 6
    ringing = _filtered(tones * np.exp(-time / decay), low_hz, 1.05e4)
    metal: np.ndarray = noise + rng.uniform(0, 0.7) * ringing
    return metal


def _tom(rng: np.random.Generator) -> np.ndarray:
    body = _falling(rng, rng.uniform(70, 220), rng.uniform(0.1, 0.6), rng.uniform(0.1, 0.3))
    return _sum(body, rng.uniform(0, 0.3) * _noise(rng, 0.01, 300, 5000))


_SYNTHESISED = {"kick": _kick, "snare": _snare, "hi-hat": _hat, "tom": _tom, "cymbal": _cymbal}


def _music(count: int, rng: np.random.Generator) -> np.ndarray:
    """Tones of a band that have nothing to do with the drums."""
    out = np.zeros(count + 2 * RATE_HZ)
    for _ in range(int(rng.integers(10, 60))):
        time = _time(rng.uniform(0.2, 1.5))
        hz = 440 * 2 ** ((rng.integers(30, 84) - 69) / 12)
        tone = sum(
            np.sin(2 * np.pi * k * hz * time) / k ** rng.uniform(0.7, 2) for k in range(1, 8)
        )
        start = int(rng.integers(count))
        out[start : start + len(time)] += (
            tone
            * np.exp(-time / rng.uniform(0.1, 1))
            * (np.minimum(1, time / rng.uniform(0.002, 0.1)))
        )
    return _level(out[:count])
