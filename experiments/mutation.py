"""Which small mistakes in an algorithm its tests notice.

    python -m experiments.mutation            # the modules of `MODULES`, results as JSON
    python -m experiments.mutation --module masks --most 40

Each mutant is the module with one thing changed: a comparison, an operator, a number, `and` for
`or`, `min` for `max`, a condition turned round. The tests of the module run until the first one
fails; a mutant that no test fails on has survived, and stands in the results with its line. Some
survivors are no mistakes (another order of equal things, a shortcut that is never needed): who
reads the list decides, and writes a test for the others.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parent.parent
RESULTS = REPOSITORY / "experiments" / "results" / "mutation.json"
MODULES = {
    "masks": (
        "generation/masks.py",
        (
            "tests/generation/test_masks.py",
            "tests/generation/test_compose.py",
            "tests/generation/test_pace.py",
            "tests/generation/test_voice_leading.py",
            "tests/generation/test_swung.py",
        ),
    ),
    "beats": ("transcribe/tracking.py", ("tests/transcribe/test_tracking.py",)),
    "computed inputs": (
        "note_model/encoding/tracker.py",
        ("tests/note_model/encoding/test_context.py", "tests/generation/test_compose.py"),
    ),
    "join": ("generation/edit/join.py", ("tests/generation/edit/test_join.py",)),
}
_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
_OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.FloorDiv: ast.Mult,
    ast.Div: ast.Mult, ast.Mod: ast.FloorDiv, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
}  # fmt: skip
_CALLS = {"min": "max", "max": "min", "any": "all", "all": "any"}


@dataclass(frozen=True)
class Mutant:
    """One change: the source with it, and what it reads like."""

    line: int
    before: str
    after: str
    source: str


def mutants(source: str) -> Iterator[Mutant]:
    """Every mutant of a module, in the order of its lines; its annotations stay as they are."""
    tree = ast.parse(source)
    lines = source.splitlines(keepends=True)
    for node in _of_algorithms(tree):
        for changed in _changes(node):
            before = ast.get_source_segment(source, node)
            if before is None or node.end_lineno is None or node.end_col_offset is None:
                continue
            after = ast.unparse(changed)
            if isinstance(node, ast.expr):
                after = f"({after})" if not isinstance(node, ast.Constant) else after
            head = "".join(lines[: node.lineno - 1])
            first = lines[node.lineno - 1].encode()[: node.col_offset].decode()
            last = lines[node.end_lineno - 1].encode()[node.end_col_offset :].decode()
            tail = "".join(lines[node.end_lineno :])
            made = head + first + after + last + tail
            yield Mutant(node.lineno, before, after, made)


def _of_algorithms(node: ast.AST) -> Iterator[Any]:
    """All nodes but docstrings, annotations and imports."""
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if not isinstance(child, ast.AST) or isinstance(child, ast.JoinedStr):
                continue
            yield child
            yield from _of_algorithms(child)


def _changes(node: ast.AST) -> Iterator[ast.AST]:
    match node:
        case ast.Compare(left, [operator], right):
            yield ast.Compare(left, [_COMPARISONS[type(operator)]()], right)
        case ast.BinOp(left, operator, right) if type(operator) in _OPERATORS:
            yield ast.BinOp(left, _OPERATORS[type(operator)](), right)
        case ast.AugAssign(target, operator, value) if type(operator) in _OPERATORS:
            yield ast.AugAssign(target, _OPERATORS[type(operator)](), value)
        case ast.BoolOp(operator, values):
            yield ast.BoolOp(ast.Or() if isinstance(operator, ast.And) else ast.And(), values)
        case ast.UnaryOp(ast.Not(), operand):
            yield operand
        case ast.IfExp(test, body, orelse):
            yield ast.IfExp(test, orelse, body)
        case ast.Call(ast.Name(name), arguments, keywords) if name in _CALLS:
            yield ast.Call(ast.Name(_CALLS[name]), arguments, keywords)
        case ast.Constant(bool() as value):
            yield ast.Constant(not value)
        case ast.Constant(int() | float() as value):
            yield ast.Constant(value + 1 if isinstance(value, int) else 2 * value + 0.1)


class Laboratory:
    """A copy of the package in which one file is changed at a time.

    Each run is a fork of this process, in which the slow libraries are loaded already.
    """

    def __init__(self, folder: Path) -> None:
        self.source = folder / "src"
        shutil.copytree(
            REPOSITORY / "src", self.source, ignore=shutil.ignore_patterns("__pycache__")
        )
        for library in ("numpy", "pytest", "hypothesis", "symusic", "torch"):
            __import__(library)

    def passes(self, tests: tuple[str, ...], limit_seconds: float) -> bool:
        """Whether all the tests pass in time, on the package as it is now."""
        process = os.fork()
        if process == 0:
            self._run(tests)
        end = time.monotonic() + limit_seconds
        while time.monotonic() < end:
            done, status = os.waitpid(process, os.WNOHANG)
            if done:
                return os.waitstatus_to_exitcode(status) == 0
            time.sleep(0.05)
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
        return False

    def _run(self, tests: tuple[str, ...]) -> None:
        import pytest

        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        sys.dont_write_bytecode = True
        sys.path.insert(0, str(self.source))
        for name in [name for name in sys.modules if name.split(".")[0] == "ritornello"]:
            del sys.modules[name]
        os.chdir(REPOSITORY)
        code = pytest.main(["-x", "-q", "-p", "no:cacheprovider", *tests])
        os._exit(int(code))


def measure(name: str, laboratory: Laboratory, most: int, seed: int) -> dict[str, Any]:
    """How many of the mutants of a module are noticed, and those that are not."""
    file, tests = MODULES[name]
    path = laboratory.source / "ritornello" / file
    whole = path.read_text()
    start = time.monotonic()
    if not laboratory.passes(tests, 600):
        sys.exit(f"The tests of {file} fail without a change.")
    limit = 10 + 4 * (time.monotonic() - start)
    found = list(mutants(whole))
    chosen = random.Random(seed).sample(found, min(most, len(found)))
    survivors = []
    for number, mutant in enumerate(sorted(chosen, key=lambda mutant: mutant.line), 1):
        path.write_text(mutant.source)
        survived = laboratory.passes(tests, limit)
        if survived:
            survivors.append(f"{mutant.line}: {mutant.before} -> {mutant.after}")
        print(f"{name} {number}/{len(chosen)}", survivors[-1:] if survived else "", flush=True)
    path.write_text(whole)
    return {
        "file": file, "tests": [*tests], "mutants": len(found), "tried": len(chosen),
        "noticed": len(chosen) - len(survivors), "survivors": survivors, "seed": seed,
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--module", choices=[*MODULES], action="append", help="all if not named")
    parser.add_argument("--most", type=int, default=100, help="mutants of a module, by chance")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args()
    results = json.loads(options.results.read_text()) if options.results.exists() else {}
    revision = ["git", "-C", str(REPOSITORY), "describe", "--always", "--dirty"]
    with tempfile.TemporaryDirectory() as folder:
        laboratory = Laboratory(Path(folder))
        for name in options.module or MODULES:
            results[name] = measure(name, laboratory, options.most, options.seed)
            results[name]["revision"] = subprocess.run(
                revision, capture_output=True, text=True, check=False
            ).stdout.strip()
            options.results.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
