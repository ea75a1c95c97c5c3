"""Play a note model of qrnn blocks with the C kernel: `Engine`'s numbers, many times faster."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from ctypes import POINTER, Structure, c_double, c_int64, c_void_p
from typing import Any, cast

import numpy as np

from ritornello.note_model.checkpoint import Checkpoint
from ritornello.note_model.engine.cell_steps import QRNN
from ritornello.note_model.engine.layers import Linear, TableSum
from ritornello.note_model.engine.reference import Engine

_CACHE_LINE = 64
_TILE_ROWS = 64  # of a matrix, that the kernel works on together
_Bytes = ctypes.c_char * 0
_INT64, _FLOAT32, _FLOAT64, _BOOL = map(np.dtype, (np.int64, np.float32, np.float64, np.bool_))


def _buffer(array: np.ndarray, dtype: np.dtype) -> ctypes.Array[Any]:
    """An array as an argument for C, contiguous, kept alive by what is returned.

    Several times cheaper than `array.ctypes`, which would cost more than the music.
    """
    if array.dtype != dtype or not array.flags.carray:  # contiguous, aligned and writeable
        array = np.array(array, dtype, order="C")
    as_buffer: Any = array
    return _Bytes.from_buffer(as_buffer)


def _in_tiles(weights: np.ndarray, together: int) -> np.ndarray:
    """A matrix as the kernel reads it, [tiles, columns / together, rows of a tile, together].

    Rows and columns are filled up with zeros.
    """
    rows, columns = weights.shape
    filled = np.pad(weights, ((0, -rows % _TILE_ROWS), (0, -columns % together)))
    tiles = filled.reshape(-1, _TILE_ROWS, filled.shape[1] // together, together)
    result: np.ndarray = tiles.transpose(0, 2, 1, 3)
    return result


class _Linear(Structure):
    _fields_ = (
        ("weight", c_void_p),
        ("scale", c_void_p),
        ("bias", c_void_p),
        ("row_sum", c_void_p),
        ("rows", c_int64),
        ("columns", c_int64),
    )


class _Lookup(Structure):
    _fields_ = (
        ("table", c_void_p),
        ("offset", c_void_p),
        ("columns", c_int64),
        ("width", c_int64),
    )


class _Block(Structure):
    _fields_ = (("norm", c_void_p), ("gates", _Linear))


class _Head(Structure):
    _fields_ = (("lookup", _Lookup), ("out", _Linear))


class _Model(Structure):
    _fields_ = (
        ("width", c_int64),
        ("layers", c_int64),
        ("head_width", c_int64),
        ("heads", c_int64),
        ("embed", _Lookup),
        ("blocks", POINTER(_Block)),
        ("norm", c_void_p),
        ("hidden", _Linear),
        ("head", POINTER(_Head)),
    )


class CompiledEngine(Engine):
    """An `Engine` whose steps, heads and draws run in C. Its model has qrnn cells.

    Args:
        checkpoint: the model. library: from `kernel.load`.

    Raises:
        CheckpointError: as `Engine`.
    """

    def __init__(self, checkpoint: Checkpoint, library: ctypes.CDLL) -> None:
        super().__init__(checkpoint, int8=True)
        self._library = library
        library.ritornello_together.argtypes = [c_int64]
        library.ritornello_together.restype = c_int64
        self._kept: list[np.ndarray] = []  # what the structures point into
        blocks = [
            _Block(self._keep(norm, np.float32), self._linear(cell.gates))
            for norm, cell in zip(self._norms, cast(list[QRNN], self._cells), strict=True)
        ]
        heads = [
            _Head(_Lookup() if lookup is None else self._lookup(lookup), self._linear(out))
            for lookup, out in zip(self._lookups, self._outs, strict=True)
        ]
        self._model = _Model(
            self.width,
            self.layers,
            self.head_width,
            len(heads),
            self._lookup(self._embed),
            (_Block * len(blocks))(*blocks),
            self._keep(self._norm, np.float32),
            self._linear(self._hidden),
            (_Head * len(heads))(*heads),
        )
        self._model_address = ctypes.addressof(self._model)
        array, count, number = c_void_p, c_int64, c_double
        library.ritornello_step.argtypes = [c_void_p, count, *[array] * 5]
        library.ritornello_logits.argtypes = [c_void_p, count, count, *[array] * 3]
        library.ritornello_choose.argtypes = [
            c_void_p, count, count, *[array] * 4, number, number, count, array
        ]  # fmt: skip

    def _keep(self, array: np.ndarray, dtype: type) -> int:
        """The address of a copy that starts on a cache line and lives as long as the engine."""
        array = np.ascontiguousarray(array, dtype)
        room = np.empty(array.nbytes + _CACHE_LINE, np.uint8)
        start = -room.ctypes.data % _CACHE_LINE
        room[start : start + array.nbytes] = array.reshape(-1).view(np.uint8)
        self._kept.append(room)
        return room.ctypes.data + start

    def _linear(self, linear: Linear) -> _Linear:
        together = self._library.ritornello_together(linear.integers.shape[1])
        return _Linear(
            self._keep(_in_tiles(linear.integers, together), np.int8),
            self._keep(linear.scale, np.float32),
            self._keep(linear.bias, np.float32),
            self._keep(linear.integers.sum(axis=1, dtype=np.int32), np.int32),
            *linear.integers.shape,
        )

    def _lookup(self, lookup: TableSum) -> _Lookup:
        return _Lookup(
            self._keep(lookup.table, np.float32),
            self._keep(lookup.offsets, np.int64),
            len(lookup.offsets),
            lookup.table.shape[1],
        )

    def step(
        self, rows: np.ndarray, condition: np.ndarray, state: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        batch = len(rows)
        hidden = np.empty((batch, len(self._outs) * self.head_width), np.float32)
        after = np.empty(state.shape, np.float32)
        self._call(
            self._library.ritornello_step,
            batch,
            _buffer(rows, _INT64),
            _buffer(condition, _FLOAT32),
            _buffer(state, _FLOAT32),
            _buffer(after, _FLOAT32),
            _buffer(hidden, _FLOAT32),
        )
        return hidden, after

    def head_logits(self, head: int, hidden: np.ndarray, columns: np.ndarray | None) -> np.ndarray:
        logits = np.empty((len(hidden), len(self._outs[head].bias)), np.float32)
        self._call(
            self._library.ritornello_logits,
            head,
            len(hidden),
            _buffer(hidden, _FLOAT32),
            None if columns is None else _buffer(columns, _INT64),
            _buffer(logits, _FLOAT32),
        )
        return logits

    def choose(
        self,
        head: int,
        hidden: np.ndarray,
        columns: np.ndarray | None,
        legal: np.ndarray | None,
        uniform: np.ndarray,
        temperature: float = 1.0,
        top_p: float = 1.0,
        top_k: int = 0,
    ) -> np.ndarray:
        chosen = np.empty(len(hidden), np.int64)  # -1 where no class has a chance
        self._call(
            self._library.ritornello_choose,
            head,
            len(hidden),
            _buffer(hidden, _FLOAT32),
            None if columns is None else _buffer(columns, _INT64),
            None if legal is None else _buffer(legal, _BOOL),
            _buffer(uniform, _FLOAT64),
            temperature,
            top_p,
            top_k,
            _buffer(chosen, _INT64),
        )
        return chosen

    def _call(self, function: Callable[..., int], *arguments: Any) -> None:
        if function(self._model_address, *arguments):
            raise MemoryError("No memory is left for a step of the model.")
