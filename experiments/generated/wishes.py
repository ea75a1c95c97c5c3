"""What comes of what is asked for: asked against got, so many pieces a level, nothing left out.

    python -m experiments.generated.wishes --model default --pieces 20

A row for each wish: what was asked, the mean of what came, Spearman's rank correlation. Density is
notes a quarter note, of all or of one part; loudness the mean velocity; register the median pitch
of a part beside the middle of its range; swing the ratio read from the piece, of those with enough
off-beats. Then the share of the notes of a stated scale, of basses on a stated bass, and variations
of a part: notes of the scale that it had, and its notes a beat, new over old. The figures go to
`experiments/results/wishes.json`.
"""

from __future__ import annotations

import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")

import argparse
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from experiments.generated.keeping import RESULTS, rank_correlation
from experiments.scorecard import say
from ritornello.api import plan_of
from ritornello.atomic import atomic_write
from ritornello.generation.composer import Composer
from ritornello.music.piece import Metre, Piece, Track

BAND: dict[str, Any] = {"parts": ("piano", "bass", "drums"), "metre": "4/4", "bars": 16}
LEVELS: dict[str, tuple[float, ...]] = {
    "density of all": (1.0, 3.0, 6.0, 10.0),
    "density of the piano": (0.5, 1.5, 4.0),
    "loudness": (40, 60, 80, 100),
    "register of the flute": (64, 72, 80, 88),
    "swing": (1.0, 1.5, 2.0, 2.5),
}
SCALE = (0, 2, 3, 7, 8)
CLOSENESS = (0.0, 0.25, 0.5, 0.75, 1.0)
_TUNE = (69, 72, 76, 74, 72, 71, 69, 64, 69, 71, 72, 74, 76, 77, 76, 72)


def wish(name: str, level: float) -> dict[str, Any]:
    """The arguments of `Composer.compose_many` that ask for a level."""
    if name == "density of all":
        return {**BAND, "density": level}
    if name == "density of the piano":
        return {**BAND, "densities": {"piano": level}}
    if name == "register of the flute":
        middle = int(level)
        return {**BAND, "parts": ("flute", "bass"), "ranges": {"flute": (middle - 6, middle + 6)}}
    return {**BAND, name: level}


def got(name: str, piece: Piece) -> float:
    """What came of a wish; nan where it cannot be told."""
    pitched = {track.label.lower(): track for track in piece.tracks}
    if name == "density of all":
        return piece.note_count / piece.length_beats
    if name == "density of the piano":
        return len(pitched["piano"]) / piece.length_beats
    if name == "register of the flute":
        return float(np.median(pitched["flute"].notes["pitch"]))
    if name == "loudness":
        return float(np.concatenate([track.notes["velocity"] for track in piece.tracks]).mean())
    ratios = plan_of(piece).swing
    return float(np.nanmedian(ratios)) if not np.isnan(ratios).all() else np.nan


def response(composer: Composer, name: str, count: int, seed: int) -> dict[str, Any]:
    """Means by level, and the rank correlation of asked and got."""
    say(name)
    asked, found, means = [], [], {}
    for level in LEVELS[name]:
        pieces = composer.compose_many(count, seed=seed, best_of=1, **wish(name, level))
        values = [got(name, piece) for piece in pieces]
        told = [value for value in values if not np.isnan(value)]
        means[f"{level:g}"] = round(float(np.mean(told)), 2) if told else None
        asked += [level] * len(told)
        found += told
    correlation = rank_correlation(np.array(asked), np.array(found))
    return {"got": means, "pieces": len(found), "rank correlation": round(correlation, 3)}


def share_of_scale(composer: Composer, count: int, seed: int) -> float:
    """Share of pitched notes of the scale that was stated."""
    pieces = composer.compose_many(count, seed=seed, scale=SCALE, best_of=1, **BAND)
    return share_of(pieces, lambda track: np.isin(track.notes["pitch"] % 12, SCALE))


def share_of_basses(composer: Composer, count: int, seed: int) -> float:
    """Share of the notes of the bass on beats of C/E that are E."""
    pieces = composer.compose_many(count, seed=seed, chords="C/E", form="none", best_of=1, **BAND)
    basses = [track for piece in pieces for track in piece.tracks if track.label.lower() == "bass"]
    on_beat = [track.notes["pitch"][track.notes["onset"] % 24 == 0] % 12 == 4 for track in basses]
    return round(float(np.concatenate(on_beat).mean()), 3)


def share_of(pieces: list[Piece], is_so: Callable[[Track], np.ndarray]) -> float:
    tracks = [track for piece in pieces for track in piece.tracks if not track.is_drum]
    return round(float(np.concatenate([*map(is_so, tracks)]).mean()), 3)


def closeness(composer: Composer, count: int, seed: int) -> dict[str, Any]:
    """Variations of a solo that are asked to stay so close: the share of its notes that stays."""
    solo = _solo()
    old = Counter(_struck(solo))
    means, asked, found = {}, [], []
    for level in CLOSENESS:
        made = composer.vary(solo, [1], closeness=level, n=count, seed=seed).pieces
        kept = [(Counter(_struck(piece)) & old).total() / old.total() for piece in made]
        means[f"{level:g}"] = round(float(np.mean(kept)), 2)
        asked += [level] * len(kept)
        found += kept
    correlation = rank_correlation(np.array(asked), np.array(found))
    return {"got": means, "pieces": len(found), "rank correlation": round(correlation, 3)}


def _solo() -> Piece:
    rows = [(24 * beat, 24, _TUNE[beat * 5 % 16], 80) for beat in range(64)]
    return Piece((Track(rows, 73),), 24, metres=(Metre(0, 4, 4),))


def _struck(piece: Piece) -> list[tuple[int, int]]:
    notes = piece.at_resolution(24).tracks[0].notes
    return [*zip(notes["onset"].tolist(), notes["pitch"].tolist(), strict=True)]


def variations(composer: Composer, count: int, seed: int) -> dict[str, float]:
    """A solo of 16 bars in A minor, varied: whether it keeps its scale and its density."""
    solo = _solo()
    made = composer.vary(solo, [1], n=count, seed=seed).pieces
    classes = sorted({pitch % 12 for pitch in _TUNE})
    density = [piece.note_count / solo.note_count for piece in made]
    return {
        "of its scale": share_of([*made], lambda t: np.isin(t.notes["pitch"] % 12, classes)),
        "density, new over old": round(float(np.mean(density)), 2),
        "least": round(min(density), 2),
        "most": round(max(density), 2),
    }


def measure(composer: Composer, count: int, seed: int) -> dict[str, Any]:
    """All rows."""
    return {
        **{name: response(composer, name, count, seed) for name in LEVELS},
        "notes of a stated scale": share_of_scale(composer, count, seed),
        "basses of C/E on E": share_of_basses(composer, count, seed),
        "closeness of a variation, by the notes that stay": closeness(composer, count, seed),
        "variations of a solo": variations(composer, count, seed),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="default")
    parser.add_argument("--pieces", type=int, default=20, help="of each level")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--results", type=Path, default=RESULTS / "wishes.json")
    options = parser.parse_args()
    found = measure(Composer.load(options.model), options.pieces, options.seed)
    print(json.dumps(found, indent=1))
    found |= {"pieces a level": options.pieces, "seed": options.seed}
    with atomic_write(options.results, overwrite=True) as temporary:
        temporary.write_text(json.dumps({options.model: found}, indent=1) + "\n")


if __name__ == "__main__":
    main()
