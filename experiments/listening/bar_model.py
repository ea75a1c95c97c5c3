"""Make the network that tells where bars begin: draw parts, train on them, put it in the package.

    python -m experiments.listening.bar_model train STORE WORK [--minutes 2]    # resumes
    python -m experiments.listening.bar_model pack WORK

The parts are those of `note_beat_model`, whose network must be packed before: as they might be
heard, with their true beats, and some recordings begin before the music. What is drawn stays in
WORK.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from experiments.command_line import train_and_pack
from experiments.listening.bar_net import BarNet, BarNetConfig
from experiments.listening.bars_training import BarLessons, CountedPart
from experiments.listening.beat_clips import Excerpt, Excerpts, owed_to
from experiments.listening.kept_arrays import save_arrays
from experiments.listening.learning import ListenerTraining, best
from experiments.listening.learning import train as learn
from experiments.listening.note_beat_model import SHARES, heard, metres
from ritornello.corpus.store import Corpus
from ritornello.json_values import JsonObject
from ritornello.note_model.weights_file import WeightsFile, save
from ritornello.rng import Rng
from ritornello.transcribe.bar_network import (
    BAR_NETWORK_FILE,
    BAR_NETWORK_KIND,
    COUNTS,
    FEATURES,
    beats_table,
    transposed,
)
from ritornello.transcribe.note_beats import told_by
from ritornello.transcribe.notes_on_beats import NotesOnBeats

ANSWERS = [(count, first) for count in COUNTS for first in range(count)]
_PACKAGE = Path(__file__).resolve().parents[2] / "src" / "ritornello"
_PARTS = {"train": 12_500, "valid": 600}
_SHORTEST_SECONDS, _LONGEST_SECONDS = 15.0, 60.0
_FEWEST_BEATS = 12
_STEADY_SHARE = 0.4
_MOST_SILENT_BEATS = 3  # before the music
_MISCOUNTED, _HALVED, _DOUBLED, _SLIPPED = 0.5, 0.15, 0.25, 0.4  # shares
_INEXACT_SECONDS = 0.02


def parts(corpus: Corpus, side: str, count: int, rng: Rng) -> list[CountedPart]:
    """So many parts with their true beats."""
    lengths = np.linspace(_SHORTEST_SECONDS, _LONGEST_SECONDS, 4)
    excerpts = [Excerpts(corpus, side, seconds) for seconds in lengths]
    kinds, shares = [*SHARES], np.array([*SHARES.values()])
    found: list[CountedPart] = []
    while len(found) < count:
        kind = str(rng.choice(kinds, p=shares / shares.sum()))
        steady = bool(rng.random() < _STEADY_SHARE)
        excerpt = excerpts[rng.integers(len(excerpts))].draw(
            kind, rng, steady=steady, metres=metres(rng)
        )
        found += counted_part(excerpt, rng)
    return found


def counted_part(excerpt: Excerpt, rng: Rng) -> list[CountedPart]:
    """An excerpt as it might be heard and counted, after up to three silent beats; nothing if it is
    too short or its bars are not known."""
    beats = excerpt.beats_seconds
    if not (excerpt.knows_bars and excerpt.beats_per_bar in COUNTS) or len(beats) < _FEWEST_BEATS:
        return []
    notes = heard(excerpt, rng)
    told = told_by(notes)
    if told is None:
        return []
    silent = int(rng.integers(_MOST_SILENT_BEATS + 1))
    before = beats[0] - (beats[1] - beats[0]) * np.arange(silent, 0, -1)
    first = (int(excerpt.is_downbeat.argmax()) + silent) % excerpt.beats_per_bar
    times, answer = np.concatenate([before, beats]), (excerpt.beats_per_bar, first)
    if rng.random() < _MISCOUNTED:
        times, answer = miscounted(times, answer, rng)
    return [CountedPart(beats_table(NotesOnBeats(notes, told, times)), ANSWERS.index(answer))]


def miscounted(
    times: np.ndarray, answer: tuple[int, int], rng: Rng
) -> tuple[np.ndarray, tuple[int, int]]:
    """Beats as a tracker may find them, inexact, half or twice as many, or one too many or too few
    on the way, and the answer that is right for most of them."""
    count, first = answer
    level, slips = rng.random(2)
    if level < _HALVED and count == 4:
        times, count, first = times[first % 2 :: 2], 2, first // 2
    elif level > 1 - _DOUBLED:
        middles = (times[1:] + times[:-1]) / 2
        times = np.sort(np.concatenate([times, middles]))
        count, first = (4, 2 * first % 4) if count != 3 else (3, 2 * first % 3)
    if slips < _SLIPPED and len(times) > _FEWEST_BEATS:
        at, change = int(rng.integers(2, len(times) - 2)), int(rng.choice([-1, 1]))
        squeezed = np.linspace(at, at + 4 + change, 5)[:-1]
        rest = np.arange(at + 4 + change, len(times), dtype=float)
        places = np.concatenate([np.arange(at, dtype=float), squeezed, rest])
        if at < len(times) / 2:  # most beats are behind the slip
            first = (first - change) % count
        times = np.interp(places[places < len(times)], np.arange(len(times), dtype=float), times)
    return times + rng.normal(0, rng.uniform(0, _INEXACT_SECONDS), len(times)), (count, first)


def kept_parts(store: Path, work: Path, side: str) -> list[CountedPart]:
    """The parts of a side, drawn once and then read from the folder."""
    file = work / f"{side}.npz"
    if not file.exists():
        rng = np.random.default_rng([*_PARTS].index(side))
        drawn = parts(Corpus.open(store), side, _PARTS[side], rng)
        lengths = np.array([len(part.table) for part in drawn])
        answers = np.array([part.answer for part in drawn])
        tables = np.concatenate([part.table for part in drawn])
        save_arrays({"tables": tables, "lengths": lengths, "answers": answers}, file)
    with np.load(file) as kept:
        each = np.split(kept["tables"], np.cumsum(kept["lengths"])[:-1])
        return [CountedPart(*row) for row in zip(each, kept["answers"].tolist(), strict=True)]


def train(store: Path, work: Path, minutes: float) -> None:
    work.mkdir(parents=True, exist_ok=True)
    sides = [kept_parts(store, work, side) for side in _PARTS]
    print(f"{len(sides[0])} parts, {len(sides[1])} for validation", flush=True)
    config = BarNetConfig(FEATURES, COUNTS)
    learn(
        lambda: BarNet(config),
        config.settings(),
        BarLessons(sides[0], sides[1], ANSWERS, COUNTS, transposed),
        work,
        ListenerTraining(seconds=60 * minutes, learning_rate=3e-3, weight_decay=0.02),
        watch=lambda told: print(told, flush=True),
    )


def pack(work: Path) -> None:
    """Put the best weights of a run into the package."""
    run = best(work)
    provenance: JsonObject = {
        "about": "Tells which beats begin bars; taught with the notes of pieces, inexact and with "
        "mistakes as a transcriber makes them.",
        "made_by": "experiments/listening/bar_model.py",
        "credits": owed_to(),
        "parts": _PARTS["train"],
        "steps": run["steps"],
        "minutes": round(run["seconds"] / 60, 1),
        "valid_loss_nats_per_part": round(run["best_loss"], 4),
    }
    weights = {name: weight.numpy() for name, weight in run["best"].items()}
    file = WeightsFile(BAR_NETWORK_KIND, weights, run["settings"], provenance)
    save(file, _PACKAGE / "assets" / "listening" / BAR_NETWORK_FILE, overwrite=True)
    print(provenance)


def main() -> None:
    parser, _, _ = train_and_pack(__doc__, minutes=2.0)
    options = parser.parse_args()
    if options.command == "train":
        train(options.store, options.work, options.minutes)
    else:
        pack(options.work)


if __name__ == "__main__":
    main()
