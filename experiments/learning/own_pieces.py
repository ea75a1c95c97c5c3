"""What a model of one's own music composes, beside that music and beside the bundled model.

    ritornello train FOLDER --from default --minutes 5 -o mine
    python -m experiments.learning.own_pieces FOLDER mine --pieces 30

All pieces are composed with the defaults of their model, unselected. Besides what
`ritornello.metrics.keeping` measures, the table says how many pieces are in the metre that is most
frequent in the folder, and which share of the notes is in the key of their piece. It goes to
`experiments/results/own_pieces.json`.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from experiments.command_line import command_of
from experiments.scorecard import RESULTS, say
from ritornello.atomic import atomic_write
from ritornello.corpus.scan import scan
from ritornello.generation.composer import Composer
from ritornello.metrics.endings import closing_key
from ritornello.metrics.keeping.sets import measure_set, table
from ritornello.music.grid import on_grid
from ritornello.music.io import read
from ritornello.music.piece import Piece

_FOLDER, _OWN, _BUNDLED = "the folder", "a model of it", "bundled"


def usual_metre(pieces: Sequence[Piece]) -> tuple[int, int]:
    """The metre in which most pieces begin."""
    return Counter(_metre(piece) for piece in pieces).most_common(1)[0][0]


def key_share(pieces: Sequence[Piece]) -> float:
    """The share of the pitched notes that are in the likeliest key of their piece."""
    inside, notes = 0, 0
    for piece in pieces:
        key = closing_key(piece)
        if key is not None:
            pitches = np.concatenate([t.notes["pitch"] for t in piece.tracks if not t.is_drum])
            inside += int(np.isin(pitches % 12, [*key.pitch_classes]).sum())
            notes += len(pitches)
    return inside / notes if notes else np.nan


def _metre(piece: Piece) -> tuple[int, int]:
    return piece.metres[0].numerator, piece.metres[0].denominator


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("model")
    parser.add_argument("--pieces", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--results", type=Path, default=RESULTS / "own_pieces.json")
    options = parser.parse_args()
    paths = [options.folder / found.path for found in scan(options.folder).used]
    sets = {_FOLDER: [on_grid(read(path))[0] for path in paths]}
    for name, model in ((_OWN, options.model), (_BUNDLED, "default")):
        composer = Composer.load(model)
        sets[name] = composer.compose_many(options.pieces, seed=options.seed, best_of=1)
    metre = usual_metre(sets[_FOLDER])
    more = {
        f"pieces in {metre[0]}/{metre[1]}": {
            name: float(np.mean([_metre(piece) == metre for piece in pieces]))
            for name, pieces in sets.items()
        },
        "notes in their key": {name: key_share(pieces) for name, pieces in sets.items()},
    }
    beside = dict.fromkeys((_OWN, _BUNDLED), _FOLDER)
    rows = table({name: measure_set(pieces) for name, pieces in sets.items()}, beside, more)
    for row in rows:
        say("  ".join(f"{cell:>16}" for cell in row))
    with atomic_write(options.results, overwrite=True) as temporary:
        temporary.write_text(
            json.dumps(
                {"command": command_of("experiments.learning.own_pieces"), "rows": rows}, indent=1
            )
            + "\n"
        )


if __name__ == "__main__":
    main()
