"""How well beats and bars are heard in rendered clips whose beats are known, beside a fixed grid.

    python -m experiments.listening.beats

The clips are made of validation pieces by `beat_clips`. Figures by kind of clip, steady and
with rubato, and for a SoundFont that took no part in training if one is given.
"""

from __future__ import annotations

import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")

import argparse
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from experiments.listening.beat_clips import BEATLESS, KINDS, RATE_HZ, Clip, Renderer
from experiments.music_sets import ROOT, data_folder, open_music_sets
from experiments.scorecard import RESULTS, plain, say, write
from ritornello.transcribe import beats as listener
from ritornello.transcribe.activations import window_logits
from ritornello.transcribe.note_detection import find_notes
from ritornello.transcribe.spectra import log_bands
from ritornello.transcribe.values import Beats, Hints

PROTOCOL = (
    "clips of 20 s of validation pieces, rendered as in training (random excerpt, tempo, key, "
    "level, room, noise); F1 of beats and downbeats by mir_eval (70 ms) from the first to the last "
    "true beat, nothing trimmed; downbeats of clips whose files tell where bars begin; offsets in "
    "ms of heard beats within 70 ms of true ones, pooled; half_or_double: share of clips heard at "
    "about half or twice the true tempo; heard: by sound and by the notes that the package "
    "transcribes; sound: without notes; grid: 120 beats a minute from the first onset, in 4/4"
)
_FOUND_WITHIN_SECONDS = 0.07


def measure(renderer: Renderer, options: argparse.Namespace) -> dict[str, Any]:
    """Figures of each kind, steady and with rubato, of all ways to find beats."""
    rows: dict[str, list[tuple[Clip, dict[str, Beats]]]] = {}
    for kind in KINDS:
        for steady in (True, False):
            rng = np.random.default_rng([options.seed, KINDS.index(kind), steady])
            clips = [renderer.clip(kind, rng, steady=steady) for _ in range(options.clips)]
            name = f"{kind}, {'steady' if steady else 'rubato'}"
            rows[name] = [(clip, ways(clip)) for clip in clips]
            say(f"{name}: {plain(row([(clip, found['heard']) for clip, found in rows[name]]))}")
    if options.librosa:
        pairs = [pair for heard in rows.values() for pair in heard]
        theirs = librosa_beats([clip for clip, _ in pairs], options.librosa)
        for (_, found), beats in zip(pairs, theirs, strict=True):
            found["librosa"] = beats
    for part in ("steady", "rubato"):
        rows[f"all, {part}"] = [pair for name in rows if name.endswith(part) for pair in rows[name]]
    everything = rows["all, steady"] + rows["all, rubato"]
    figures = {
        name: {way: row([(clip, found[way]) for clip, found in heard]) for way in heard[0][1]}
        for name, heard in rows.items()
    }
    return {"by_kind": figures, "calibration": calibration(everything)}


def ways(clip: Clip) -> dict[str, Beats]:
    """The beats as heard with and without notes, and those of the grid."""
    seconds = len(clip.samples) / RATE_HZ
    notes = find_notes([clip.samples])
    spectra = np.concatenate([*log_bands([clip.samples])])
    logits = window_logits([spectra], listener.bundled())
    grid = np.arange(clip.notes["onset_seconds"][0], seconds, 0.5)
    return {
        "heard": listener.beats_of(logits, seconds, Hints(), notes, None, spectra),
        "sound": listener.beats_of(logits, seconds, Hints(), notes[:0], None, spectra),
        "grid": Beats(grid, (4, 4), 0, 4, 0.0, 0.0),
    }


def librosa_beats(clips: Sequence[Clip], python: str) -> list[Beats]:
    """What `librosa.beat.beat_track` finds, run by the Python of another environment."""
    code = (
        "import sys, numpy, librosa\n"
        f"found = [librosa.beat.beat_track(y=y, sr={RATE_HZ}, units='time')[1]"
        " for y in numpy.load(sys.argv[1])]\n"
        "numpy.savez(sys.argv[2], *found)"
    )
    with tempfile.TemporaryDirectory() as folder:
        sound, answer = f"{folder}/sound.npy", f"{folder}/beats.npz"
        np.save(sound, np.stack([clip.samples for clip in clips]))
        subprocess.run([python, "-c", code, sound, answer], check=True)
        with np.load(answer) as arrays:
            found = [arrays[f"arr_{number}"] for number in range(len(clips))]
    return [Beats(_two(times), (4, 4), 0, 4, 0.0, 0.0) for times in found]


def _two(times: np.ndarray) -> np.ndarray:
    """The times, or two without meaning after the end where there are fewer."""
    return times if len(times) > 1 else np.array([1e3, 2e3])


def row(heard: Sequence[tuple[Clip, Beats]]) -> dict[str, float]:
    """Means over clips, and quantiles of the offsets of all their beats."""
    scores = [score(clip, found) for clip, found in heard]
    offsets = np.concatenate([offsets_seconds(clip, found) for clip, found in heard])
    bars = [one["downbeat_f1"] for one in scores if "downbeat_f1" in one]
    size = np.abs(offsets) * 1000 if len(offsets) else np.array([np.nan])
    return {
        "clips": len(heard),
        "beat_f1": float(np.mean([one["beat_f1"] for one in scores])),
        "downbeat_f1": float(np.mean(bars)) if bars else float("nan"),
        "half_or_double": float(np.mean([one["half_or_double"] for one in scores])),
        "offset_ms_median": float(np.median(size)),
        "offset_ms_95": float(np.quantile(size, 0.95)),
        "offset_ms_mean_signed": float(np.mean(offsets) * 1000) if len(offsets) else float("nan"),
    }


def score(clip: Clip, found: Beats) -> dict[str, float]:
    """F1 of beats, and of downbeats where they are known."""
    from mir_eval.beat import f_measure

    true = clip.beats_seconds
    tempo = 60 / np.median(np.diff(true))
    figures = {
        "beat_f1": f_measure(true, _within(found.times_seconds, true)),
        "half_or_double": float(abs(abs(np.log2(found.tempo_bpm / tempo)) - 1) < 0.15),
    }
    if clip.is_downbeat is not None:
        bars = true[clip.is_downbeat]
        figures["downbeat_f1"] = f_measure(bars, _within(found.downbeats_seconds, true))
    return figures


def offsets_seconds(clip: Clip, found: Beats) -> np.ndarray:
    """From true beats to the heard ones that are near, positive if heard late."""
    away = found.times_seconds - clip.beats_seconds[:, None]
    nearest = away[np.arange(len(away)), np.abs(away).argmin(axis=1)]
    result: np.ndarray = nearest[np.abs(nearest) <= _FOUND_WITHIN_SECONDS]
    return result


def _within(times_seconds: np.ndarray, true: np.ndarray) -> np.ndarray:
    low, high = true[0] - _FOUND_WITHIN_SECONDS, true[-1] + _FOUND_WITHIN_SECONDS
    result: np.ndarray = times_seconds[(times_seconds >= low) & (times_seconds <= high)]
    return result


def calibration(heard: Sequence[tuple[Clip, dict[str, Beats]]]) -> list[dict[str, float]]:
    """Confidence beside what was right, in five bins."""
    found = [(pair["heard"], score(clip, pair["heard"])) for clip, pair in heard]
    bins = []
    for low in np.arange(0, 1, 0.2):
        of_beats = [s["beat_f1"] for f, s in found if low <= f.confidence < low + 0.2 + 1e-9]
        of_bars = [
            s["downbeat_f1"] for f, s in found
            if low <= f.downbeat_confidence < low + 0.2 + 1e-9 and "downbeat_f1" in s
        ]  # fmt: skip
        bins.append(
            {
                "from": float(low),
                "clips": len(of_beats),
                "beat_f1": float(np.mean(of_beats)) if of_beats else float("nan"),
                "clips_by_downbeat_confidence": len(of_bars),
                "downbeat_f1": float(np.mean(of_bars)) if of_bars else float("nan"),
            }
        )
    return bins


def beatless(renderer: Renderer, clips: int, seed: int) -> dict[str, Any]:
    """How sure the listener is of beats where there are none."""
    figures = {}
    for kind in BEATLESS:
        rng = np.random.default_rng([seed, 100 + BEATLESS.index(kind)])
        sure = []
        for _ in range(clips):
            clip = renderer.beatless(kind, rng)
            seconds = len(clip.samples) / RATE_HZ
            notes = find_notes([clip.samples])
            found = listener.find_beats([clip.samples], seconds, Hints(), notes)
            sure.append(found.confidence)
        figures[kind] = {"mean": float(np.mean(sure)), "highest": float(np.max(sure))}
    return figures


def markdown(figures: dict[str, Any]) -> str:
    lines = [
        "| clips | n | beat F1 | grid | librosa | downbeat F1 | half or double | median, 95% ms |",
        "|---" * 8 + "|",
    ]
    for font, found in figures.items():
        for name, of_ways in found["by_kind"].items():
            ours, grid, librosa = (of_ways.get(way, {}) for way in ("heard", "grid", "librosa"))
            cells = [
                f"{name} ({font})",
                f"{ours['clips']}",
                *(_figure(way, "beat_f1") for way in (ours, grid, librosa)),
                *(_figure(ours, field) for field in ("downbeat_f1", "half_or_double")),
                f"{ours['offset_ms_median']:.0f}, {ours['offset_ms_95']:.0f}",
            ]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _figure(row: dict[str, float], field: str) -> str:
    return "" if row.get(field) is None else f"{row[field]:.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=data_folder(), help="folder of music sets")
    parser.add_argument("--store", type=Path, default=ROOT / ".cache" / "music_sets")
    parser.add_argument("--results", type=Path, default=RESULTS, help="where the JSON goes")
    parser.add_argument("--clips", type=int, default=12, help="of each kind, steady and rubato")
    parser.add_argument("--unseen-font", help="a SoundFont that took no part in training")
    parser.add_argument("--librosa", help="the Python of an environment that has librosa")
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    corpus = open_music_sets(options.store, options.data).corpus
    began = time.process_time()
    figures = {}
    fonts = {"package": None, "unseen": options.unseen_font}
    for name, font in fonts.items():
        if name == "package" or font:
            renderer = Renderer(corpus, "valid", [font])
            figures[name] = measure(renderer, options)
            figures[name]["beatless"] = beatless(renderer, options.clips, options.seed)
    found = {"protocol": PROTOCOL, "seeds": [options.seed], "figures": figures}
    used = {"cpu_seconds": time.process_time() - began}
    path = write("beats", found, used, options.results, program="experiments.listening.beats")
    print(markdown(plain(figures)))
    say(f"Written to {path}")


if __name__ == "__main__":
    main()
