"""How well songs that people recorded are taken apart: SI-SDR against the mix, stem by stem.

    python -m experiments.separation.real_songs [--side test]

CC0 songs with their stems (`data/real_stems`), at 22,050 Hz, mono; a voice belongs to "other". Of
long songs 45 seconds from one minute on are heard, as `real_takes` hears them. Stems that are 30 dB
below the mix there have no figures.
"""

from __future__ import annotations

import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from experiments.music_sets import data_folder
from experiments.scorecard import say
from ritornello.dsp.sound_files import read_audio
from ritornello.separate.overlapping_chunks import root_mean_square, separate_blocks
from ritornello.separate.runtime import SeparatorNetwork
from ritornello.separate.scores import ideal_ratio_mask, si_sdr_db
from ritornello.separate.separation import load_separator
from ritornello.separate.stem_folders import PARTS

_LISTENED_SECONDS = 60.0, 105.0
_FAINT_DB = -30.0  # against the mix


def songs(data: Path, side: str) -> Iterator[tuple[str, np.ndarray, int]]:
    """Names, stems float64 [samples, parts] and rates; of long songs what is listened to."""
    for name, stems, rate_hz in whole_songs(data, side):
        start, end = (round(seconds * rate_hz) for seconds in _LISTENED_SECONDS)
        yield name, stems[start:end] if len(stems) > end else stems, rate_hz


def whole_songs(data: Path, side: str) -> Iterator[tuple[str, np.ndarray, int]]:
    """Names, stems float64 [samples, parts] and rates."""
    for folder in sorted((data / "real_stems" / side).iterdir()):
        sounds = {path.stem: read_audio(path) for path in sorted(folder.glob("*.ogg"))}
        rate_hz = next(iter(sounds.values())).rate_hz
        length = min(len(sound.samples) for sound in sounds.values())
        stems = np.zeros((length, len(PARTS)))
        for name, sound in sounds.items():
            part = PARTS.index(name if name in PARTS else "other")
            stems[:, part] += sound.samples[:length].mean(axis=1)
        yield folder.name, stems, rate_hz


def gains(stems: np.ndarray, rate_hz: int, network: SeparatorNetwork) -> dict[str, list[float]]:
    """Decibels by part that sounds: SI-SDR of the mix, gained by ours, and by the ideal mask."""
    mix = stems.sum(axis=1)
    found = separated(mix, rate_hz, network)
    ideal = ideal_ratio_mask(stems, rate_hz)
    rows = {}
    for part, name in enumerate(PARTS):
        if is_heard(stems[:, part], mix):
            before, ours, bound = (
                si_sdr_db(stems[:, part], sound) for sound in (mix, found[:, part], ideal[:, part])
            )
            rows[name] = [before, ours - before, bound - before]
    return rows


def separated(mix: np.ndarray, rate_hz: int, network: SeparatorNetwork) -> np.ndarray:
    """What a separator makes of a mix [samples], [samples, parts]."""
    blocks = [mix[:, None].astype(np.float32)]
    made = separate_blocks(blocks, rate_hz, network, level=root_mean_square(blocks))
    return np.concatenate([*made], axis=1)[:, : len(mix), 0].T


def is_heard(stem: np.ndarray, mix: np.ndarray) -> bool:
    """Whether a stem is loud enough in a mix to have figures."""
    return bool(np.square(stem).mean() > 10 ** (_FAINT_DB / 10) * np.square(mix).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=data_folder())
    parser.add_argument("--side", default="test", choices=("test", "train"))
    parser.add_argument("--model", type=Path, help="a separator in place of the bundled one")
    options = parser.parse_args()
    network = SeparatorNetwork(load_separator(options.model))
    every: dict[str, list[list[float]]] = {}
    for name, stems, rate_hz in songs(options.data, options.side):
        rows = gains(stems, rate_hz, network)
        for part, row in rows.items():
            every.setdefault(part, []).append(row)
        said = (f"{part} {a:.1f} {b:+.1f} ({c:+.1f})" for part, (a, b, c) in rows.items())
        say(f"{name:16} {', '.join(said)}")
    for part, found in every.items():
        before, ours, bound = np.mean(found, axis=0)
        say(f"{part:8} {len(found)}: mix {before:.1f} dB, gained {ours:+.1f}, ideal {bound:+.1f}")


if __name__ == "__main__":
    main()
