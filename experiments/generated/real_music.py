"""What real music scores on the measures of composing with a partner: the figures to come up to.

    python -m experiments.generated.real_music

Harmony between parts beside chance, form on both sides of the split, and faults of voice leading
in chorales, Bach's own and those of a first-order chain that is given his sopranos. Writes
`experiments/results/real_music.json`.
"""

from __future__ import annotations

import argparse
import gzip
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from experiments.music_sets import ROOT, MusicSets, data_folder, open_music_sets
from experiments.scorecard import RESULTS, say, write
from ritornello.metrics.chorale_baseline import harmonise, learn, likelihood
from ritornello.metrics.consonance import agreement_table
from ritornello.metrics.returns import compare_forms, form
from ritornello.metrics.voice_leading_faults import SATB_RANGES, faults, per_100_chords
from ritornello.music.piece import Piece

CHORALES = Path("bench_polyphonic") / "jsb_chorales_16th_satb.json.gz"
PROTOCOL = (
    "harmony: validation pieces with two or more pitched parts, drums left out; once with the part "
    "that is highest on average given and all others as composed, once with each part as composed "
    "to all others; form: validation pieces beside as many training pieces; chorales: the chain "
    "counts the training chorales and is given each soprano of the others"
)
Arrangement = tuple[Piece, Piece]  # given and composed


def highest_given(piece: Piece) -> Iterator[Arrangement]:
    """The part that is highest on average given, all others composed; none of a lone part."""
    arrangements = [*each_composed(piece)]
    if arrangements:
        others, highest = max(
            arrangements, key=lambda pair: pair[1].tracks[0].notes["pitch"].mean()
        )
        yield highest, others


def each_composed(piece: Piece) -> Iterator[Arrangement]:
    """Each pitched part composed to all others; none of a lone part."""
    tracks = [track for track in piece.tracks if len(track) and not track.is_drum]
    for number, track in enumerate(tracks if len(tracks) > 1 else ()):
        others = tracks[:number] + tracks[number + 1 :]
        yield replace(piece, tracks=tuple(others)), replace(piece, tracks=(track,))


def harmony_figures(pieces: Sequence[Piece]) -> dict[str, Any]:
    """Agreement of real parts, beside chance, by what is given; empty if all play alone."""
    found = {}
    for name, split in (("highest given", highest_given), ("each composed", each_composed)):
        arrangements = [pair for piece in pieces for pair in split(piece)]
        if arrangements:
            found[name] = agreement_table(arrangements)
    return found


def form_figures(music: MusicSets, seed: int = 0) -> dict[str, Any]:
    """Forms of validation pieces beside as many random training pieces: what real music differs."""
    valid, train = music.indices("valid"), music.indices("train")
    train = np.random.default_rng(seed).permutation(train)[: len(valid)]
    first, second = ([form(music.piece(int(i))) for i in side] for side in (valid, train))
    return {"pieces": [len(first), len(second)], **compare_forms(first, second)}


def chorale_figures(path: Path) -> dict[str, Any]:
    """Faults per 100 chords of Bach and of the chain on each held-out side, and its nats."""
    sides = {
        side: [np.array(rows) for rows in chorales]
        for side, chorales in json.loads(gzip.decompress(path.read_bytes())).items()
    }
    chain = learn(sides.pop("train"))
    found = {}
    for side, chorales in sides.items():
        composed = [harmonise(chain, rows[:, 0], seed) for seed, rows in enumerate(chorales)]
        found[side] = {
            "chorales": len(chorales),
            "Bach": per_100_chords(faults(rows, SATB_RANGES) for rows in chorales),
            "first-order chain": per_100_chords(faults(rows, SATB_RANGES) for rows in composed),
            "likelihood of the first-order chain": likelihood(chain, chorales),
        }
    return found


def measure_real(music: MusicSets, data: Path) -> dict[str, Any]:
    """All of them, in the form that `scorecard.write` takes."""
    figures: dict[str, Any] = {"harmony": {}, "form": {}}
    for name in music.collections:
        say(f"{name} ...")
        only = music.only(name)
        valid = [piece for _, piece in only.pieces("valid")]
        figures["harmony"][name] = harmony_figures(valid)
        figures["form"][name] = form_figures(only)
    figures["chorales"] = chorale_figures(data / CHORALES)
    return {"protocol": PROTOCOL, "seeds": [0], "figures": figures}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=data_folder(), help="folder of music sets")
    parser.add_argument("--store", type=Path, default=ROOT / ".cache" / "music_sets")
    parser.add_argument("--results", type=Path, default=RESULTS, help="where the JSON goes")
    options = parser.parse_args()
    began = time.perf_counter()
    found = measure_real(open_music_sets(options.store, options.data), options.data)
    used = {"wall_seconds": time.perf_counter() - began, "cpu_seconds": time.process_time()}
    program = "experiments.generated.real_music"
    say(f"Written to {write('real_music', found, used, options.results, program)}")


if __name__ == "__main__":
    main()
