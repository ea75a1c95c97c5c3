"""Does a network that learned from ratings write what is liked, and does it still know real music?

    python -m experiments.studio.preference_network DATA \\
        -o experiments/results/preference_network.json

The listeners are those of `experiments.studio.preference`, with their errors. The heads of the
network learn from the first 30 pairs, and from 200; no critic chooses. Then, for wishes it has not
met, the listener, without error now, compares what the tuned network writes with what the original
writes for the same wish and seed: .5 is no effect; ties count half. Nats a note are those of pieces
on the validation side of the split, of which the network is told nothing but who plays.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from experiments.studio.preference import ERRORS, LISTENERS, TEACHING, wishes
from ritornello import Composer, Piece, load
from ritornello.generation.preference.comparisons import Answer, Comparison
from ritornello.note_model import checkpoint
from ritornello.note_model.library import find_model
from ritornello.training.preference_learning import LEAST_DECIDED, learn_heads, nats_a_note

BARS = 8
_SETS = ("mutopia_pd_midi", "open_hymnal_midi", "openscore_lieder_midi", "freedoom_midi")


def written(composer: Composer, asked: Sequence[dict[str, Any]], each: int) -> list[list[Piece]]:
    """Pieces for each wish, with seeds that are its own."""
    return [
        list(composer.compose_many(each, seed=1000 * number, best_of=1, **wish))
        for number, wish in enumerate(asked)
    ]


def answered(pairs: list[list[Piece]], figure: Callable[[Piece], float]) -> list[Comparison]:
    """What a listener says, which errs now and then."""
    rng = np.random.default_rng(0)
    found = []
    for left, right in pairs:
        values = np.nan_to_num([figure(left), figure(right)])
        better = (values[0] > values[1]) != (rng.random() < ERRORS)
        answer: Answer = "left" if better else "right"
        found.append(Comparison(left, right, "tie" if values[0] == values[1] else answer))
    return found


def real_pieces(data: Path, each: int) -> list[Piece]:
    """Pieces of the validation side, of several sets."""
    splits = json.loads((data / "splits.json").read_text(encoding="utf-8"))
    return [
        load(data / name / path) for name in _SETS for path in sorted(splits[name]["valid"])[:each]
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--wishes", type=int, default=40, help="that no network has met")
    parser.add_argument("--model", default="default")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    began = time.monotonic()
    start = checkpoint.load(find_model(arguments.model))
    original = Composer.load(arguments.model)
    teaching = written(original, wishes(max(TEACHING), BARS, seed=1), 2)
    asked = wishes(arguments.wishes, BARS, seed=2)
    before = [pieces[0] for pieces in written(original, asked, 1)]
    real = real_pieces(arguments.data, 10)
    nats = nats_a_note(start, real)
    facts: dict[str, Any] = {
        "model": arguments.model,
        "bars": BARS,
        "wishes": arguments.wishes,
        "errors_of_listeners": ERRORS,
        "real_pieces": len(real),
        "nats_before": round(nats, 4),
        "listeners": {},
    }
    for name, figure in LISTENERS.items():
        rows = facts["listeners"][name] = []
        old = np.nan_to_num([figure(piece) for piece in before])
        for pairs in TEACHING:
            began_learning, said = time.monotonic(), answered(teaching[:pairs], figure)
            if sum(each.answer != "tie" for each in said) < LEAST_DECIDED:
                continue  # what all pieces have alike teaches nothing
            learned, about = learn_heads(start, said)
            seconds = time.monotonic() - began_learning
            with tempfile.TemporaryDirectory() as folder:
                checkpoint.save(learned, Path(folder, checkpoint.MODEL_FILE))
                tuned = Composer.load(folder)
            new = np.nan_to_num([figure(each[0]) for each in written(tuned, asked, 1)])
            wins = (new > old) + 0.5 * (new == old)
            rows.append(
                {
                    **about,
                    "rated": pairs,
                    "seconds": round(seconds),
                    "preferred": round(float(wins.mean()), 3),
                    "standard_error": round(float(wins.std() / np.sqrt(len(wins))), 3),
                    "figure_before": round(float(old.mean()), 3),
                    "figure_after": round(float(new.mean()), 3),
                    "real_nats_rise": round(nats_a_note(learned, real) / nats - 1, 4),
                }
            )
            print(name, json.dumps(rows[-1]), flush=True)
            facts["seconds"] = round(time.monotonic() - began)
            arguments.output.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
