"""How well beats and bars are heard in rendered clips whose beats are known, beside a fixed grid.

    python -m benchmarks.beats

The clips are made of validation pieces by `tools.beat_clips`. Figures by kind of clip, steady and
with rubato, and for a SoundFont that took no part in training if one is given.
"""

from __future__ import annotations

import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.music_sets import ROOT, data_folder, open_music_sets
from benchmarks.scorecard import RESULTS, plain, say, write
from tools.beat_clips import BEATLESS, KINDS, RATE_HZ, Clip, Renderer

from ritornello.audio.listening import beats as listener
from ritornello.audio.listening.heard import Beats, Hints

PROTOCOL = (
    "clips of 20 s of validation pieces, rendered as in training (random excerpt, tempo, key, "
    "level, room, noise); F1 of beats and downbeats by mir_eval (70 ms) from the first to the last "
    "true beat, nothing trimmed; downbeats of clips whose files tell where bars begin; offsets in "
    "ms of heard beats within 70 ms of true ones, pooled; half_or_double: share of clips heard at "
    "about half or twice the true tempo; snapped: to the true onsets as a transcriber might find "
    "them (normal error of 10 ms, one in ten missing); raw: without onsets; grid: 120 beats a "
    "minute from the first onset, in 4/4"
)
_FOUND_WITHIN_SECONDS = 0.07
_TRANSCRIBED_WITHIN_SECONDS = 0.01
_TRANSCRIBED_SHARE = 0.9


def measure(renderer: Renderer, clips: int, seed: int) -> dict[str, Any]:
    """Figures of each kind, steady and with rubato."""
    figures: dict[str, Any] = {}
    everything: list[tuple[Clip, dict[str, Beats]]] = []
    for kind in KINDS:
        for steady in (True, False):
            rng = np.random.default_rng([seed, KINDS.index(kind), steady])
            drawn = [renderer.clip(kind, rng, steady=steady) for _ in range(clips)]
            heard = [(clip, ways(clip, rng)) for clip in drawn]
            everything += heard
            name = f"{kind}, {'steady' if steady else 'rubato'}"
            figures[name] = {
                way: row([(clip, found[way]) for clip, found in heard]) for way in heard[0][1]
            }
            say(f"{name}: {plain(figures[name]['snapped'])}")
    figures["all"] = {
        way: row([(clip, found[way]) for clip, found in everything]) for way in everything[0][1]
    }
    return {"by_kind": figures, "calibration": calibration(everything)}


def ways(clip: Clip, rng: np.random.Generator) -> dict[str, Beats]:
    """The beats as heard with and without onsets, and those of the grid."""
    seconds = len(clip.samples) / RATE_HZ
    onsets = clip.onsets_seconds[rng.random(len(clip.onsets_seconds)) < _TRANSCRIBED_SHARE]
    onsets = np.sort(onsets + rng.normal(0, _TRANSCRIBED_WITHIN_SECONDS, len(onsets)))
    nothing = np.zeros(0)
    silence = np.zeros_like(clip.samples)
    return {
        "snapped": listener.find_beats([clip.samples], seconds, Hints(), onsets),
        "raw": listener.find_beats([clip.samples], seconds, Hints(), nothing),
        "grid": listener.find_beats([silence], seconds, Hints(), clip.onsets_seconds),
    }


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
    return nearest[np.abs(nearest) <= _FOUND_WITHIN_SECONDS]


def _within(times_seconds: np.ndarray, true: np.ndarray) -> np.ndarray:
    low, high = true[0] - _FOUND_WITHIN_SECONDS, true[-1] + _FOUND_WITHIN_SECONDS
    return times_seconds[(times_seconds >= low) & (times_seconds <= high)]


def calibration(heard: Sequence[tuple[Clip, dict[str, Beats]]]) -> list[dict[str, float]]:
    """Confidence beside what was right, in five bins."""
    found = [(pair["snapped"], score(clip, pair["snapped"])) for clip, pair in heard]
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
            found = listener.find_beats([clip.samples], seconds, Hints(), clip.onsets_seconds)
            sure.append(found.confidence)
        figures[kind] = {"mean": float(np.mean(sure)), "highest": float(np.max(sure))}
    return figures


def markdown(figures: dict[str, Any]) -> str:
    lines = ["| clips | n | beat F1 | raw | grid | downbeat F1 | half, double | median, 95% ms |"]
    lines.append("|---" * 8 + "|")
    for font, found in figures.items():
        for name, ways_found in found["by_kind"].items():
            ours, raw, grid = (ways_found[way] for way in ("snapped", "raw", "grid"))
            lines.append(
                f"| {name} ({font}) | {ours['clips']} | {ours['beat_f1']:.2f} "
                f"| {raw['beat_f1']:.2f} | {grid['beat_f1']:.2f} | {ours['downbeat_f1']:.2f} "
                f"| {ours['half_or_double']:.2f} "
                f"| {ours['offset_ms_median']:.0f}, {ours['offset_ms_95']:.0f} |"
            )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=data_folder(), help="folder of music sets")
    parser.add_argument("--store", type=Path, default=ROOT / ".cache" / "music_sets")
    parser.add_argument("--results", type=Path, default=RESULTS, help="where the JSON goes")
    parser.add_argument("--clips", type=int, default=12, help="of each kind, steady and rubato")
    parser.add_argument("--unseen-font", help="a SoundFont that took no part in training")
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    corpus = open_music_sets(options.store, options.data).corpus
    began = time.process_time()
    figures = {}
    fonts = {"package": None, "unseen": options.unseen_font}
    for name, font in fonts.items():
        if name == "package" or font:
            renderer = Renderer(corpus, "valid", [font])
            figures[name] = measure(renderer, options.clips, options.seed)
            figures[name]["beatless"] = beatless(renderer, options.clips, options.seed)
    found = {"protocol": PROTOCOL, "seeds": [options.seed], "figures": figures}
    used = {"cpu_seconds": time.process_time() - began}
    path = write("beats", found, used, options.results, program="benchmarks.beats")
    print(markdown(figures))
    say(f"Written to {path}")


if __name__ == "__main__":
    main()
