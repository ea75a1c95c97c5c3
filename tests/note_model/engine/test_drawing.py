"""What is drawn follows the model's chances, cut as asked, and never a closed class."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from ritornello.note_model.encoding.notes import PITCH, SIZES
from ritornello.note_model.engine.compiled import CompiledEngine
from ritornello.note_model.engine.drawing import draw

from .conftest import make_model

CLASSES = SIZES[PITCH]
CUTS = [(1.0, 1.0, 0), (0.7, 1.0, 5), (1.0, 0.9, 0), (1.3, 0.5, 20), (2.0, 0.99, 3)]


def numpy_draw(
    logits: np.ndarray,
    legal: np.ndarray,
    uniform: np.ndarray,
    temperature: float,
    top_p: float,
    top_k: int,
) -> np.ndarray:
    return draw(logits, legal, uniform, temperature, top_p, top_k)


@pytest.fixture(params=["numpy", "c"])
def drawer(request: pytest.FixtureRequest) -> Callable[..., np.ndarray]:
    """Draw from given logits [rows, classes]; the kernel is led to them through a head's bias."""
    if request.param == "numpy":
        return numpy_draw
    library = request.getfixturevalue("library")

    def kernel_draw(
        logits: np.ndarray, legal: np.ndarray, uniform: np.ndarray, *cuts: Any
    ) -> np.ndarray:
        assert (logits == logits[0]).all()
        checkpoint = make_model()[1]
        weights = dict(checkpoint.weights)
        weights["heads.2.out.weight"] = np.zeros_like(weights["heads.2.out.weight"])
        weights["heads.2.out.bias"] = logits[0].astype(np.float32)
        checkpoint = type(checkpoint)(weights, checkpoint.network)
        engine = CompiledEngine(checkpoint, library)
        hidden = np.zeros((len(logits), engine.head_width * 5), np.float32)
        columns = np.zeros((len(logits), len(engine._lookups[PITCH].offsets)), np.int64)  # type: ignore[union-attr]
        return engine.choose(PITCH, hidden, columns, legal, uniform, *cuts)

    return kernel_draw


def chances(
    logits: np.ndarray, legal: np.ndarray, temperature: float, top_p: float, top_k: int
) -> np.ndarray:
    """The judge: sort the classes, cut, renormalise."""
    chance = np.where(legal, np.exp(logits.astype(np.float64) / temperature), 0)
    order = np.argsort(-chance)
    if top_k:
        chance[order[top_k:]] = 0
    sums = np.cumsum(chance[order]) / chance.sum()
    if top_p < 1:
        chance[order[np.searchsorted(sums, top_p) + 1 :]] = 0
    result: np.ndarray = chance / chance.sum()
    return result


@pytest.mark.parametrize("cuts", CUTS)
def test_draws_follow_the_chances(
    drawer: Callable[..., np.ndarray], cuts: tuple[float, float, int]
) -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, CLASSES).astype(np.float32)
    legal = rng.random(CLASSES) < 0.6
    count = 4000
    uniform = (np.arange(count) + 0.5) / count  # evenly spread: frequencies are nearly exact
    drawn = drawer(np.tile(logits, (count, 1)), np.tile(legal, (count, 1)), uniform, *cuts)
    frequency = np.bincount(drawn, minlength=CLASSES) / count
    expected = chances(logits, legal, *cuts)
    np.testing.assert_allclose(frequency, expected, atol=1.5 / count)
    assert not frequency[expected == 0].any()


@pytest.mark.parametrize("cuts", CUTS)
def test_a_closed_class_is_never_drawn(
    drawer: Callable[..., np.ndarray], cuts: tuple[float, float, int]
) -> None:
    logits = np.zeros((2, CLASSES), np.float32)
    logits[:, 7] = 60.0  # closed, and by far the likeliest
    logits[:, 100] = -60.0
    legal = np.zeros((2, CLASSES), bool)
    legal[:, 100] = True
    uniform = np.array([0.0, np.nextafter(1.0, 0.0)])
    assert (drawer(logits, legal, uniform, *cuts) == 100).all()
    legal[:, 50] = True
    assert set(drawer(logits, legal, uniform, *cuts)) <= {50, 100}
