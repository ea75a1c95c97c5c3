"""Would people keep it? Composed music beside real music, in the figures that tell them apart.

    python -m experiments.generated.keeping --model default    # the table
    python -m experiments.generated.keeping --model runs/mine --pieces 12 --tasks

For each set of real music that the model knows, as many pieces are composed with the bars (96 at
most), metre, instruments, key and collection of its held-out pieces, and nothing else; beside them
stand other real pieces of the set, which the model was trained on, and pieces with the defaults,
and for a piano alone. With each figure stands the middle 95% of its means in so many pieces drawn
from all the real ones: what chance alone makes. None is left out. The figures go to
`experiments/results/keeping.json`, one entry a model; what they are is told in
`ritornello.metrics.keeping`. Copying is that of `ritornello.api.originality`. A network tells the
composed pieces of all sets from the real ones, and the other real ones from them
(`ritornello.metrics.keeping.two_sample`). ``--tasks`` adds what wishes and given music do.
"""

from __future__ import annotations

import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")

import argparse
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from experiments.command_line import command_of
from experiments.music_sets import ROOT, data_folder
from experiments.scorecard import say
from ritornello.api import training_index
from ritornello.atomic import atomic_write
from ritornello.corpus.scan import scan
from ritornello.corpus.store import Corpus, build_store
from ritornello.errors import CheckpointError
from ritornello.generation.composer import Composer
from ritornello.generation.originality.index import TrainingIndex
from ritornello.generation.rules import MAX_PARTS, Rules
from ritornello.metrics.endings import closing_key
from ritornello.metrics.keeping.choirs import NAMES, measure_choir
from ritornello.metrics.keeping.measures import off_beats
from ritornello.metrics.keeping.sets import (
    SetFigures,
    curve_distance,
    gram_overlap,
    measure_set,
    table,
)
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
_OTHERS = 80  # real pieces beside the held-out ones
DEFAULT_PIECES: dict[str, dict[str, Any]] = {"defaults": {}, "piano alone": {"parts": ("piano",)}}
DENSITIES = (0.5, 1.5, 4.0)
_ACCURACY, _AUC = "told from the real set, accuracy", "told from the real set, AUC"


# --- music ----------------------------------------------------------------------------------------


def open_sets(store: Path, data: Path) -> Corpus:
    """The sets of this benchmark as arrays, read from the folder of music sets once."""
    there = [name for name in (*SETS.values(), HYMNS) if (data / name).is_dir()]
    return build_store(scan(data, collections=there), store)


def held_out(music: Corpus, collection: str, count: int) -> list[Piece]:
    """So many held-out pieces in one metre, long enough, evenly spread over the set."""
    fitting = [*filter(_fits, map(music.piece, _of_set(music, collection, "valid")))]
    picked = np.linspace(0, len(fitting) - 1, min(count, len(fitting))).round().astype(int)
    return [fitting[i] for i in np.unique(picked)]


def other_pieces(music: Corpus, collection: str, count: int, seed: int) -> list[Piece]:
    """So many such training pieces of the set, drawn at random."""
    order = np.random.default_rng(seed).permutation(_of_set(music, collection, "train"))
    return [*islice(filter(_fits, map(music.piece, order.tolist())), count)]


def _of_set(music: Corpus, collection: str, side: str) -> list[int]:
    indices: list[int] = music.indices(side).tolist()
    return [index for index in indices if music.collection_of(index) == collection]


def _fits(piece: Piece) -> bool:
    metres = {metre[1:] for metre in piece.metres}
    return len(metres) == 1 and piece.bar_count >= LEAST_BARS and piece.note_count > 0


def rules_like(piece: Piece, collection: str, most_bars: int = MOST_BARS) -> Rules | None:
    """The bars, metre, instruments and key of a piece; None if a model cannot write such."""
    parts = notes.instrumentation_of(notes.encode(piece))
    metre = (piece.metres[0].numerator, piece.metres[0].denominator)
    if metre not in METRES or len(parts) > MAX_PARTS:
        return None
    return Rules(
        bars=min(piece.bar_count, most_bars), metre=metre, parts=parts,
        key=str(closing_key(piece) or "") or None, collection=collection,
    )  # fmt: skip


def composed_like(
    composer: Composer,
    real: Sequence[Piece],
    collection: str,
    seed: int,
    *,
    most_bars: int = MOST_BARS,
    **options: Any,
) -> list[Piece]:
    """A piece with the bars, metre, instruments and key of each that the model can write.

    Args:
        options: of `Composer.compose`, such as ``temperature``.
    """
    asked = [rules_like(piece, collection, most_bars) for piece in real]
    return [
        composer.compose(rules, seed=seed + number, **options)
        for number, rules in enumerate(asked)
        if rules is not None
    ]


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
                count, bars=16, parts=("piano",), densities={"piano": asked}, seed=seed, best_of=1
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


@dataclass
class Table:
    """The columns of the table, and what each is compared with.

    Attributes:
        columns: figures of each set of pieces, by name.
        beside: the real column of a column. more: further rows, by name and column.
        ranges: the real columns that say within what a composed one should lie.
    """

    columns: dict[str, SetFigures] = field(default_factory=dict)
    beside: dict[str, str] = field(default_factory=dict)
    more: dict[str, dict[str, float]] = field(default_factory=dict)
    ranges: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def add(
        self, name: str, pieces: Sequence[Piece], index: TrainingIndex | None, beside: str = ""
    ) -> None:
        """A column of pieces."""
        self.columns[name] = measure_set(pieces)
        if beside:
            self.beside[name] = beside
        if index is not None:
            for row, value in copying(pieces, index).items():
                self.more.setdefault(row, {})[name] = value

    def rows(self) -> list[list[str]]:
        return table(self.columns, self.beside, self.more, self.ranges)


def measure(options: argparse.Namespace) -> tuple[Table, dict[str, Any]]:
    """The table, and what else was asked for."""
    music = open_sets(options.store, options.data)
    composer = None if options.real_only else Composer.load(options.model)
    index = None if composer is None else index_beside(options.model)
    made_table = Table()
    began = time.process_time()
    sets: dict[str, tuple[list[Piece], list[Piece], list[Piece]]] = {}
    for name, collection in SETS.items():
        if options.sets and name not in options.sets:
            continue
        real = held_out(music, collection, options.pieces)
        if not real:
            continue
        say(f"{name}: {len(real)} real pieces")
        others = other_pieces(music, collection, _OTHERS, options.seed)
        made_table.add(f"{name}, real", real, index)
        made_table.add(f"{name}, other real", others, None, f"{name}, real")
        if composer is not None and collection in composer.collections:
            made = composed_like(composer, real, collection, options.seed, best_of=options.best_of)
            made_table.add(f"{name}, composed", made, index, f"{name}, real")
            made_table.ranges[f"{name}, composed"] = f"{name}, real", f"{name}, other real"
            sets[name] = real, others[: len(real)], made
    if composer is not None:
        for name, rules in DEFAULT_PIECES.items():
            made = composer.compose_many(
                options.pieces, bars=32, seed=options.seed, best_of=options.best_of, **rules
            )
            made_table.add(name, made, index)
    print(*markdown(made_table.rows()), sep="\n", flush=True)
    say(f"{time.process_time() - began:.0f} CPU s so far; networks take the rest.")
    extra: dict[str, Any] = {}
    if sets and not options.no_classifier:
        made_table.more |= told_apart(sets, options.seed)
    if options.tasks and composer is not None:
        extra["tasks"] = measure_tasks(composer, music, options.pieces, options.seed)
    return made_table, extra


def index_beside(model: str) -> TrainingIndex | None:
    """The index of a model's training music, if it has one; else that of the bundled model."""
    try:
        return training_index(model)
    except CheckpointError as error:
        say(f"{error.what} Copying is looked for in the bundled model's music.")
        return training_index()


def copying(pieces: Sequence[Piece], index: TrainingIndex) -> dict[str, float]:
    """What of pieces stands in the training music, means over those that have it."""
    found = [index.measure(piece) for piece in pieces]

    def mean(values: list[float]) -> float:
        known = [value for value in values if not np.isnan(value)]
        return float(np.mean(known)) if known else np.nan

    return {
        "bars that stand in the training music": mean([o.texture.shares[4] for o in found]),
        "two bars that stand in the training music": mean([o.texture.shares[8] for o in found]),
        "two bars of a part that stand there": mean([o.parts.shares[8] for o in found]),
        "longest passage that stands there, quarters": mean(
            [float(o.texture.longest_quarters) for o in found]
        ),
    }


def told_apart(
    sets: Mapping[str, tuple[Sequence[Piece], Sequence[Piece], Sequence[Piece]]], seed: int
) -> dict[str, dict[str, float]]:
    """How well a network tells the pieces of a column from the real ones, for all sets and each.

    Args:
        sets: real pieces, other real ones and composed ones, by name.
    """
    rows: dict[str, dict[str, float]] = {_ACCURACY: {}, _AUC: {}}
    real = [piece for pieces, _, _ in sets.values() for piece in pieces]
    for place, column in ((1, "other real"), (2, "composed")):
        say(f"Telling {column} pieces apart ...")
        second = [piece for pieces in sets.values() for piece in pieces[place]]
        found = tell_apart(real, second, seed=seed)
        at = 0, 0
        for name, pieces in sets.items():
            after = at[0] + len(pieces[0]), at[1] + len(pieces[place])
            own = found.of(slice(at[0], after[0]), slice(at[1], after[1]))
            rows[_ACCURACY][f"{name}, {column}"] = own.accuracy
            rows[_AUC][f"{name}, {column}"] = own.auc
            at = after
        rows[_ACCURACY][f"all, {column}"] = found.accuracy
        rows[_AUC][f"all, {column}"] = found.auc
    return rows


def as_json(made: Table) -> dict[str, Any]:
    """All figures, those of pieces with their 95% intervals."""
    found: dict[str, Any] = {}
    for name, one in made.columns.items():
        found[name] = {
            **{
                figure: {
                    "mean": round(one.mean(figure), 4),
                    "interval": [round(edge, 4) for edge in one.interval(figure)],
                }
                for figure in one.measures
                if not np.isnan(one.mean(figure))
            },
            "bars return from": one.usual_distances,
            "notes as so many bars back": [
                None if np.isnan(value) else round(float(value), 4) for value in one.curve
            ],
            "pieces": one.pieces,
        }
        if beside := made.beside.get(name):
            real = made.columns[beside]
            found[name]["distance of the curve"] = round(curve_distance(one, real), 4)
            found[name]["rows of three chords"] = round(gram_overlap(one.grams, real.grams), 4)
    for row, values in made.more.items():
        for name, value in values.items():
            found.setdefault(name, {})[row] = None if np.isnan(value) else round(value, 4)
    return found


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
    parser.add_argument("--model", default="default", help="a name, or a path of a file or folder")
    parser.add_argument("--data", type=Path, default=data_folder())
    parser.add_argument("--store", type=Path, default=ROOT / "out" / "keeping-store")
    parser.add_argument("--sets", type=lambda text: text.split(","), default=[])
    parser.add_argument("--pieces", type=int, default=24, help="of each set")
    parser.add_argument("--best-of", type=int, default=1, help="candidates of each composed piece")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--real-only", action="store_true", help="compose nothing")
    parser.add_argument("--no-classifier", action="store_true", help="no network tells them apart")
    parser.add_argument("--tasks", action="store_true")
    parser.add_argument("--results", type=Path, default=RESULTS / "keeping.json")
    options = parser.parse_args()
    began = time.process_time()
    made, extra = measure(options)
    if told := {name: made.more[name] for name in (_ACCURACY, _AUC) if name in made.more}:
        columns = [*told[_AUC]]
        numbers = [[name, *(f"{row[c]:.3f}" for c in columns)] for name, row in told.items()]
        print(*markdown([["", *columns], *numbers]), sep="\n")
    if extra:
        print(json.dumps(extra, indent=1))
    known = json.loads(options.results.read_text()) if options.results.is_file() else {}
    chosen = "" if options.best_of == 1 else f", best of {options.best_of}"
    known[f"{options.model}{chosen}"] = {
        "figures": as_json(made), **extra, "pieces": options.pieces, "seed": options.seed,
        "command": command_of("experiments.generated.keeping"),
        "cpu_seconds": round(time.process_time() - began),
    }  # fmt: skip
    with atomic_write(options.results, overwrite=True) as temporary:
        temporary.write_text(json.dumps(known, indent=1) + "\n")


if __name__ == "__main__":
    main()
