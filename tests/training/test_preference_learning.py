"""A network learns what was preferred, within its leash, and only in its heads."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="training needs the extra train")

from ritornello import Composer
from ritornello.errors import InputError
from ritornello.generation.preference.comparisons import Answer, Comparison
from ritornello.music.piece import Piece
from ritornello.note_model import checkpoint
from ritornello.training.preference_learning import LEASH, learn_heads


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
    learned, facts = learn_heads(start, _comparisons(tiny_model, 30), watch=told.append)
    assert facts["pairs"] == 30
    assert facts["held_back_pairs"] == 6
    assert facts["nats_rise"] <= LEASH
    assert facts["steps"] > 0
    assert told[-1] == 1 or facts["steps"] < len(told)
    changed = {
        name.split(".")[0]
        for name, weight in learned.weights.items()
        if not np.array_equal(weight, start.weights[name])
    }
    assert changed == {"heads"}
    checkpoint.save(learned, tmp_path / checkpoint.MODEL_FILE)
    wishes: dict[str, Any] = {"bars": 2, "parts": ("piano",), "seed": 500}
    before = Composer.load(tiny_model).compose_many(16, **wishes)
    after = Composer.load(tmp_path).compose_many(16, **wishes)
    assert np.mean([*map(_mean_pitch, after)]) < np.mean([*map(_mean_pitch, before)])


def test_a_leash_of_nothing_lets_nothing_be_forgotten(tiny_model: Path) -> None:
    start = checkpoint.load(tiny_model / checkpoint.MODEL_FILE)
    _, facts = learn_heads(start, _comparisons(tiny_model, 12), leash=0.0)
    assert facts["nats_rise"] <= 0


def test_ties_teach_nothing(tiny_model: Path) -> None:
    start = checkpoint.load(tiny_model / checkpoint.MODEL_FILE)
    ties = [replace(each, answer="tie") for each in _comparisons(tiny_model, 12)]
    with pytest.raises(InputError, match="0 pairs have a winner"):
        learn_heads(start, ties)
