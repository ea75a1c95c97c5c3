"""How beats, bars and metres are heard in clips that `heard_clips` or `folk_tunes` kept.

    python -m experiments.listening.clip_figures FILE [FILE ...]

Beat F within 70 ms from the first true beat to the last, also at other levels; downbeat F where
bars are known; metre as beats a bar and whether they fall into three. Some seconds for each ten
clips.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from mir_eval.beat import f_measure

from experiments.listening.heard_clips import HeardClip, load
from experiments.listening.real_takes import levels
from ritornello.transcribe.activations import window_logits
from ritornello.transcribe.bars import with_bars
from ritornello.transcribe.beats import beats_of, bundled
from ritornello.transcribe.spectra import FRAME_SECONDS
from ritornello.transcribe.values import Beats, Hints

_NEAR_SECONDS = 0.07
_COMPOUND = 8  # the lower number of their metres
FIGURES = "beats", "any level", "level", "downbeats", "metre"
_SAME_LEVEL = 0.85, 1.18  # of the true tempo


def heard_beats(clip: HeardClip) -> Beats:
    """The beats and bars of a clip as `listen` finds them."""
    logits = window_logits([clip.spectra.astype(np.float32)], bundled())
    seconds = len(clip.spectra) * FRAME_SECONDS
    found = beats_of(logits, seconds, Hints(), clip.notes, spectra=clip.spectra)
    return with_bars(found, clip.notes, Hints())


def scores(clip: HeardClip, found: Beats) -> dict[str, float]:
    """Those of `FIGURES` that a clip with beats has."""
    true = clip.beats_seconds
    low, high = true[0] - _NEAR_SECONDS, true[-1] + _NEAR_SECONDS

    def inside(times: np.ndarray) -> np.ndarray:
        result: np.ndarray = times[(times > low) & (times < high)]
        return result

    beats = inside(found.times_seconds)
    ratio = np.median(np.diff(true)) * found.tempo_bpm / 60
    row = {
        "beats": float(f_measure(true, beats)),
        "any level": max(float(f_measure(level, beats)) for level in levels(true)),
        "level": float(_SAME_LEVEL[0] < ratio < _SAME_LEVEL[1]),
        "metre": float(
            (found.beats_per_bar, found.metre[1] == _COMPOUND)
            == (clip.beats_per_bar, clip.is_compound)
        ),
    }
    if clip.is_downbeat is not None:
        row["downbeats"] = float(f_measure(true[clip.is_downbeat], inside(found.downbeats_seconds)))
    return row


def means(rows: Iterable[tuple[str, dict[str, float]]]) -> dict[str, dict[str, float]]:
    """The mean of each figure by kind, and how many clips there are."""
    groups: dict[str, list[dict[str, float]]] = {}
    for kind, row in rows:
        groups.setdefault(kind, []).append(row)
    return {
        kind: {
            "clips": float(len(group)),
            **{
                name: float(np.mean([row[name] for row in group if name in row]))
                for name in FIGURES
                if any(name in row for row in group)
            },
        }
        for kind, group in sorted(groups.items())
    }


def kind_of(clip: HeardClip) -> str:
    """What a clip is counted with: tunes by metre, mixes, and other music by how beats fall."""
    if clip.kind.startswith("tune") or clip.kind in ("mix", "drums"):
        return clip.kind
    if clip.is_compound:
        return "alone, in threes"
    return "alone, 3 a bar" if clip.beats_per_bar == 3 else "alone, 2 or 4 a bar"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("files", nargs="+", type=Path)
    options = parser.parse_args()
    for file in options.files:
        clips = [clip for clip in load(file) if len(clip.beats_seconds)]
        rows = [scores(clip, heard_beats(clip)) for clip in clips]
        kinds = [(kind_of(clip), row) for clip, row in zip(clips, rows, strict=True)]
        print(file)
        for kind, row in {**means(kinds), **means([("all", row) for row in rows])}.items():
            told = "  ".join(f"{name} {row[name]:.3f}" for name in FIGURES if name in row)
            print(f"{kind:22} {row['clips']:4.0f}  {told}")


if __name__ == "__main__":
    main()
