"""What each kind of change of sound costs the ears, on rendered solos that are known.

    python -m experiments.listening.sound_changes FOLDER    # solos of `experiments.remix heard`

The folder is the `solos-...` one in the work folder of that command. The smooth solos of each
instrument, 25 s of each, are heard as they are and changed in one way at a time: beat F1 within
70 ms, the same at any level, note F1 within 50 ms. About five minutes.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from experiments.remix.hearing import beat_scores, note_scores
from experiments.remix.solos import KINDS, Solo, load
from ritornello.dsp import effects
from ritornello.dsp.sound_files import read_audio, write_audio
from ritornello.dsp.waveform import Waveform
from ritornello.rng import Rng
from ritornello.transcribe.transcription import listen

_SECONDS, _SOLOS = 25.0, 3
_FIGURES = "beat_f1", "beat_f1_any_level", "note_f1"
_Sound = Callable[[np.ndarray, int, Rng], np.ndarray]
# Where in the sound as it is each moment of a changed one is heard, both in seconds.
_Speed = Callable[[np.ndarray], np.ndarray]


def _at_once(sound: np.ndarray, rate_hz: int, rng: Rng) -> np.ndarray:
    return sound


def _room(size: float, level_db: float) -> _Sound:
    return lambda sound, rate_hz, rng: effects.room(sound, rate_hz, size=size, level_db=level_db)


def _noise(kind: effects.NoiseKind, down_db: float) -> _Sound:
    return lambda sound, rate_hz, rng: effects.add_noise(sound, rate_hz, kind, down_db, rng)


def _phone(sound: np.ndarray, rate_hz: int, rng: Rng) -> np.ndarray:
    """The band of a telephone, levels evened, noise 30 dB down, mp3 of the lowest rate."""
    sound = effects.band_limit(sound, rate_hz, *effects.TELEPHONE_HZ)
    peak_db = 20 * np.log10(max(1e-6, float(np.abs(sound).max())))
    sound = sound * effects.compression_curve(sound, rate_hz, threshold_db=peak_db - 30, ratio=8)
    return _mp3(effects.add_noise(sound, rate_hz, "pink", 30, rng), rate_hz, rng)


def _mp3(sound: np.ndarray, rate_hz: int, rng: Rng) -> np.ndarray:
    return effects.through_mp3(sound, rate_hz, 0.7)


def _clipped(sound: np.ndarray, rate_hz: int, rng: Rng) -> np.ndarray:
    """18 dB too loud for its recorder."""
    peak = float(np.abs(sound).max())
    result: np.ndarray = np.clip(8 * sound, -peak, peak)
    return result


def _clicks(sound: np.ndarray, rate_hz: int, rng: Rng) -> np.ndarray:
    """Five clicks of a millisecond a second, half as loud as the loudest moment."""
    out, peak = sound.copy(), float(np.abs(sound).max())
    length = rate_hz // 1000
    for start in rng.integers(len(sound) - length, size=round(5 * len(sound) / rate_hz)):
        out[start : start + length] += np.float32(0.5 * peak) * rng.uniform(-1, 1, length)
    return out.astype(np.float32)


def _cents(cents: float) -> _Speed:
    return lambda seconds: seconds * 2 ** (cents / 1200)


def _drift(seconds: np.ndarray) -> np.ndarray:
    """A tape that is up to 2% too fast or slow, once each 15 s, and flutters by .3%."""
    slow = 0.02 * 15 / (2 * np.pi) * np.sin(2 * np.pi * seconds / 15)
    return seconds + slow + 0.003 / (2 * np.pi * 6) * np.sin(2 * np.pi * 6 * seconds)


def _vibrato(seconds: np.ndarray) -> np.ndarray:
    """All notes tremble by 50 cents, 5.5 times a second."""
    return seconds + 0.029 / (2 * np.pi * 5.5) * np.sin(2 * np.pi * 5.5 * seconds)


def _as_fast(seconds: np.ndarray) -> np.ndarray:
    return seconds


CHANGES: dict[str, tuple[_Sound, _Speed]] = {
    "as it is": (_at_once, _as_fast),
    "small room": (_room(0.4, -12), _as_fast),
    "hall": (_room(1.5, -6), _as_fast),
    "phone": (_phone, _as_fast),
    "mp3, lowest rate": (_mp3, _as_fast),
    "hum 20 dB down": (_noise("hum", 20), _as_fast),
    "noise 20 dB down": (_noise("pink", 20), _as_fast),
    "noise 10 dB down": (_noise("pink", 10), _as_fast),
    "clicks": (_clicks, _as_fast),
    "clipped by 18 dB": (_clipped, _as_fast),
    "20 cents higher": (_at_once, _cents(20)),
    "40 cents higher": (_at_once, _cents(40)),
    "drifting tape": (_at_once, _drift),
    "vibrato": (_at_once, _vibrato),
}


def heard(solo: Solo, sound: _Sound, speed: _Speed, rng: Rng) -> dict[str, float]:
    """`_FIGURES` of a solo that is changed."""
    take = read_audio(solo.path)
    rate_hz, end = take.rate_hz, min(_SECONDS, take.duration_seconds)
    mono = take.samples.mean(axis=1)[: round(end * rate_hz)]
    changed = sound(mono, rate_hz, rng)
    here = np.arange(0, 1.1 * end, 0.005)
    places = speed(np.arange(0, end, 1 / rate_hz)) * rate_hz
    places = places[places < len(changed) - 1]
    if speed is not _as_fast:
        changed = np.interp(places, np.arange(len(changed)), changed).astype(np.float32)

    def moved(seconds: np.ndarray) -> np.ndarray:
        result: np.ndarray = np.interp(seconds, speed(here), here)
        return result

    with tempfile.TemporaryDirectory() as folder:
        path = write_audio(Waveform(changed[:, None], rate_hz), Path(folder) / "take.wav")
        found = listen(path)
    last = len(changed) / rate_hz
    notes = solo.notes.copy()
    for name in ("onset_seconds", "end_seconds"):
        notes[name] = moved(notes[name])
    beats, downbeats = moved(solo.beats_seconds), moved(solo.downbeats_seconds)
    scores = beat_scores(
        beats[beats < last],
        downbeats[downbeats < last],
        found.beats.times_seconds,
        found.beats.downbeats_seconds,
    )
    scores |= note_scores(notes[notes["onset_seconds"] < last - 0.1], found.notes)
    return {name: float(scores[name]) for name in _FIGURES}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--solos", type=int, default=_SOLOS, help="of each instrument")
    options = parser.parse_args()
    names = sorted(path.stem for path in options.folder.glob("*.json"))
    known = [load(options.folder, name) for name in names]
    smooth = {kind: [s for s in known if s.kind == kind and not s.manner.rough] for kind in KINDS}
    chosen = [solo for solos in smooth.values() for solo in solos[: options.solos]]
    for change, (sound, speed) in CHANGES.items():
        rows = [heard(solo, sound, speed, np.random.default_rng(0)) for solo in chosen]
        told = "  ".join(f"{name} {np.mean([r[name] for r in rows]):.3f}" for name in _FIGURES)
        print(f"{change:18} {len(rows):3}  {told}", flush=True)


if __name__ == "__main__":
    main()
