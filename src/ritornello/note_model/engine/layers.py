"""What the steps of a network are made of, in NumPy: maps, tables and a few functions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ritornello.note_model.checkpoint import quantise_matrix
from ritornello.note_model.encoding.tables import column_offsets

_EPSILON = 1e-5


class Linear:
    """weight @ x + bias, in whole numbers unless ``int8`` is false.

    Sums of up to 1,040 products stay below 2**24, where float32 is exact: BLAS then adds whole
    numbers. Longer sums stay below it too unless nearly all terms are at their largest.
    """

    def __init__(self, weight: np.ndarray, bias: np.ndarray, *, int8: bool) -> None:
        self.weight, self.bias, self.int8 = weight, bias, int8
        if int8:
            self.integers, self.scale = quantise_matrix(weight)

    @cached_property
    def _matrix(self) -> np.ndarray:
        return (self.integers.astype(np.float32) if self.int8 else self.weight).T

    def __call__(self, x: np.ndarray) -> np.ndarray:
        if not self.int8:
            result: np.ndarray = x @ self._matrix + self.bias
            return result
        top = np.abs(x).max(axis=1, keepdims=True)
        top[top == 0] = 1
        sums = np.rint(x * (np.float32(127) / top)) @ self._matrix
        result = sums * (self.scale * (top / np.float32(127))) + self.bias
        return result


class TableSum:
    """The sum of one row of a table for each column of class indices."""

    def __init__(self, table: np.ndarray, sizes: list[int]) -> None:
        self.table = np.ascontiguousarray(table)
        self.offsets = column_offsets(sizes).astype(np.int64)

    def __call__(self, columns: np.ndarray) -> np.ndarray:
        result: np.ndarray = self.table[columns + self.offsets].sum(axis=1)
        return result


@dataclass(frozen=True)
class Weights:
    """The weights of a part of a network: those whose names begin with ``prefix``.

    Attributes:
        arrays: of the whole network. int8: see `Linear`.
    """

    arrays: Mapping[str, np.ndarray]
    prefix: str
    int8: bool

    def __getitem__(self, name: str) -> np.ndarray:
        return self.arrays[self.prefix + name]

    def part(self, prefix: str) -> Weights:
        return Weights(self.arrays, self.prefix + prefix, self.int8)

    def linear(self, weight: str, bias: str) -> Linear:
        return Linear(self[weight], self[bias], int8=self.int8)


def sigmoid(x: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-x)) of each value, without overflow."""
    return 0.5 + 0.5 * np.tanh(0.5 * x)  # never overflows


def rms_norm(x: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """x over the root of its mean square along the last axis, times ``weight``."""
    result: np.ndarray = x / np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + _EPSILON) * weight
    return result
