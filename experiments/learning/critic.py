"""The critic that chooses among composed pieces: train it, and measure what it is worth.

    python -m experiments.learning.critic train --models default,runs/mine   # a few minutes
    python -m experiments.learning.critic measure --model default

Training composes pieces with the bars, metre, instruments, key and collection of training pieces,
by each model and at several temperatures in turn, and teaches a GRU to tell the real ones from
them. It is measured by another network, which learned from other training pieces and from other
composed ones and looks at other columns: how well does it tell the best of 1, 4, 8 and 16 from real
held-out pieces? The figures go to `experiments/results/critic.json`.
"""

from __future__ import annotations

import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")

import argparse
import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from experiments.generated.judge import violations
from experiments.generated.keeping import (
    SETS,
    composed_like,
    copying,
    held_out,
    index_beside,
    open_sets,
    other_pieces,
    rules_like,
)
from experiments.music_sets import ROOT, data_folder
from experiments.scorecard import RESULTS, say, write
from ritornello.corpus.store import Corpus
from ritornello.generation.composer import Composer
from ritornello.generation.preference.excerpts import EXCERPT_BARS, excerpt_with_past
from ritornello.generation.preference.recurrent_critic import (
    COLUMN_SIZES,
    RECURRENT_CRITIC_FILE,
    RECURRENT_CRITIC_KIND,
)
from ritornello.metrics.keeping.sets import measure_set
from ritornello.metrics.keeping.two_sample import Learner, any_excerpt, area_under_curve
from ritornello.music.io.midi_write import write_bytes
from ritornello.music.piece import Piece
from ritornello.note_model import weights_file
from ritornello.note_model.weights_file import WeightsFile
from ritornello.plan.bar_strokes import Strokes
from ritornello.rng import Rng

ASSET = ROOT / "src" / "ritornello" / "assets" / "listening" / RECURRENT_CRITIC_FILE
LEARNED_SETS = {
    name: folder for name, folder in SETS.items() if name != "pop"
}  # may not be shipped
TEMPERATURES = (0.9, 1.0, 1.1)
MOST_BARS = 24
BEST_OF = (1, 4, 8, 16)
PROTOCOL = (
    "pieces with the bars (24 at most), metre, instruments, key and collection of held-out pieces; "
    "the best of so many by the critic, after each section anew; a bidirectional GRU that learned "
    "from other training pieces and other compositions, 16 bars without loudness, tells them from "
    "the real held-out pieces: AUC and accuracy; violations of the rules by a reader of its own; "
    "copying as in experiments.generated.keeping"
)
_CRITIC_SEED, _JUDGE_SEED = 100, 200  # of real pieces; the judge gets none of the critic's


# --- training -------------------------------------------------------------------------------------


def train(options: argparse.Namespace) -> None:
    """Compose, learn, and write the critic."""
    music = open_sets(options.store, options.data)
    composers = [Composer.load(model) for model in options.models]
    rng = np.random.default_rng(options.seed)
    known: list[np.ndarray] = []
    labels: list[int] = []
    counts = [0, 0]
    for name, collection in LEARNED_SETS.items():
        able = [composer for composer in composers if collection in composer.collections]
        if not able:
            continue
        real = sides(music, collection, options.pieces)[0]
        made = composed_by_all(able, real, collection, options.seed)
        say(f"{name}: {len(real)} real pieces, {len(made)} composed")
        for label, pieces in ((1, real), (0, made)):
            for piece in pieces:
                known += some_bars(piece, rng, options.excerpts)
            labels += [label] * (len(pieces) * options.excerpts)
            counts[label] += len(pieces)
    say(f"Learning from {len(known)} excerpts ...")
    learner = Learner.taught(
        known,
        np.array(labels),
        sizes=COLUMN_SIZES,
        units=options.units,
        both_ways=False,
        epochs=options.epochs,
        seed=options.seed,
    )
    weights = {name: value.numpy() for name, value in learner.network.state_dict().items()}
    provenance = {
        "real pieces": counts[1],
        "composed pieces": counts[0],
        "sets": sorted(LEARNED_SETS.values()),
        "models": [composer.card["provenance"].get("name", "") for composer in composers],
        "temperatures": list(TEMPERATURES),
        "seed": options.seed,
        "date": date.today().isoformat(),
    }
    file = WeightsFile(RECURRENT_CRITIC_KIND, weights, {"units": options.units}, provenance)
    weights_file.save(file, options.target)
    say(f"Written to {options.target}, {options.target.stat().st_size:,} bytes")


def sides(music: Corpus, collection: str, count: int) -> tuple[list[Piece], list[Piece]]:
    """So many training pieces for the critic, and as many others for the judge."""
    both = other_pieces(music, collection, 2 * count, _CRITIC_SEED)
    return both[::2], both[1::2]


def composed_by_all(
    composers: Sequence[Composer], real: Sequence[Piece], collection: str, seed: int
) -> list[Piece]:
    """A piece like each, by one model after the other and at one temperature after the other."""
    ways = [(composer, warmth) for warmth in TEMPERATURES for composer in composers]
    made = []
    for number, piece in enumerate(real):
        composer, warmth = ways[number % len(ways)]
        made += composed_like(
            composer, [piece], collection, _CRITIC_SEED * seed + number,
            most_bars=MOST_BARS, temperature=warmth,
        )  # fmt: skip
    return made


def some_bars(piece: Piece, rng: Rng, count: int) -> list[np.ndarray]:
    """So many excerpts of 4 to 16 bars: what the critic hears when it chooses."""
    strokes = Strokes.of(piece)
    found = []
    for _ in range(count):
        bars = min(EXCERPT_BARS, strokes.bars, int(rng.integers(1, 7)) * 4)
        found.append(excerpt_with_past(strokes, int(rng.integers(strokes.bars - bars + 1)), bars))
    return found


# --- measuring ------------------------------------------------------------------------------------


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """What another network, the rules and the training music say of the best of so many."""
    music = open_sets(options.store, options.data)
    composer = Composer.load(options.model)
    index = index_beside(options.model)
    judge = judge_of(composer, music, options)
    real = {
        name: held_out(music, collection, options.pieces)
        for name, collection in LEARNED_SETS.items()
        if collection in composer.collections
    }
    figures: dict[str, Any] = {}
    of_real = {name: judged(judge, pieces, options.seed) for name, pieces in real.items()}
    for best_of in options.best_of:
        began = time.process_time()
        made: dict[str, list[Piece]] = {}
        broken: list[str] = []
        for name, pieces in real.items():
            made[name] = []
            for number, piece in enumerate(pieces):
                rules = rules_like(piece, LEARNED_SETS[name], MOST_BARS)
                if rules is None:
                    continue
                found = composer.compose(rules, seed=options.seed + number, best_of=best_of)
                made[name].append(found)
                broken += violations(write_bytes(found), rules)
        used = time.process_time() - began
        of_made = {name: judged(judge, pieces, options.seed) for name, pieces in made.items()}
        everything = [piece for pieces in made.values() for piece in pieces]
        first, second = (np.concatenate([*found.values()]) for found in (of_real, of_made))
        figures[f"best of {best_of}"] = {
            "pieces": len(everything),
            "AUC": area_under_curve(first, second),
            "accuracy": float(((first < 0.5).mean() + (second >= 0.5).mean()) / 2),
            "AUC by set": {name: area_under_curve(of_real[name], of_made[name]) for name in real},
            "violations": len(broken),
            "copying": {} if index is None else copying(everything, index),
            "measures": means(everything),
            "cpu_seconds": used,
        }
        say(f"best of {best_of}: {figures[f'best of {best_of}']}")
    figures["real"] = {"measures": means([piece for pieces in real.values() for piece in pieces])}
    began = time.process_time()
    song = composer.compose(
        duration=options.duration, seed=options.seed, best_of=options.best_of[-1]
    )
    figures[f"{options.duration} minutes, best of {options.best_of[-1]}"] = {
        "notes": song.note_count, "cpu_seconds": time.process_time() - began
    }  # fmt: skip
    return {"protocol": PROTOCOL, "seeds": [options.seed], "figures": figures}


def means(pieces: Sequence[Piece]) -> dict[str, float]:
    """The means of all measures of a set."""
    found = measure_set(pieces)
    return {name: found.mean(name) for name in found.measures}


def judge_of(composer: Composer, music: Corpus, options: argparse.Namespace) -> Learner:
    """The network that judges: real pieces are its first set, composed ones its second."""
    rng = np.random.default_rng(_JUDGE_SEED + options.seed)
    known: list[np.ndarray] = []
    labels: list[int] = []
    for collection in LEARNED_SETS.values():
        if collection not in composer.collections:
            continue
        real = sides(music, collection, options.judge_pieces)[1]
        made = composed_like(
            composer, real, collection, _JUDGE_SEED * (options.seed + 1), most_bars=MOST_BARS
        )
        for label, pieces in ((0, real), (1, made)):
            known += [any_excerpt(piece, rng) for piece in pieces for _ in range(2)]
            labels += [label] * (2 * len(pieces))
    say(f"The judge learns from {len(known)} excerpts ...")
    return Learner.taught(known, np.array(labels), seed=options.seed + 1)


def judged(judge: Learner, pieces: Sequence[Piece], seed: int) -> np.ndarray:
    """How likely two excerpts of each piece are composed, float64 [2 * pieces]."""
    rng = np.random.default_rng(seed)
    return judge.judge([any_excerpt(piece, rng) for piece in pieces for _ in range(2)])


def arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    made = {name: commands.add_parser(name) for name in ("train", "measure")}
    for one in made.values():
        one.add_argument("--data", type=Path, default=data_folder())
        one.add_argument("--store", type=Path, default=ROOT / "out" / "keeping-store")
        one.add_argument("--seed", type=int, default=1)
    made["train"].add_argument("--models", type=lambda text: text.split(","), default=["default"])
    made["train"].add_argument("--pieces", type=int, default=60, help="of each set")
    made["train"].add_argument("--excerpts", type=int, default=3, help="of each piece")
    made["train"].add_argument("--epochs", type=int, default=8)
    made["train"].add_argument("--units", type=int, default=96)
    made["train"].add_argument("--target", type=Path, default=ASSET)
    made["measure"].add_argument("--model", default="default")
    made["measure"].add_argument("--pieces", type=int, default=12, help="of each set")
    made["measure"].add_argument("--judge-pieces", type=int, default=60, help="of each set")
    made["measure"].add_argument(
        "--best-of", type=lambda text: [int(word) for word in text.split(",")], default=BEST_OF
    )
    made["measure"].add_argument("--duration", default="2:00", help="of the song that is timed")
    made["measure"].add_argument("--results", type=Path, default=RESULTS)
    return parser.parse_args(words)


def main() -> None:
    options = arguments()
    if options.command == "train":
        train(options)
        return
    began = time.process_time()
    found = measure(options)
    used = {"cpu_seconds": time.process_time() - began}
    path = write("critic", found, used, options.results, program="experiments.learning.critic")
    print(path.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
