"""Folk tunes as they are heard, in all their metres, for measuring alone: nothing learns from them.

    python -m experiments.listening.folk_tunes STORE DATA FILE    # of `heard_clips`

Melodies of the Nottingham set, each on one instrument, synthesised or sampled, half of them at a
tempo that bends.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from experiments.listening.beat_clips import ANY_PART, Renderer, excerpt
from experiments.listening.heard_clips import HeardClip, save
from ritornello.corpus.store import Corpus
from ritornello.music import io
from ritornello.music.piece import Piece, Tempo
from ritornello.rng import Rng

# Tunes of each metre, and how many quarters a minute they are about.
TUNES = {
    (2, 4): (8, 110),
    (3, 4): (12, 120),
    (4, 4): (10, 110),
    (6, 8): (20, 145),
    (9, 8): (10, 145),
}
_PROGRAMS = 0, 24, 40, 73
_SECONDS = 30.0


def tunes(data: Path, rng: Rng) -> Iterator[tuple[tuple[int, int], Piece]]:
    """Melodies that stay in one metre, as many of each as there are to be, and their metres."""
    paths = sorted((data / "nottingham_jukedeck" / "MIDI").glob("*.mid"))
    missing = {metre: count for metre, (count, _) in TUNES.items()}
    for number in rng.permutation(len(paths)):
        piece = io.read(paths[number])
        metre = piece.metres[0].numerator, piece.metres[0].denominator
        if len(piece.metres) > 1 or not missing.get(metre):
            continue
        track = replace(piece.tracks[0], program=int(rng.choice(_PROGRAMS)))
        yield metre, replace(piece, tracks=(track,), tempos=(Tempo(0, TUNES[metre][1]),))
        missing[metre] -= 1


def heard(renderer: Renderer, data: Path, rng: Rng) -> Iterator[HeardClip]:
    """The tunes as they are heard."""
    for number, (metre, piece) in enumerate(tunes(data, rng)):
        steady = bool(number % 2)
        found = excerpt(piece, ANY_PART, rng, _SECONDS, steady, frozenset({metre}))
        if found is None:
            continue
        clip = renderer.recorded(found, f"tune in {metre[0]}/{metre[1]}", rng, steady=steady)
        yield HeardClip.of(clip, is_compound=metre[1] == 8)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("store", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("file", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    renderer = Renderer(Corpus.open(options.store), "valid", [None], _SECONDS, options.data)
    save([*heard(renderer, options.data, np.random.default_rng(options.seed))], options.file)


if __name__ == "__main__":
    main()
