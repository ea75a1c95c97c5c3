"""A safetensors file that describes itself, opened without trusting it.

The header is read first: what the file says of itself (JSON under the name "ritornello"), and name,
kind and shape of each array. Whoever knows what should be there compares before an array is read;
safetensors itself compares the shapes with the bytes that are there. So a file that asks for more
than it holds is refused at once, and nothing in it is ever run.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np

from ritornello.errors import CheckpointError, shortened
from ritornello.json_values import JsonObject

METADATA_NAME = "ritornello"
MOST_BYTES = 2 * 2**30
_MOST_METADATA_CHARACTERS = 16 * 2**20
_DEEPEST = 40  # nested lists and tables in the metadata
# Learned weights are below 100; far larger ones would overflow in products.
_LARGEST_WEIGHT = 1e5
FLOATS = frozenset({"F16", "F32", "F64"})
_READABLE = FLOATS | {"I8", "U8", "U32"}


@dataclass(frozen=True)
class ArrayKind:
    """Type of the numbers, as safetensors names it ("F32", "I8"), and shape of an array."""

    numbers: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Header:
    """What a file holds, without the numbers.

    Attributes:
        path: of the file.
        about: what it says of itself; empty if nothing.
        arrays: by name.
        next_step: what a person can do if it is damaged.
    """

    path: Path
    about: JsonObject
    arrays: dict[str, ArrayKind]
    next_step: str = ""

    def damaged(self, what: str) -> CheckpointError:
        """The error that says so; ``what`` is a sentence."""
        return CheckpointError(
            f"The file is damaged: {what}", where=str(self.path), next_step=self.next_step
        )


def mismatch(
    expected: Mapping[str, tuple[int, ...]], found: Mapping[str, tuple[int, ...]]
) -> str | None:
    """How arrays differ from those that should be there, as a sentence; None if they do not.

    Args:
        expected, found: shapes by name.
    """
    if missing := sorted(expected.keys() - found.keys()):
        return f"it lacks {len(missing)} arrays, such as {missing[0]}."
    if unknown := sorted(found.keys() - expected.keys()):
        return f"its network has no array called {shortened(unknown[0])}."
    for name, shape in expected.items():
        if found[name] != shape:
            return f"{name} has the shape {list(found[name])}; {list(shape)} was expected."
    return None


def read_header(path: Path, *, next_step: str = "") -> Header:
    """Read the header of a file.

    Raises:
        CheckpointError: if it is no safetensors file, larger than `MOST_BYTES`, or says nothing
            readable of itself.
    """
    from safetensors import SafetensorError, safe_open

    def refused(what: str) -> CheckpointError:
        return CheckpointError(what, where=str(path), next_step=next_step)

    try:
        if not path.is_file():  # a pipe would be waited for
            raise refused("There is no such file.")
        if (size := path.stat().st_size) > MOST_BYTES:
            raise refused(
                f"{size / 2**20:,.0f} MiB; at most {MOST_BYTES // 2**20:,} were expected."
            )
        with safe_open(path, framework="numpy") as file:
            text = (file.metadata() or {}).get(METADATA_NAME, "{}")
            slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118
            arrays = {
                name: ArrayKind(str(part.get_dtype()), tuple(part.get_shape()))
                for name, part in slices.items()
            }
        if len(text) > _MOST_METADATA_CHARACTERS:
            raise ValueError("its metadata is too long")
        about = json.loads(text)
        if _too_deep(about):
            raise RecursionError
    except RecursionError as error:
        raise refused("Not a readable model: its metadata is nested too deeply.") from error
    except (SafetensorError, OSError, ValueError) as error:
        raise refused(f"Not a readable model: {shortened(str(error))}.") from error
    if not isinstance(about, dict):
        raise refused(f"Not a readable model: its metadata is {described(about)}, not a table.")
    return Header(path, about, arrays, next_step)


def read_arrays(header: Header, names: Iterable[str]) -> dict[str, np.ndarray]:
    """Read some arrays, as they are.

    Raises:
        CheckpointError: if the file cannot be read or a number among floats is none.
    """
    from safetensors import SafetensorError, safe_open

    arrays: dict[str, np.ndarray] = {}
    for name, array in header.arrays.items():
        if array.numbers not in _READABLE:  # NumPy does not know all that safetensors knows
            raise header.damaged(f"{shortened(name)} holds numbers of the kind {array.numbers}.")
    try:
        with safe_open(header.path, framework="numpy") as file:
            for name in names:
                arrays[name] = file.get_tensor(name)
    except (SafetensorError, OSError, ValueError) as error:
        raise header.damaged(f"{shortened(str(error))}.") from error
    for name, values in arrays.items():
        if values.dtype.kind != "f" or not values.size:
            continue
        # What is no number makes both nan, and nan compares as false.
        if not max(-float(values.min()), float(values.max())) <= _LARGEST_WEIGHT:
            raise header.damaged(f"{name} holds something that is no number, or far too large.")
    return arrays


# --- values in the metadata -------------------------------------------------------------------


def whole_number(value: object, *, least: int = 1) -> bool:
    """Whether it is a whole number of at least ``least``; true and false are none."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def number_within(value: object, low: float, high: float) -> bool:
    """Whether it is a number from ``low`` to ``high``."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and low <= value <= high  # type: ignore[operator]


def texts(value: object) -> bool:
    """Whether it is a list of texts."""
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def described(value: object) -> str:
    """A found value in a message, short."""
    match value:
        case None:
            return "nothing"
        case list() | tuple():
            return "a list"
        case dict():
            return "a table"
        case float() if not math.isfinite(value):
            return "no number"
        case int() if abs(value) >= 10**12:
            return "a number beyond all bounds"
    return shortened(repr(value))


def _too_deep(value: object) -> bool:
    """Whether lists and tables are nested deeper than `_DEEPEST`, found without recursion."""
    level = [value]
    for _ in range(_DEEPEST):
        tables = [item.values() for item in level if isinstance(item, dict)]
        lists = [item for item in level if isinstance(item, list)]
        level = [*chain.from_iterable(tables), *chain.from_iterable(lists)]
    return bool(level)
