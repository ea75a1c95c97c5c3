"""Text as pixels: the letters of one font, painted once and scaled to any size.

The letters are Aileron Regular by Sora Sagano (CC0), as `experiments.lettering` paints them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

import numpy as np

_LETTERS = Path(__file__).parents[1] / "assets" / "letters.npz"


@dataclass(frozen=True, eq=False)
class _Font:
    """Letters in pixels of one size; ``numbers`` finds them, the last stands for all others.

    Attributes:
        cells: coverage of each letter, uint8 [height, its width].
        lefts, advances: from the pen to the cell, and to the next letter.
        em: pixels of a size of 1.
    """

    numbers: dict[str, int]
    cells: list[np.ndarray]
    lefts: list[int]
    advances: list[float]
    em: int


@cache
def _font() -> _Font:
    with np.load(_LETTERS) as file:
        codes = file["codes"].tolist()
        cells = np.split(file["coverage"], file["ends"][:-1], axis=1)
        lefts, advances = file["lefts"].tolist(), file["advances"].tolist()
        return _Font(
            {chr(code): index for index, code in enumerate(codes)},
            cells,
            lefts,
            advances,
            int(file["em"]),
        )


def text_width(text: str, size: float) -> float:
    """Width of a line of text, in pixels; ``size`` is that of the font."""
    font = _font()
    return sum(font.advances[font.numbers.get(letter, -1)] for letter in text) * size / font.em


def paint_text(text: str, size: float) -> np.ndarray:
    """A line of text as coverage from 0 to 1, float32 [height, width], the pen at its left edge."""
    font = _font()
    numbers = [font.numbers.get(letter, -1) for letter in text]
    pens = np.cumsum([0.0, *(font.advances[number] for number in numbers)]) * size / font.em
    height = len(_weights(font.cells[0].shape[0], size / font.em))
    line = np.zeros((height, int(pens[-1]) + 2), np.float32)
    for number, pen in zip(numbers, pens.tolist(), strict=False):
        letter = _scaled(number, size)
        start = max(0, round(pen + font.lefts[number] * size / font.em))
        place = line[:, start : start + letter.shape[1]]
        np.maximum(place, letter[:, : place.shape[1]], out=place)
    return line


@lru_cache(maxsize=2048)
def _scaled(number: int, size: float) -> np.ndarray:
    """A letter in another size: each pixel is the mean of what it covers."""
    font = _font()
    cell, factor = font.cells[number], size / font.em
    rows, columns = _weights(cell.shape[0], factor), _weights(cell.shape[1], factor)
    result: np.ndarray = rows @ (cell.astype(np.float32) / 255) @ columns.T
    return result


@lru_cache(maxsize=256)
def _weights(length: int, factor: float) -> np.ndarray:
    """How much of each old pixel lies in each new one, float32 [new, old]; a row sums to 1."""
    starts = np.arange(int(np.ceil(length * factor)))[:, None] / factor
    old = np.arange(length)
    covered = np.minimum(starts + 1 / factor, old + 1) - np.maximum(starts, old)
    weights: np.ndarray = (np.maximum(covered, 0) * factor).astype(np.float32)
    return weights
