"""Does a model that was tuned with ratings write what is liked? Programs as listeners.

    python -m experiments.studio.preference -o experiments/results/preference.json

Four listeners, each of which likes one thing: notes of one scale, few notes, a low register,
sections that return. Their figures are those of `ritornello.metrics`, computed apart from the
traits that the critic sees. Each answers pairs of pieces composed for one wish (style, players and
tempo drawn at random), and errs in one answer of ten, as people do. A critic learns from the first
30 pairs, and from 200. Then, for wishes it has not met, it chooses one of eight pieces, and the
listener, without error now, compares it with the first of them, which is what the model would have
written alone. .5 is no effect; ties count half. The network is not changed, so its likelihood of
real music is what it was.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ritornello import Composer, Piece
from ritornello.generation.preference.comparisons import Rated
from ritornello.generation.preference.critic import USUAL_CANDIDATES, learn
from ritornello.generation.preference.traits import traits_of
from ritornello.generation.preference.tuning import likes
from ritornello.metrics import overlap
from ritornello.metrics.keeping.measures import MeasuredBars, returning_bars

STYLES = ("pop", "band", "jazz", "rock", "game", "classical")
PLAYERS = (
    ("piano",),
    ("guitar", "bass"),
    ("flute", "strings"),
    ("piano", "bass", "drums"),
    ("saxophone", "piano", "bass"),
)
TEACHING = (30, 200)
BARS = 16
ERRORS = 0.1


def _returning(piece: Piece) -> float:
    return returning_bars(MeasuredBars.of(piece))


LISTENERS: dict[str, Callable[[Piece], float]] = {
    "notes of one scale": lambda piece: overlap.features(piece)["scale_consistency"],
    "few notes": lambda piece: -overlap.features(piece)["notes_per_beat"],
    "a low register": lambda piece: (
        -float(
            np.concatenate(
                [t.notes["pitch"] for t in piece.tracks if not t.is_drum] or [np.array([60])]
            ).mean()
        )
    ),
    "sections that return": _returning,
}


def wishes(count: int, bars: int, seed: int) -> list[dict[str, Any]]:
    """What pieces are asked for, drawn at random: style, tempo and players."""
    rng = np.random.default_rng(seed)
    return [
        {
            "bars": bars,
            "collection": str(rng.choice(STYLES)),
            "tempo_bpm": float(rng.integers(80, 150)),
            "parts": PLAYERS[rng.integers(len(PLAYERS))],
        }
        for _ in range(count)
    ]


def composed(composer: Composer, count: int, pieces: int, seed: int) -> tuple[np.ndarray, Any]:
    """Pieces for random wishes: traits [wishes, pieces, traits], and by listener its figures."""
    traits: list[list[np.ndarray]] = []
    figures: dict[str, list[list[float]]] = {name: [] for name in LISTENERS}
    for wish, rules in enumerate(wishes(count, BARS, seed)):
        made = composer.compose_many(pieces, seed=seed + 1000 * wish, best_of=1, **rules)
        traits.append([traits_of(piece) for piece in made])
        for name, figure in LISTENERS.items():
            figures[name].append([figure(piece) for piece in made])
    return np.array(traits), {name: np.array(rows) for name, rows in figures.items()}


def measured(teaching: Any, trying: Any, name: str, pairs: int, seed: int) -> dict[str, Any]:
    """What a critic learns from so many pairs of one listener."""
    traits, figures = teaching[0][:pairs], np.nan_to_num(teaching[1][name][:pairs])
    rng = np.random.default_rng(seed)
    liked = np.where(figures[:, 0] == figures[:, 1], 0.5, figures[:, 0] > figures[:, 1])
    liked = np.where(rng.random(pairs) < ERRORS, 1 - liked, liked)
    critic = learn(Rated(traits[:, 0], traits[:, 1], liked))
    new, values = trying[0], np.nan_to_num(trying[1][name])
    scores = critic.scores(new.reshape(-1, new.shape[-1])).reshape(new.shape[:2])
    chosen = np.take_along_axis(values, scores.argmax(axis=1)[:, None], axis=1)[:, 0]
    first = values[:, 0]
    wins = (chosen > first) + 0.5 * (chosen == first)
    best = values.max(axis=1)
    error = float(wins.std() / np.sqrt(len(wins)))
    return {
        "pairs": pairs,
        "preferred": round(float(wins.mean()), 3),
        "standard_error": round(error, 3),
        "best_possible": round(float(((best > first) + 0.5 * (best == first)).mean()), 3),
        "figure_before": round(float(first.mean()), 3),
        "figure_after": round(float(chosen.mean()), 3),
        "likes": likes(critic),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--wishes", type=int, default=50, help="that no critic has met")
    parser.add_argument("--model", default="default")
    arguments = parser.parse_args()
    composer, start = Composer.load(arguments.model), time.monotonic()
    teaching = composed(composer, max(TEACHING), 2, seed=1)
    trying = composed(composer, arguments.wishes, USUAL_CANDIDATES, seed=10_000_000)
    found = {
        name: [measured(teaching, trying, name, pairs, seed=0) for pairs in TEACHING]
        for name in LISTENERS
    }
    facts = {
        "model": arguments.model,
        "bars": BARS,
        "styles": STYLES,
        "wishes": arguments.wishes,
        "candidates": USUAL_CANDIDATES,
        "errors_of_listeners": ERRORS,
        "seconds": round(time.monotonic() - start),
        "listeners": found,
    }
    arguments.output.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
