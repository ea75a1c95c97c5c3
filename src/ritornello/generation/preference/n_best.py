"""Which of several candidates is kept: what is asked for, and the seeds of the candidates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ritornello.errors import ConfigError
from ritornello.generation.preference.critic import Critic
from ritornello.generation.preference.recurrent_critic import RecurrentCritic
from ritornello.generation.preference.traits import traits_of
from ritornello.music.piece import Piece

MOST_CANDIDATES = 64
# Scores of pieces from a bar to before another; None stands for their end.
Scores = Callable[[Sequence[Piece], int, int | None], np.ndarray]


@dataclass(frozen=True)
class Selection:
    """One of several candidates is kept.

    Attributes:
        candidates: how many are written for each piece.
        scores: the higher the better.
        by_section: whether the best goes on after each section, in as many ways; else only whole
            pieces are compared.
    """

    candidates: int
    scores: Scores
    by_section: bool = False

    def seeds_for(self, seeds: Sequence[int]) -> list[int]:
        """The seeds of the candidates: each of ``seeds`` and further ones that follow from it."""
        return [
            each
            for seed in seeds
            for each in (
                seed,
                *map(int, np.random.SeedSequence(seed).generate_state(self.candidates - 1)),
            )
        ]

    def best_of_each(self, pieces: Sequence[Piece]) -> list[int]:
        """Index of the piece that is best of each `candidates` in a row."""
        scores = self.scores(pieces, 0, None).reshape(-1, self.candidates)
        firsts = np.arange(len(scores)) * self.candidates
        return [int(index) for index in firsts + scores.argmax(axis=1)]


def selection(tuned: Critic | None, best_of: int | None) -> Selection | None:
    """How pieces are chosen; None where none is.

    Args:
        tuned: the critic of a tuned model, which chooses unless ``best_of`` is 1.
        best_of: so many candidates, for the bundled recurrent critic to choose from; with a tuned
            one both count. Both give log-odds, so they are added.

    Raises:
        ConfigError: if ``best_of`` is no number of candidates.
    """
    if best_of is not None and not 1 <= best_of <= MOST_CANDIDATES:
        raise ConfigError(f"One piece is chosen from 1 to {MOST_CANDIDATES}; found {best_of}.")
    if best_of is None:
        return None if tuned is None else Selection(tuned.candidates, liked(tuned))
    if best_of == 1:
        return None
    heard = RecurrentCritic.bundled().scores
    if tuned is None:
        return Selection(best_of, heard, by_section=True)
    likes = liked(tuned)
    return Selection(best_of, lambda *what: heard(*what) + likes(*what), by_section=True)


def liked(tuned: Critic) -> Scores:
    """The scores of a tuned critic, which hears all of a piece so far."""

    def scores(pieces: Sequence[Piece], first_bar: int, end_bar: int | None) -> np.ndarray:
        return tuned.scores(np.array([traits_of(piece) for piece in pieces]))

    return scores
