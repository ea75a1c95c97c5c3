"""A network learns what was preferred, within its leash, and only in its heads."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="training needs the extra train")

from ritornello import Composer
from ritornello.errors import InputError
from ritornello.generation.preference.comparisons import Answer, Comparison
from ritornello.music.piece import Piece
from ritornello.note_model import checkpoint
from ritornello.training.preference_learning import LEASH, learn_heads, nats_a_note


def _mean_pitch(piece: Piece) -> float:
    return float(np.concatenate([track.notes["pitch"] for track in piece.tracks]).mean())


def _comparisons(model: Path, pairs: int) -> list[Comparison]:
    """Pairs of which the lower one is liked."""
    pieces = Composer.load(model).compose_many(2 * pairs, bars=2, parts=("piano",))
    found = []
    for left, right in zip(pieces[::2], pieces[1::2], strict=True):
        answer: Answer = "left" if _mean_pitch(left) < _mean_pitch(right) else "right"
        found.append(Comparison(left, right, answer))
    return found


def test_the_heads_learn_within_the_leash(tiny_model: Path, tmp_path: Path) -> None:
    start = checkpoint.load(tiny_model / checkpoint.MODEL_FILE)
    told: list[float] = []
    comparisons = _comparisons(tiny_model, 30)
    learned, facts = learn_heads(start, comparisons, watch=told.append)
    assert facts["pairs"] == 30
    assert facts["held_back_pairs"] == 6
    assert abs(facts["nats_change"]) <= LEASH
    assert facts["steps"] > 0
    assert told[-1] == 1 or facts["steps"] < len(told)
    changed = {
        name.split(".")[0]
        for name, weight in learned.weights.items()
        if not np.array_equal(weight, start.weights[name])
    }
    assert changed == {"heads"}
    liked = [each.left if each.answer == "left" else each.right for each in comparisons]
    other = [each.right if each.answer == "left" else each.left for each in comparisons]
    gains = [nats_a_note(start, side) - nats_a_note(learned, side) for side in (liked, other)]
    assert gains[0] > gains[1]
    checkpoint.save(learned, tmp_path / checkpoint.MODEL_FILE)
    assert Composer.load(tmp_path).compose(bars=1, parts=("piano",)).note_count


def test_a_leash_of_nothing_leaves_the_network_as_it_was(tiny_model: Path) -> None:
    start = checkpoint.load(tiny_model / checkpoint.MODEL_FILE)
    kept, facts = learn_heads(start, _comparisons(tiny_model, 12), leash=0.0)
    assert facts["steps"] == 0
    for name, weight in kept.weights.items():
        np.testing.assert_array_equal(weight, start.weights[name])


def test_ties_teach_nothing(tiny_model: Path) -> None:
    start = checkpoint.load(tiny_model / checkpoint.MODEL_FILE)
    ties = [replace(each, answer="tie") for each in _comparisons(tiny_model, 12)]
    with pytest.raises(InputError, match="0 pairs have a winner"):
        learn_heads(start, ties)
