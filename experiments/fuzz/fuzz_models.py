"""Feed damaged model files to whoever opens them: each must work or give one of our errors.

Small models of every cell, indexes of training music and separators are damaged: values of their
metadata, names, kinds and shapes of arrays, numbers in arrays, and plain bytes. What opens is then
used: a bar is composed, a piece measured, a spectrum shared. Each input runs in a worker process
with a limit of memory and time.

    python -m experiments.fuzz.fuzz_models --inputs 10000
"""

from __future__ import annotations

import argparse
import copy
import json
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from experiments.fuzz.fuzz_readers import mutated
from experiments.fuzz.judged import try_inputs
from experiments.fuzz.outcomes import tell_outcomes
from ritornello.api import Composer, load_separator
from ritornello.errors import RitornelloError
from ritornello.generation.originality.index import TrainingIndex
from ritornello.music.piece import Piece, Track
from ritornello.note_model import checkpoint, weights_file
from ritornello.note_model.checkpoint import Checkpoint
from ritornello.note_model.shapes import CELL_SHAPES, baseline_shapes, note_model_shapes
from ritornello.note_model.weights_file import WeightsFile
from ritornello.separate.band_split import BandSplit
from ritornello.separate.runtime import SeparatorNetwork, separator_shapes

HOSTILE: tuple[Any, ...] = (
    None, True, -1, 0, 1, 2, 7, 10**6, 10**12, 10**30, 0.5, -0.5, 1e308, float("nan"), float("inf"),
    "", "abc", "1", "\ud800", "\x1b[2J", "x" * 100_000, [], [[]], [1], ["a"], [None], {}, {"a": 1},
)  # fmt: skip
KINDS = ("F32", "F16", "F64", "BF16", "I8", "I64", "U8", "U32", "BOOL", "F8_E4M3", "X")


# --- files to damage ----------------------------------------------------------------------------


def tiny_checkpoint(cell: str) -> Checkpoint:
    """A model that has learned nothing, without torch."""
    rng = np.random.default_rng(0)
    sizes: dict[str, Any] = {"layers": 1, "width": 8, "head_width": 8, "collections": 2}
    shapes = note_model_shapes(cell=cell, **sizes)
    weights = {name: rng.normal(0, 0.3, shape).astype(np.float32) for name, shape in shapes.items()}
    facts = {
        "name": "tiny",
        "line_ups": [[["piano", "bass"], 0.5, "a"], [["drums"], 1.5, None], [["flute"], 2]],
        "styles": {"jazz": "a"},
        "minor_shares": {"a": 0.5, "b": 0.1},
        "validation": {"nats_per_note": 3.5},
        "data": [{"collection": "a", "pieces": 3}],
    }
    counts = {name: np.ones(shape, np.float32) for name, shape in baseline_shapes().items()}
    return Checkpoint(
        weights, {"cell": cell, "dropout": 0.1, **sizes}, "notes", ("a", "b"), facts, counts
    )


def tiny_separator() -> WeightsFile:
    """A separator that has learned nothing."""
    rng = np.random.default_rng(0)
    settings = {"width": 4, "hidden": 3, "layers": 1, "parts": 4}
    shapes = separator_shapes(split=BandSplit(0.02), **settings)
    weights = {name: rng.normal(0, 0.3, shape).astype(np.float32) for name, shape in shapes.items()}
    split = {"window_seconds": 0.02, "power": 0.3}
    return WeightsFile("separator", weights, {"split": split, **settings}, {"songs": 2})


def some_piece(seed: int = 0) -> Piece:
    """A few bars of two parts."""
    rng = random.Random(seed)
    tracks = (
        Track([(12 * n, 12, 50 + rng.randrange(20), 80) for n in range(64)], program=program)
        for program in (0, 33)
    )
    return Piece(tuple(tracks), 24)


@cache
def files() -> dict[str, list[bytes]]:
    """Whole files by what they are."""
    found: dict[str, list[bytes]] = {"model": [], "index": [], "separator": []}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "file.safetensors")
        for number, cell in enumerate(CELL_SHAPES):
            checkpoint.save(tiny_checkpoint(cell), path, int8=bool(number % 2))
            found["model"].append(path.read_bytes())
        TrainingIndex.build([some_piece(1), some_piece(2)], held_out=[some_piece(3)]).save(path)
        found["index"].append(path.read_bytes())
        weights_file.save(tiny_separator(), path)
        found["separator"].append(path.read_bytes())
    return found


# --- damage -------------------------------------------------------------------------------------


def hostile_value(rng: random.Random) -> Any:
    """Something that does not belong there; now and then nested a thousand deep."""
    if rng.random() < 0.03:
        deep: Any = []
        for _ in range(rng.choice([30, 60, 900])):
            deep = [deep] if rng.random() < 0.5 else {"a": deep}
        return deep
    return copy.deepcopy(rng.choice(HOSTILE))


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every container of a tree with every key in it."""
    keys = (
        value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    )
    for key in list(keys):
        yield value, key
        yield from places(value[key])


def damaged_tree(tree: Any, rng: random.Random) -> Any:
    """A tree of JSON with one to three values replaced, removed or added."""
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        found = list(places(tree))
        if not found or rng.random() < 0.03:
            return hostile_value(rng)
        # The first levels hold what code goes by; the rest is mostly for people.
        container, key = rng.choice(found[: rng.choice([8, 40, len(found)])])
        match rng.randrange(5):
            case 0:
                del container[key]
            case 1 if isinstance(container, list):
                container.append(hostile_value(rng))
            case 1:
                container[rng.choice(["", "extra", "a", "split"])] = hostile_value(rng)
            case 2 if isinstance(container[key], int | float):
                container[key] = container[key] * rng.choice([-1, 2, 10**6]) + rng.choice([0, 1])
            case _:
                container[key] = hostile_value(rng)
    return tree


def taken_apart(data: bytes) -> tuple[dict[str, Any], bytes]:
    """Header and numbers of a safetensors file."""
    size = int.from_bytes(data[:8], "little")
    return json.loads(data[8 : 8 + size]), data[8 + size :]


def joined(header: Any, numbers: bytes) -> bytes:
    """The file of a header and numbers."""
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + numbers


def damage(data: bytes, rng: random.Random) -> bytes:
    """A damaged copy of a safetensors file of ours."""
    header, numbers = taken_apart(data)
    names = [name for name in header if name != "__metadata__"]
    match rng.randrange(6):
        case 0 | 1:  # what it says of itself
            about = damaged_tree(json.loads(header["__metadata__"]["ritornello"]), rng)
            header["__metadata__"]["ritornello"] = json.dumps(about)
        case 2:  # names, kinds, shapes and places of arrays
            header = damaged_tree(header, rng)
        case 3:  # another array of true size
            name = rng.choice(names)
            shape = [rng.choice([0, 1, 2, 8, 300]) for _ in range(rng.randrange(4))]
            kind = rng.choice(KINDS)
            size = int(np.prod(shape, dtype=int)) * {"F32": 4, "U32": 4, "F16": 2, "BF16": 2}.get(
                kind, 8 if kind.endswith("64") else 1
            )
            if rng.random() < 0.3:
                name = rng.choice(["extra", "baseline.x", "x.scale", name + ".scale"])
                header.pop(name, None)
            # Gaps are not allowed, so what was there stays under another name, or leaves.
            old = header.pop(name, None)
            if old:
                first, last = old["data_offsets"]
                numbers = numbers[:first] + numbers[last:]
                for each in names:
                    if each in header and header[each]["data_offsets"][0] >= last:
                        moved = [at - last + first for at in header[each]["data_offsets"]]
                        header[each]["data_offsets"] = moved
            place = [len(numbers), len(numbers) + size]
            header[name] = {"dtype": kind, "shape": shape, "data_offsets": place}
            numbers += rng.randbytes(size)
        case 4:  # other numbers
            first, last = header[rng.choice(names)]["data_offsets"]
            value = rng.choice([np.nan, np.inf, -np.inf, 3e38, 1e5, 9e4, -9e4, 0.0, 1e-38])
            filling = np.full((last - first) // 4 + 1, value, np.float32).tobytes()
            filling = rng.choice([filling, rng.randbytes(last - first)])[: last - first]
            numbers = numbers[:first] + filling + numbers[last:]
        case _:
            return mutated(data, rng)
    return joined(header, numbers)


# --- what becomes of it -------------------------------------------------------------------------


def use_model(path: Path) -> None:
    """Show the card of a model and compose a bar with it."""
    checkpoint.describe(path)
    composer = Composer.load(path)
    composer.compose(bars=1)
    like = next(iter(composer.collections), None)
    composer.compose(bars=1, parts=("piano", "drums"), collection=like)


def use_index(path: Path) -> None:
    """Measure a piece by an index."""
    TrainingIndex.load(path).measure(some_piece(1))


def use_separator(path: Path) -> None:
    """Share a spectrum among parts."""
    network = SeparatorNetwork(load_separator(path))
    network.shares(np.ones((3, 100), np.float32))


USES: dict[str, Callable[[Path], None]] = {
    "model": use_model,
    "index": use_index,
    "separator": use_separator,
}


def outcome(kind: str, folder: Path, data: bytes) -> str:
    """``used``, ``error``, or the name of what should not have happened."""
    path = folder / f"{kind}.safetensors"
    path.write_bytes(data)
    try:
        USES[kind](path)
    except RitornelloError as error:
        str(error).encode("utf-8", "backslashreplace")
        return "error" if len(str(error)) < 2_000 else f"A message of {len(str(error))} characters"
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return "used"


def fuzz(kind: str, inputs: range, failures: Path | None) -> Counter[str]:
    """Outcomes over damaged files of a kind, by number; those that failed are saved."""

    def damaged(number: int) -> bytes:
        rng = random.Random(number)
        return damage(rng.choice(files()[kind]), rng)

    with tempfile.TemporaryDirectory() as folder:
        return try_inputs(
            partial(outcome, kind, Path(folder)),
            map(damaged, inputs),
            ("used", "error"),
            failures,
            lambda place: f"{kind}-{inputs[place]}.safetensors",
        )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=10_000, help="inputs of each kind")
    parser.add_argument("--first", type=int, default=0, help="number of the first input")
    parser.add_argument("--only", choices=USES)
    parser.add_argument("--failures", type=Path, help="folder for the inputs that failed")
    options = parser.parse_args()
    numbers = range(options.first, options.first + options.inputs)
    failed = 0
    for kind in USES:
        if options.only not in (None, kind):
            continue
        start = time.perf_counter()
        outcomes = fuzz(kind, numbers, options.failures)
        seconds = time.perf_counter() - start
        failed += tell_outcomes(kind, outcomes, ("used", "error"), seconds)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
