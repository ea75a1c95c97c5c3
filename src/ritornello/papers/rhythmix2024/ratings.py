"""The feedback loop of `rhythmix2024` on our model: it goes on learning from what was liked.

Our model of bare lines writes lines from nothing, the simulated listener rates them, and it learns
the best-rated share again, as it learns any music. Nothing holds it near real lines, which among
the liked ones hid what the ratings taught: what that costs is told in nats.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ritornello.generation.composer import Composer
from ritornello.generation.rules import Rules
from ritornello.music.piece import Piece
from ritornello.papers.rhythmix2024.bench import RATED_EVENTS, Judged
from ritornello.papers.rhythmix2024.data import bare_piece
from ritornello.papers.rhythmix2024.encoding import REST
from ritornello.papers.rhythmix2024.feedback import mean_with_interval, simulated_rating
from ritornello.papers.rhythmix2024.songs import melody_of, nats_of_ours
from ritornello.papers.shared.ours import train_ours
from ritornello.papers.shared.outcome import Table
from ritornello.papers.shared.study import Study

_BARS = 8
_LIKED = 0.125  # the share of the lines that it learns again
_VALID = 8  # each eighth of them says when it has learned enough
_STEPS_A_LINE = 0.5
_LEARNING_RATE = 1.5e-3
_FRESH_SEEDS = 1_000_000


@dataclass(frozen=True)
class OursRated:
    """Our model before and after learning from ratings, and from ratings shuffled.

    rated: lines in all. liked: those it learned again.
    """

    before: Judged
    after: Judged
    shuffled: Judged
    rated: int
    liked: int


def rate_ours(study: Study, model: Path, held_out: list[np.ndarray]) -> OursRated:
    """Rounds of writing, being rated, and going on learning.

    Args:
        study: its ``rounds``, and ``rate_ours`` lines in each.
        model: of bare lines. held_out: lines to score it on, int64 [events, 2] each.
    """
    rounds, count = study.settings["rounds"], study.settings["ours_rated"]
    study.say(f"Our model learns from ratings, {rounds} rounds of {count} lines.")
    after, liked = _learn_rounds(study, model, shuffled=False)
    shuffled, _ = _learn_rounds(study, model, shuffled=True)
    judged = [_rate_model(study, each, held_out) for each in (model, after, shuffled)]
    return OursRated(judged[0], judged[1], judged[2], rated=rounds * count, liked=liked)


def _learn_rounds(study: Study, model: Path, *, shuffled: bool) -> tuple[Path, int]:
    """The model after all rounds, and how many lines it learned again."""
    rng = np.random.default_rng((study.seed, 11))
    count, learned = study.settings["ours_rated"], 0
    for number in range(study.settings["rounds"]):
        lines = write_lines(model, range(number * count, (number + 1) * count))
        stars = np.array([simulated_rating(line, rng) for line in lines])
        if shuffled:
            rng.shuffle(stars)
        ordered = np.lexsort((rng.random(len(stars)), -stars))
        liked = [lines[index] for index in ordered[: max(2, round(_LIKED * len(lines)))]]
        learned += len(liked)
        folder = study.folder / f"ours-{'shuffled' if shuffled else 'rated'}-{number}"
        model = train_ours(
            _as_music(liked),
            folder,
            minutes=0,
            steps=max(4, round(_STEPS_A_LINE * len(liked))),
            seed=study.seed + number,
            threads=study.threads,
            start=model,
            learning_rate=_LEARNING_RATE,
            validate_every=16,
        )
    return model, learned


def _as_music(liked: list[np.ndarray]) -> Iterator[tuple[str, Piece, str]]:
    """Lines to learn from; some of them say when it has learned enough."""
    for number, line in enumerate(liked):
        yield f"liked {number}", bare_piece(line), "train" if number % _VALID else "valid"


def write_lines(model: Path, seeds: range) -> list[np.ndarray]:
    """Lines written from nothing, int64 [events, 2] each; those that come to nothing left out."""
    asked = Rules(bars=_BARS, parts=("piano",), polyphony={"all": 1}, ending=False)
    pieces = Composer.load(model).compose_many(len(seeds), asked, seed=seeds.start, best_of=1)
    lines = (melody_of(piece) for piece in pieces)
    return [_beginning(line) for line in lines if line is not None]


def _beginning(line: np.ndarray) -> np.ndarray:
    """As much of a line as is rated, from its first note on."""
    first = int((line[:, 0] != REST).argmax())
    return line[first : first + RATED_EVENTS]


def _rate_model(study: Study, model: Path, held_out: list[np.ndarray]) -> Judged:
    """Rated on fresh lines; the same seeds for every model."""
    rng = np.random.default_rng(study.seed)
    first = _FRESH_SEEDS + study.seed
    lines = write_lines(model, range(first, first + study.settings["ours_rated"]))
    stars = [simulated_rating(line, rng) for line in lines]
    nats = float(nats_of_ours(model, held_out).sum())
    return Judged(mean_with_interval(stars, seed=study.seed), nats)


def table(found: OursRated) -> Table:
    """Before, after, and with ratings shuffled."""
    rows = {
        "before": found.before,
        "after": found.after,
        "after, ratings shuffled among the lines": found.shuffled,
    }
    return Table(
        "Our model learning from ratings of a simulated listener",
        ["model", "mean stars", "95% from", "to", "nats a note, held out"],
        [[name, *judged.stars, judged.nats] for name, judged in rows.items()],
        f"No people rated. {found.rated:,} lines of {_BARS} bars were written from nothing and "
        f"rated as above by {RATED_EVENTS} events from the first note on; the best "
        f"{100 * _LIKED:.0f}% were learned again. Judged on as many fresh "
        "lines as a round has, the same seeds for each.",
    )


def sentence(found: OursRated) -> str:
    """The answer to what the authors asked for."""
    stars = [judged.stars[0] for judged in (found.before, found.after, found.shuffled)]
    return (
        f"our model: {stars[0]:.2f} to {stars[1]:.2f} stars on fresh lines ({stars[2]:.2f} with "
        f"ratings shuffled) after it learned {found.liked} of {found.rated} rated lines again, at "
        f"{found.after.nats - found.before.nats:+.3f} nats a held-out note"
    )
