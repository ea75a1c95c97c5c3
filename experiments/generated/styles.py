"""Does `--like` act? Pieces in each style that a model knows, beside the music of all styles.

    python -m experiments.generated.styles --run runs/edition --model default --pieces 4

A piece is told by some statistics: how many notes a beat, of drums and bass too, how long, loud and
high they are, how fast, where in a beat they begin, where kick and snare fall, how many play. For
each style that can be asked for the collections are ordered by how far their means lie from the
piece, in units of the spread within collections; the table says at which place the asked one comes,
for composed pieces and, beside them, for real held-out pieces of it; chance is the middle. The
figures go to `experiments/results/styles.json`.
"""

from __future__ import annotations

import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")

import argparse
from typing import Any

import numpy as np

from experiments.edition_sets import EditionSets, run_parser
from experiments.scorecard import RESULTS, say, write
from ritornello.corpus.store import Corpus
from ritornello.generation.composer import Composer
from ritornello.music.instruments import BASSES
from ritornello.music.piece import Piece

PROTOCOL = (
    "pieces of 16 bars with nothing asked for but the style; place of the asked collection among "
    "all that names stand for, by distance from their means of 19 statistics (60 training pieces "
    "each, at most) in units of the spread within collections; real held-out pieces of the "
    "collection beside them"
)
_MOST_REAL = 60
_KICKS, _SNARES = (35, 36), (38, 40)


def statistics(piece: Piece) -> np.ndarray:
    """Numbers that tell music apart, float64 [19]."""
    beats = max(1.0, piece.length_beats)
    rows = [track.notes for track in piece.tracks if len(track)]
    notes = np.concatenate(rows)
    drums = np.concatenate([rows[0][:0], *(t.notes for t in piece.tracks if t.is_drum)])
    pitched = np.concatenate([rows[0][:0], *(t.notes for t in piece.tracks if not t.is_drum)])
    bass = [t.notes for t in piece.tracks if not t.is_drum and t.instrument in BASSES]
    place = notes["onset"] / piece.resolution % 1

    def near(*at: float) -> float:
        return float(sum((np.abs(place - one) < 0.03).mean() for one in at))

    def struck(keys: tuple[int, ...], beat: int) -> float:
        hits = drums[np.isin(drums["pitch"], keys)]["onset"] / piece.resolution
        return float((np.abs(hits % 4 - beat) < 0.1).sum()) / (beats / 4)

    return np.array(
        [
            np.log1p(len(notes) / beats),
            np.log1p(len(drums) / beats),
            np.log1p(sum(map(len, bass)) / beats),
            len(rows),
            np.log(np.median(pitched["duration"]) / piece.resolution) if len(pitched) else 0.0,
            float(np.median(pitched["pitch"])) if len(pitched) else 60.0,
            float(pitched["pitch"].std()) if len(pitched) else 0.0,
            float(notes["velocity"].mean()),
            float(notes["velocity"].std()),
            np.log(piece.tempos[0].bpm if piece.tempos else 120.0),
            near(0.0) + near(1.0),
            near(0.5),
            near(0.25, 0.75),
            near(1 / 3, 2 / 3),
            struck(_KICKS, 0),
            struck(_KICKS, 1),
            struck(_KICKS, 2),
            struck(_SNARES, 1),
            struck(_SNARES, 3),
        ]
    )


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Places of the asked collections."""
    composer = Composer.load(options.model)
    asked: dict[str, str] = composer.card["provenance"].get("styles", {})
    music = EditionSets(Corpus.open(options.run / "corpus"), [], options.data)
    known = sorted(set(asked.values()))
    real = {name: _real(music, name, "train", _MOST_REAL, options.seed) for name in known}
    real = {name: table for name, table in real.items() if len(table) > 1}
    within = np.concatenate([table - table.mean(axis=0) for table in real.values()])
    spread = within.std(axis=0) + 1e-9
    middles = np.array([table.mean(axis=0) for table in real.values()])
    names = [*real]

    def places(table: np.ndarray, collection: str) -> list[int]:
        far = (((table[:, None] - middles) / spread) ** 2).sum(axis=2)
        own = far[:, [names.index(collection)]]
        return [int(place) for place in (far < own).sum(axis=1) + 1]

    figures: dict[str, dict[str, Any]] = {}
    for style, collection in asked.items():
        if collection not in names:
            continue
        made = composer.compose_many(
            options.pieces, bars=16, collection=style, seed=options.seed, best_of=1
        )
        held_out = _real(music, collection, "valid", options.pieces, options.seed)
        found = places(np.array([*map(statistics, made)]), collection)
        figures[style] = {
            "collection": collection,
            "composed": found,
            "real": places(held_out, collection) if len(held_out) else [],
        }
        say(f"{style}: {figures[style]}")
    means = {
        side: round(float(np.mean([at for row in figures.values() for at in row[side]])), 2)
        for side in ("composed", "real")
    }
    say(f"Mean place of {len(names)}: {means}")
    return {
        "protocol": PROTOCOL,
        "seeds": [options.seed],
        "figures": {"styles": figures, "mean place": means, "collections": len(names)},
    }


def _real(music: EditionSets, name: str, side: str, count: int, seed: int) -> np.ndarray:
    """Statistics of so many pieces of a collection, float64 [pieces, 19]."""
    found = [*map(statistics, music.drawn(name, side, count, seed))]
    return np.array(found).reshape(len(found), -1)


def main() -> None:
    parser = run_parser(__doc__)
    parser.add_argument("--pieces", type=int, default=4, help="of each style")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    found = measure(options)
    print(write("styles", found, {}, RESULTS, program="experiments.generated.styles"))


if __name__ == "__main__":
    main()
