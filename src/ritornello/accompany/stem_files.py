"""Stems, their sum and an mp3 of it as files, written in blocks.

The mix is added up from the stems as they are in their files, so it is their sum to the last bit.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ritornello.dsp.mastering import PEAK_DB, Levels, Meter, curve_at, limiter_curve
from ritornello.dsp.scratch import Scratch, stretches
from ritornello.dsp.sound_files import BLOCK, sound_file, system_path

_FULL_SCALE = 2.0**23  # of 24 bits
_MP3_ADDS = 10 ** (0.5 / 20)
_MP3_VARIES = 10 ** (0.5 / 20)  # about so much when a moment is coded again a little softer
_MOST_MP3_ROUNDS = 4


@dataclass(frozen=True)
class Place:
    """Where a sound file is written, and the name it gets once it is whole."""

    temporary: Path
    target: Path


@dataclass(frozen=True, eq=False)
class Master:
    """The gain and the limiter that a whole mix passes, and so each of its stems.

    Attributes:
        gain: a factor.
        curve: of the limiter at hop boundaries, [hops + 1].
        hop: samples.
    """

    gain: float
    curve: np.ndarray
    hop: int

    @property
    def limiting_db(self) -> float:
        """The most that the limiter takes away, 0 or more."""
        return abs(20 * float(np.log10(self.curve.min(initial=1.0))))

    def at(self, start: int, count: int) -> np.ndarray:
        """The factor at each sample, float64 [count]."""
        return self.gain * curve_at(self.curve, self.hop, start, count)


def write_stem(
    scratch: Scratch, level_db: float, master: Master, place: Place, *, total: int, rate_hz: int
) -> None:
    """Write a stem at its level, mastered as the mix is.

    24 bits; where a stem passes full scale, as one may that others take away from, 32-bit floating
    point.

    Raises:
        OutputError: if it cannot be written.
    """
    level = 10 ** (level_db / 20)
    for coding in ("PCM_24", "FLOAT"):
        peak = 0.0
        with sound_file(place.temporary, place.target, rate_hz, 2, total, coding) as file:
            for start, count in stretches(total):
                sound = scratch.read(start, count) * (level * master.at(start, count))
                peak = max(peak, float(np.abs(sound).max()))
                file.write(_to_24_bits(sound) if coding == "PCM_24" else sound.T)
        if peak <= 1 - 1 / _FULL_SCALE:
            break


def write_sum(stems: list[Path], place: Place, *, total: int, rate_hz: int) -> Levels:
    """Write the sum of stem files in 24 bits, and say what it measures.

    Raises:
        OutputError: if it cannot be written.
    """
    import soundfile

    meter = Meter(rate_hz)
    files = [soundfile.SoundFile(system_path(stem)) for stem in stems]
    try:
        with sound_file(place.temporary, place.target, rate_hz, 2, total) as file:
            for _, count in stretches(total):
                # In float64 24-bit samples are exact.
                sound = sum((stem.read(count) for stem in files), np.zeros((count, 2)))
                file.write(_to_24_bits(sound.T))
                meter.add(sound.T.astype(np.float32))
    finally:
        for stem in files:
            stem.close()
    return meter.levels()


def write_mp3(
    wav: Path, mix: Levels, place: Place, *, total: int, rate_hz: int
) -> tuple[Levels, float]:
    """Write a wav file as mp3 whose true peak stays below -1 dB once it is decoded.

    The coder adds peaks of its own, so the loudest moments are taken back by what it usually adds.
    Where it passes the limit all the same, the limiter takes them back further and the sound is
    coded again; the fourth time all of it is taken back by what is still too much.

    Args:
        mix: what the wav file measures.

    Returns:
        What the decoded mp3 measures, and the most that was taken back, in dB.

    Raises:
        OutputError: if it cannot be written.
    """
    master = Master(1.0, limiter_curve(mix.peaks * _MP3_ADDS), mix.hop)
    limit = 10 ** ((PEAK_DB - 0.15) / 20)  # meters differ by so much
    for left in range(_MOST_MP3_ROUNDS - 1, -1, -1):
        _encode(wav, master, place, total, rate_hz)
        levels = _measure_decoded(place.temporary, rate_hz)
        peak = float(levels.peaks.max(initial=0.0))
        if peak <= limit or not left:
            break
        if left > 1:
            over = np.where(levels.peaks > limit, levels.peaks * _MP3_VARIES, 0)
            curve = master.curve * limiter_curve(over)
        else:
            curve = master.curve * (0.97 * limit / peak)
        master = Master(1.0, curve, mix.hop)
    return levels, master.limiting_db


def _encode(wav: Path, master: Master, place: Place, total: int, rate_hz: int) -> None:
    import soundfile

    with (
        soundfile.SoundFile(system_path(wav)) as source,
        sound_file(place.temporary, place.target, rate_hz, 2, total) as file,
    ):
        for start, count in stretches(total):
            file.write(source.read(count) * master.at(start, count)[:, None])


def _measure_decoded(path: Path, rate_hz: int) -> Levels:
    import soundfile

    meter = Meter(rate_hz)
    with soundfile.SoundFile(system_path(path)) as file:
        for block in file.blocks(BLOCK, dtype="float32"):
            meter.add(block.T)
    return meter.levels()


def _to_24_bits(sound: np.ndarray) -> np.ndarray:
    """Sound [2, samples] as 24 bits, in the upper ones of int32 [samples, 2]."""
    whole = np.clip(np.rint(sound.T * _FULL_SCALE), -_FULL_SCALE, _FULL_SCALE - 1)
    return whole.astype(np.int32) << 8
