"""A critic: how much a piece is liked, as a weighted sum of its traits.

The difference of the scores of two pieces is the logarithm of the odds that the first is liked
better (R. A. Bradley and M. E. Terry, "Rank analysis of incomplete block designs", 1952). It is
fitted by Newton's method with a prior that holds every weight near 0, so that thirty pairs teach
something, and traits that nobody cares for stay without weight.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ritornello.atomic import atomic_write
from ritornello.errors import CheckpointError
from ritornello.generation.preference.comparisons import Rated
from ritornello.generation.preference.traits import TRAITS, traits_of
from ritornello.json_values import JsonObject
from ritornello.music.piece import Piece

CRITIC_FILE = "critic.json"
FORMAT = "ritornello-critic-1"
USUAL_CANDIDATES = 8
_MOST_CANDIDATES = 64
_MOST_FILE_BYTES = 1_000_000
_NEWTON_STEPS = 30
_BAD_WEIGHT = 0.5  # of a piece that is called bad beside another, against the mean of all
_PENALTIES = (0.3, 1.0, 3.0, 10.0, 30.0)
_FOLDS = 5


@dataclass(frozen=True, eq=False)
class Critic:
    """What somebody likes.

    Attributes:
        weights: float64 [traits], of traits in units of their spread.
        mean, spread: float64 [traits], over the pieces that were rated.
        candidates: how many pieces it chooses one from.
        about: what it says of itself: how many pairs taught it, and how well it guesses.
    """

    weights: np.ndarray
    mean: np.ndarray
    spread: np.ndarray
    candidates: int = USUAL_CANDIDATES
    about: JsonObject | None = None

    def score(self, piece: Piece) -> float:
        """How much a piece is liked; 0 for the mean of what was rated."""
        return float(self.scores(traits_of(piece)[None])[0])

    def scores(self, traits: np.ndarray) -> np.ndarray:
        """The same of traits, float64 [pieces, traits] -> [pieces]."""
        return np.asarray(_standardised(traits, self.mean, self.spread) @ self.weights)

    def right(self, pairs: Rated) -> float:
        """Share of pairs with a winner of which it names the winner; nan without any."""
        decided = np.isin(pairs.liked, (0.0, 1.0))
        if not decided.any():
            return np.nan
        chosen = pairs[decided]
        margin = self.scores(chosen.left) - self.scores(chosen.right)
        return float(((margin > 0) == (chosen.liked == 1.0)).mean())

    def save(self, path: Path) -> None:
        """Write it, in place of one that is there."""
        value = {
            "format": FORMAT,
            "candidates": self.candidates,
            "about": self.about or {},
            "traits": {
                name: [float(weight), float(mean), float(spread)]
                for name, weight, mean, spread in zip(
                    TRAITS, self.weights, self.mean, self.spread, strict=True
                )
            },
        }
        with atomic_write(path, overwrite=True) as temporary:
            temporary.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Critic:
        """Read one.

        Raises:
            CheckpointError: if it is damaged or of another version.
        """
        try:
            if path.stat().st_size > _MOST_FILE_BYTES:
                raise ValueError("it is too large")
            value = json.loads(path.read_text(encoding="utf-8"))
            if value["format"] != FORMAT or [*value["traits"]] != [*TRAITS]:
                raise ValueError("it is of another version")
            table = np.array([*value["traits"].values()], float)
            candidates = int(value["candidates"])
            if table.shape != (len(TRAITS), 3) or not np.isfinite(table).all():
                raise ValueError("a weight is no number")
            if not 1 <= candidates <= _MOST_CANDIDATES:
                raise ValueError(f"{candidates} candidates")
            about = dict(value["about"])
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise CheckpointError(
                f"This critic cannot be used ({error}).",
                where=str(path),
                next_step="Remove the file, or tune the model again.",
            ) from None
        return cls(table[:, 0], table[:, 1], table[:, 2], candidates, about)


def learn(pairs: Rated, *, seed: int = 0) -> Critic:
    """The critic that pairs teach.

    How near to 0 the weights are held is chosen by cross-validation among the pairs.
    """
    penalty = _PENALTIES[-1]
    if len(pairs) >= 2 * _FOLDS:
        fold = np.random.default_rng(seed).permutation(len(pairs)) % _FOLDS
        losses = []
        for each in _PENALTIES:
            critics = [_fitted(pairs[fold != number], each) for number in range(_FOLDS)]
            losses.append(sum(_loss(c, pairs[fold == number]) for number, c in enumerate(critics)))
        penalty = _PENALTIES[int(np.argmin(losses))]
    return _fitted(pairs, penalty)


def _fitted(pairs: Rated, penalty: float) -> Critic:
    both = np.concatenate([pairs.left, pairs.right])
    known = ~np.isnan(both)
    counts = np.maximum(known.sum(axis=0), 1)
    filled = np.where(known, both, 0.0)
    mean = filled.sum(axis=0) / counts
    variance = (np.where(known, both - mean, 0.0) ** 2).sum(axis=0) / counts
    spread = np.where(variance > 1e-12, np.sqrt(np.maximum(variance, 1e-12)), 1.0)
    rows, liked, amounts = _examples(pairs, mean, spread)
    weights = np.zeros(len(mean))
    for _ in range(_NEWTON_STEPS):
        chance = 1 / (1 + np.exp(-np.clip(rows @ weights, -30, 30)))
        gradient = rows.T @ (amounts * (chance - liked)) + penalty * weights
        curvature = (rows * (amounts * chance * (1 - chance))[:, None]).T @ rows
        step = np.linalg.solve(curvature + penalty * np.eye(len(mean)), gradient)
        weights -= step
        if np.abs(step).max() < 1e-9:
            break
    return Critic(weights, mean, spread)


def _examples(
    pairs: Rated, mean: np.ndarray, spread: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Differences, which side is liked, and how much each counts.

    Of a pair in which both are bad each loses against the mean of all, by half.
    """
    left = _standardised(pairs.left, mean, spread)
    right = _standardised(pairs.right, mean, spread)
    bad = np.isnan(pairs.liked)
    rows = np.concatenate([(left - right)[~bad], left[bad], right[bad]])
    liked = np.concatenate([pairs.liked[~bad], np.zeros(2 * int(bad.sum()))])
    amounts = np.where(np.arange(len(rows)) < (~bad).sum(), 1.0, _BAD_WEIGHT)
    return rows, liked, amounts


def _loss(critic: Critic, pairs: Rated) -> float:
    rows, liked, amounts = _examples(pairs, critic.mean, critic.spread)
    margin = np.clip(rows @ critic.weights, -30, 30)
    # Minus the log-likelihood of the answers: log(1 + e^m) - liked m.
    return float((amounts * (np.logaddexp(0, margin) - liked * margin)).sum())


def _standardised(traits: np.ndarray, mean: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """In units of the spread; a trait that a piece lacks is as in the mean."""
    units: np.ndarray = np.nan_to_num((traits - mean) / spread)
    return units
