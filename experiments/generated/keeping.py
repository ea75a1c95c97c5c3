"""Would people keep it? Composed music beside real music, in the figures that tell them apart.

    python -m experiments.generated.keeping --model default    # the table
                                            --classifier       # a network that tells them apart
                                            --tasks            # what wishes and given music do

For each set of real music that the model knows, as many pieces are composed with the bars (96 at
most), metre, instruments, key and collection of its held-out pieces, and nothing else; beside them
stand pieces with the defaults, and for a piano alone. None is left out. The figures go to
`experiments/results/keeping.json`, one entry a model; what they are is told in
`ritornello.metrics.keeping`.
"""

from __future__ import annotations

import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from experiments.music_sets import ROOT, data_folder
from experiments.scorecard import say
from ritornello.atomic import atomic_write
from ritornello.corpus.scan import scan
from ritornello.corpus.store import Corpus, build_store
from ritornello.generation.composer import Composer
from ritornello.generation.rules import MAX_PARTS
from ritornello.metrics.endings import closing_key
from ritornello.metrics.keeping.choirs import NAMES, measure_choir
from ritornello.metrics.keeping.measures import MEASURES, off_beats
from ritornello.metrics.keeping.sets import SetFigures, measure_set, table
from ritornello.metrics.keeping.two_sample import tell_apart
from ritornello.music.piece import Metre, Piece, Tempo, Track
from ritornello.note_model.encoding import notes
from ritornello.note_model.encoding.bar_grid import METRES
from ritornello.plan.bar_strokes import Strokes

SETS = {
    "bands": "band_arranged_synth",
    "game music": "freedoom_midi",
    "pop": "pop909",
    "songs": "openscore_lieder_midi",
    "classical": "mutopia_pd_midi",
}
RESULTS = ROOT / "experiments" / "results"
HYMNS = "open_hymnal_midi"
MOST_BARS = 96
LEAST_BARS = 16
DEFAULT_PIECES: dict[str, dict[str, Any]] = {"defaults": {}, "piano alone": {"parts": ("piano",)}}
DENSITIES = (0.5, 1.5, 4.0)


# --- music ----------------------------------------------------------------------------------------


def open_sets(store: Path, data: Path) -> Corpus:
    """The sets of this benchmark as arrays, read from the folder of music sets once."""
    there = [name for name in (*SETS.values(), HYMNS) if (data / name).is_dir()]
    return build_store(scan(data, collections=there), store)


def held_out(music: Corpus, collection: str, count: int) -> list[Piece]:
    """So many held-out pieces in one metre, long enough, evenly spread over the set."""
    fitting = []
    for index in music.indices("valid"):
        if music.collection_of(index) != collection:
            continue
        piece = music.piece(index)
        metres = {metre[1:] for metre in piece.metres}
        if len(metres) == 1 and piece.bar_count >= LEAST_BARS:
            fitting.append(piece)
    picked = np.linspace(0, len(fitting) - 1, min(count, len(fitting))).round().astype(int)
    return [fitting[i] for i in np.unique(picked)]


def composed_like(
    composer: Composer, real: Sequence[Piece], collection: str, seed: int
) -> list[Piece]:
    """A piece with the bars, metre, instruments and key of each that the model can write."""
    made = []
    for number, piece in enumerate(real):
        parts = notes.instrumentation_of(notes.encode(piece))
        metre = (piece.metres[0].numerator, piece.metres[0].denominator)
        if metre not in METRES or len(parts) > MAX_PARTS:
            continue
        made.append(
            composer.compose(
                bars=min(piece.bar_count, MOST_BARS), metre=metre, parts=parts,
                key=str(closing_key(piece) or "") or None, collection=collection,
                seed=seed + number,
            )
        )  # fmt: skip
    return made


# --- what wishes and given music do ---------------------------------------------------------------


def measure_tasks(composer: Composer, music: Corpus, count: int, seed: int) -> dict[str, Any]:
    """Asked against got, and whether what is written fits what is given."""
    return {
        "density asked and got": density(composer, count, seed),
        "the same bar in 128 of an endless piano": endless(composer, seed),
        "leads over a swung band": swung_leads(composer, seed),
        "harmonised hymns": hymns(composer, music, count, seed),
    }


def density(composer: Composer, count: int, seed: int) -> dict[str, Any]:
    """Notes a quarter note of a piano that was asked for so many, and the rank correlation."""
    got = {
        asked: [
            piece.note_count / piece.length_beats
            for piece in composer.compose_many(
                count, bars=16, parts=("piano",), densities={"piano": asked}, seed=seed
            )
        ]
        for asked in DENSITIES
    }
    asked = np.repeat(DENSITIES, count)
    return {
        **{f"{level:g} asked": round(float(np.mean(found)), 2) for level, found in got.items()},
        "rank correlation": round(rank_correlation(asked, np.concatenate([*got.values()])), 3),
    }


def rank_correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Spearman's, equal values sharing their rank."""

    def ranks(values: np.ndarray) -> np.ndarray:
        _, index, counts = np.unique(values, return_inverse=True, return_counts=True)
        return np.asarray((np.cumsum(counts) - (counts - 1) / 2)[index])

    return float(np.corrcoef(ranks(one), ranks(other))[0, 1])


def endless(composer: Composer, seed: int, bars: int = 128) -> int:
    """How many bars of an endless piano are the bar that is played most often."""
    rows = []
    for note in composer.session(parts=("piano",), seed=seed):
        if note.onset_ticks >= bars * 96:
            break
        rows.append((note.onset_ticks, 1, note.pitch, 80))
    strokes = Strokes.of(Piece((Track(rows, 0),), 24))
    kinds = [
        tuple(zip(strokes.tick[strokes.bar == bar].tolist(),
                  strokes.pitch[strokes.bar == bar].tolist(), strict=True))
        for bar in range(strokes.bars)
    ]  # fmt: skip
    return max(kinds.count(kind) for kind in set(kinds))


def swung_leads(composer: Composer, seed: int, leads: int = 12) -> dict[str, int]:
    """Straight and swung off-beats of leads over a bass and drums that swing at 2 to 1."""
    bass, drums = [], []
    for beat in range(64):
        start, root = beat * 24, (36, 41, 43, 36)[beat // 16]
        bass += [(start, 16, root, 90), (start + 16, 8, root + 7, 80)]
        drums += [(start, 6, 36 if beat % 2 == 0 else 38, 100), (start, 6, 51, 80),
                  (start + 16, 6, 51, 70)]  # fmt: skip
    band = Piece(
        (Track(bass, 33), Track(drums, is_drum=True)), 24, (Tempo(0, 120),), (Metre(0, 4, 4),)
    )
    total = {"straight": 0, "swung": 0}
    for number in range(leads):
        piece = composer.arrange(band, ["saxophone"], seed=seed + number).piece
        lead = replace(piece, tracks=piece.tracks[2:])
        for name, found in off_beats(Strokes.of(lead)).items():
            total[name] += found
    return total


def hymns(composer: Composer, music: Corpus, count: int, seed: int) -> dict[str, Any]:
    """Hymns as they are, and their sopranos harmonised."""
    real = held_out_hymns(music, count)
    ours = [
        composer.harmonise(replace(hymn, tracks=(soprano(hymn),)), seed=seed + number).piece
        for number, hymn in enumerate(real)
    ]
    return {"real": _choir_means(real), "harmonised": _choir_means(ours)}


def held_out_hymns(music: Corpus, count: int) -> list[Piece]:
    """Held-out hymns of four parts or more."""
    found = [
        music.piece(index)
        for index in music.indices("valid")
        if music.collection_of(index) == HYMNS
    ]
    return [piece for piece in found if len(piece.tracks) >= 4][:count]


def soprano(hymn: Piece) -> Track:
    """The part that is highest on average."""
    return max(hymn.tracks, key=lambda track: float(track.notes["pitch"].mean()))


def _choir_means(pieces: Sequence[Piece]) -> dict[str, float]:
    found = [measure_choir(piece) for piece in pieces]
    return {name: round(float(np.nanmean([one[name] for one in found])), 3) for name in NAMES}


# --- the table ------------------------------------------------------------------------------------


def measure(options: argparse.Namespace) -> tuple[dict[str, SetFigures], dict[str, Any]]:
    """The figures of all sets, and what else was asked for."""
    music = open_sets(options.store, options.data)
    composer = None if options.real_only else Composer.load(options.model)
    columns: dict[str, SetFigures] = {}
    told: dict[str, Any] = {}
    for name, collection in SETS.items():
        if options.sets and name not in options.sets:
            continue
        real = held_out(music, collection, options.pieces)
        if not real:
            continue
        say(f"{name}: {len(real)} real pieces")
        columns[f"{name}, real"] = measure_set(real)
        if composer is not None and collection in composer.collections:
            made = composed_like(composer, real, collection, options.seed)
            columns[f"{name}, composed"] = measure_set(made)
            if options.classifier:
                told[name] = classified(music, collection, real, made, options)
    extra: dict[str, Any] = {"told apart": told} if told else {}
    if composer is not None:
        for name, rules in DEFAULT_PIECES.items():
            made = composer.compose_many(options.pieces, bars=32, seed=options.seed, **rules)
            columns[name] = measure_set(made)
        if options.tasks:
            extra["tasks"] = measure_tasks(composer, music, options.pieces, options.seed)
    return columns, extra


def classified(
    music: Corpus,
    collection: str,
    real: Sequence[Piece],
    made: Sequence[Piece],
    options: argparse.Namespace,
) -> dict[str, Any]:
    """How well a network tells composed from real pieces, and real ones from other real ones."""
    say(f"{collection}: telling them apart ...")
    rng = np.random.default_rng(options.seed)
    pool = [i for i in music.indices("train") if music.collection_of(i) == collection]
    drawn = rng.choice(pool, min(len(pool), len(real)), replace=False)
    others = [music.piece(int(index)) for index in drawn]
    found = {"composed": tell_apart(real, made), "other real pieces": tell_apart(real, others)}
    return {
        name: {"accuracy": round(one.accuracy, 3), "auc": round(one.auc, 3)}
        for name, one in found.items()
    }


def as_json(columns: dict[str, SetFigures]) -> dict[str, Any]:
    """All figures with their 95% intervals."""
    return {
        name: {
            **{
                figure: {
                    "mean": round(one.mean(figure), 4),
                    "interval": [round(edge, 4) for edge in one.interval(figure)],
                }
                for figure in MEASURES
                if not np.isnan(one.mean(figure))
            },
            "bars return from": one.usual_distances,
            "pieces": len(next(iter(one.measures.values()))),
        }
        for name, one in columns.items()
    }


def markdown(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Rows as a table, the first as its head."""
    for number, row in enumerate(rows):
        yield f"| {' | '.join(row)} |"
        if number == 0:
            yield f"|{'---|' * len(row)}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="default")
    parser.add_argument("--data", type=Path, default=data_folder())
    parser.add_argument("--store", type=Path, default=ROOT / "out" / "keeping-store")
    parser.add_argument("--sets", type=lambda text: text.split(","), default=[])
    parser.add_argument("--pieces", type=int, default=24, help="of each set")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--real-only", action="store_true", help="compose nothing")
    parser.add_argument("--classifier", action="store_true")
    parser.add_argument("--tasks", action="store_true")
    parser.add_argument("--results", type=Path, default=RESULTS / "keeping.json")
    options = parser.parse_args()
    columns, extra = measure(options)
    real = [name for name in columns if name.endswith(", real")]
    print(*markdown(table(columns, real)), sep="\n")
    if extra:
        print(json.dumps(extra, indent=1))
    known = json.loads(options.results.read_text()) if options.results.is_file() else {}
    known[options.model] = {
        "figures": as_json(columns), **extra, "pieces": options.pieces, "seed": options.seed,
    }  # fmt: skip
    with atomic_write(options.results, overwrite=True) as temporary:
        temporary.write_text(json.dumps(known, indent=1) + "\n")


if __name__ == "__main__":
    main()
