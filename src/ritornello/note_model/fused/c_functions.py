"""The C functions of `_fused.c`: compiled on first use, and shared out among torch's threads."""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from ctypes import c_float, c_int64, c_uint32, c_void_p
from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor

from ritornello.note_model.engine import kernel

SOURCE = Path(__file__).with_name("_fused.c")
SLICE = 64  # columns of a table that a function works on at a time
VALUES = {torch.float32: "float", torch.bfloat16: "bfloat16"}

_COUNT, _ARRAY = c_int64, c_void_p
_SHARED = [_COUNT, _COUNT]  # first and last
_DROPOUT = [c_uint32, c_uint32, c_float]
_ARGUMENTS: dict[str, list[type]] = {
    "table_rows": [_COUNT, _ARRAY, _COUNT, _COUNT, *[_ARRAY] * 5, _COUNT, _ARRAY],
    "lookup": [*_SHARED, *[_COUNT] * 3, *[_ARRAY] * 3, _COUNT, _ARRAY],
    "lookup_back": [*_SHARED, *[_COUNT] * 2, *[_ARRAY] * 2, _COUNT, _ARRAY],
    "scan": [*_SHARED, *[_COUNT] * 2, *[_ARRAY] * 4],
    "scan_back": [*_SHARED, *[_COUNT] * 2, *[_ARRAY] * 6],
    "transposed": [*_SHARED, *[_COUNT] * 2, *[_ARRAY] * 2],
}
_TYPED: dict[str, list[type]] = {
    "norm": [*_SHARED, *[_COUNT] * 4, *[_ARRAY] * 6],
    "norm_back": [*_SHARED, *[_COUNT] * 4, *[_ARRAY] * 8],
    "qrnn": [*_SHARED, *[_COUNT] * 3, *[_ARRAY] * 4, *_DROPOUT, *[_ARRAY] * 2],
    "qrnn_back": [*_SHARED, *[_COUNT] * 3, *[_ARRAY] * 5, *_DROPOUT, *[_ARRAY] * 2],
    "head": [*_SHARED, *[_COUNT] * 3, *[_ARRAY] * 3, _COUNT, *[_ARRAY] * 2],
    "head_back": [*_SHARED, *[_COUNT] * 3, *[_ARRAY] * 2, _COUNT, *[_ARRAY] * 2],
    "nats": [*_SHARED, _COUNT, *[_ARRAY] * 6],
    "nats_back": [*_SHARED, _COUNT, *[_ARRAY] * 6],
    "column_sums": [*_SHARED, *[_COUNT] * 2, *[_ARRAY] * 2],
}

Argument = Tensor | int | float | None


@functools.cache
def load() -> ctypes.CDLL | None:
    """The functions, or None where they cannot be had; see `engine.kernel.load`."""
    library = kernel.load(SOURCE)
    if library is None:
        return None
    for name, arguments in _ARGUMENTS.items():
        _declare(library, f"ritornello_{name}", arguments)
    for name, arguments in _TYPED.items():
        for value in VALUES.values():
            _declare(library, f"ritornello_{name}_{value}", arguments)
    return library


def _declare(library: ctypes.CDLL, name: str, arguments: list[type]) -> None:
    function = getattr(library, name)
    function.argtypes, function.restype = arguments, None


def call(name: str, *arguments: Argument, value: torch.dtype | None = None) -> None:
    """Run a function of `_fused.c` here and now.

    Args:
        name: without its prefix, and without its type of values, which is ``value``.
        arguments: contiguous tensors, None for a null pointer, or numbers.
    """
    _function(name, value)(*map(_plain, arguments))


def share(size: int, name: str, *arguments: Argument, value: torch.dtype | None = None) -> None:
    """Run a function over the range [0, size), in as many parts as torch has threads."""
    function, plain = _function(name, value), [_plain(each) for each in arguments]
    parts = min(torch.get_num_threads(), size)
    if parts <= 1:
        function(0, size, *plain)
        return
    edges = [size * part // parts for part in range(parts + 1)]
    # Foreign functions run beside each other: ctypes lets go of Python's lock.
    pairs = list(pairwise(edges))
    others = [_threads(parts - 1).submit(function, *pair, *plain) for pair in pairs[1:]]
    function(*pairs[0], *plain)
    for other in others:
        other.result()


@functools.cache
def _threads(count: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(count, thread_name_prefix="ritornello")


@functools.cache
def _function(name: str, value: torch.dtype | None) -> Callable[..., None]:
    ending = "" if value is None else f"_{VALUES[value]}"
    function: Callable[..., None] = getattr(load(), f"ritornello_{name}{ending}")
    return function


def _plain(argument: Argument) -> int | float | None:
    return argument.data_ptr() if isinstance(argument, Tensor) else argument


def addresses(tensors: Sequence[Tensor]) -> Tensor:
    """Where tensors lie, as an array of pointers; the tensors must outlive it."""
    return torch.tensor([tensor.data_ptr() for tensor in tensors])
