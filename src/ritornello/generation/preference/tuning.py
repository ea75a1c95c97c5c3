"""Pairs to a tuned model: the same network, with a critic beside it that chooses what is kept."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from ritornello.atomic import refuse_existing, whole_folder
from ritornello.errors import InputError
from ritornello.generation.originality.index import INDEX_FILE
from ritornello.generation.preference.comparisons import Comparison, Rated, rated
from ritornello.generation.preference.critic import (
    CRITIC_FILE,
    USUAL_CANDIDATES,
    Critic,
    learn,
)
from ritornello.generation.preference.traits import TRAITS
from ritornello.json_values import JsonObject
from ritornello.note_model import checkpoint
from ritornello.note_model.checkpoint import MODEL_FILE, Checkpoint
from ritornello.note_model.library import find_model

LEAST_PAIRS = 10
LearnNetwork = Callable[[Checkpoint, Sequence[Comparison]], tuple[Checkpoint, JsonObject]]
_HELD_BACK = 0.2
_REPEATS = 20
_TOLD = 5
_LEAST_WEIGHT = 0.1


def tune(
    model: str,
    comparisons: Sequence[Comparison],
    folder: Path,
    *,
    candidates: int = USUAL_CANDIDATES,
    learn_network: LearnNetwork | None = None,
    overwrite: bool = False,
    seed: int = 0,
) -> JsonObject:
    """Make a model that keeps what somebody likes best of what it composes.

    Args:
        model: a name or path; it stays as it is.
        comparisons: at least `LEAST_PAIRS`.
        folder: gets the model and the critic.
        candidates: how many pieces one is chosen from.
        learn_network: (model, comparisons) -> a model whose network learned too, and facts, such as
            `ritornello.training.preference_learning.learn_heads`; the network is copied where None.
        overwrite: replace the folder.
        seed: of what is held back.

    Returns:
        ``pairs``, ``held_back_right`` (share of pairs that were held back of which a critic taught
        with the others names the winner, and ``held_back_pairs``), ``likes`` in words,
        ``weights`` by trait, and what ``learn_network`` said as ``network``.

    Raises:
        InputError: if there are too few pairs. OutputError: if the folder exists.
    """
    refuse_existing(folder, overwrite)
    source = find_model(model)
    if len(comparisons) < LEAST_PAIRS:
        raise InputError(
            f"{len(comparisons)} pairs are rated; at least {LEAST_PAIRS} are needed.",
            next_step="Rate more pairs in the studio: ritornello studio",
        )
    pairs = rated(comparisons)
    right, tried = held_back(pairs, seed=seed)
    critic = learn(pairs, seed=seed)
    about = {
        "model": str(model),
        "pairs": len(pairs),
        "held_back_right": None if np.isnan(right) else round(right, 3),
        "held_back_pairs": tried,
        "likes": likes(critic),
        "weights": {
            name: round(float(weight), 3)
            for name, weight in zip(TRAITS, critic.weights, strict=True)
        },
    }
    with whole_folder(folder) as temporary:
        if learn_network is None:
            shutil.copyfile(source, temporary / MODEL_FILE)
        else:
            learned, about["network"] = learn_network(checkpoint.load(source), comparisons)
            checkpoint.save(learned, temporary / MODEL_FILE)
        if (index := source.with_name(INDEX_FILE)).is_file():
            shutil.copyfile(index, temporary / INDEX_FILE)
        replace(critic, candidates=candidates, about=about).save(temporary / CRITIC_FILE)
    return about


def held_back(pairs: Rated, *, seed: int = 0) -> tuple[float, int]:
    """How often critics name the winner of pairs that they did not learn from.

    Returns:
        The share, mean over `_REPEATS` random fifths; and how many pairs each time.
    """
    rng = np.random.default_rng(seed)
    count = max(1, round(_HELD_BACK * len(pairs)))
    shares = []
    for _ in range(_REPEATS):
        order = rng.permutation(len(pairs))
        shares.append(learn(pairs[order[count:]]).right(pairs[order[:count]]))
    known = [share for share in shares if not np.isnan(share)]
    return (float(np.mean(known)) if known else np.nan), count


def likes(critic: Critic) -> list[str]:
    """The strongest preferences of a critic as phrases, strongest first."""
    order = np.argsort(-np.abs(critic.weights))[:_TOLD]
    names = [*TRAITS.values()]
    return [
        names[index][0 if critic.weights[index] > 0 else 1]
        for index in order
        if abs(critic.weights[index]) >= _LEAST_WEIGHT
    ]
