"""Each room introduces its modules, and what stands on top uses public names only."""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path

import pytest

import ritornello

PACKAGE = Path(ritornello.__file__).parent
EXPERIMENTS = PACKAGE.parents[1] / "experiments"
ON_TOP = sorted([*(PACKAGE / "papers").rglob("*.py"), *EXPERIMENTS.rglob("*.py")])
ROOMS = sorted(
    path.parent
    for path in PACKAGE.rglob("__init__.py")
    if path.parent != PACKAGE and path.parent.name not in ("cli", "cells")
)


def _room_name(room: Path) -> str:
    return ".".join(room.relative_to(PACKAGE.parent).parts)


def _modules(room: Path) -> set[str]:
    files = {path.stem for path in room.glob("*.py")} - {"__init__"}
    return files | {path.parent.name for path in room.glob("*/__init__.py")}


@pytest.mark.parametrize("room", ROOMS, ids=_room_name)
def test_a_room_introduces_each_of_its_modules(room: Path) -> None:
    introduction = importlib.import_module(_room_name(room)).__doc__ or ""
    missing = [name for name in _modules(room) if not re.search(rf"\b{name}\b", introduction)]
    assert not missing, f"{_room_name(room)}/__init__.py does not say what is in {missing}"


def _imports(path: Path) -> list[tuple[str, str]]:
    """(module, name) for each name that a file imports from the package."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("ritornello"):
            found += [(str(node.module), alias.name) for alias in node.names]
    return found


def _is_public(module: str, name: str) -> bool:
    """Whether every room on the way lists what comes next in its `__all__`."""
    steps = [*module.split("."), name]
    for depth in range(1, len(steps)):
        if steps[depth].startswith("_") and steps[depth] != "__version__":
            return False
        holder = importlib.import_module(".".join(steps[:depth]))
        if not hasattr(holder, "__path__"):
            return True  # a public module: all its names without an underscore
        if depth > 1 and steps[depth] not in getattr(holder, "__all__", ()):
            return False
    return True


@pytest.mark.parametrize("path", ON_TOP, ids=lambda path: "/".join(path.parts[-3:]))
def test_published_systems_and_experiments_use_public_names_only(path: Path) -> None:
    own = "ritornello.papers"
    wrong = [
        f"{module}: {name}"
        for module, name in _imports(path)
        if not (module.startswith(own) and PACKAGE in path.parents) and not _is_public(module, name)
    ]
    assert not wrong


def test_nothing_imports_the_experiments() -> None:
    for path in sorted(PACKAGE.rglob("*.py")):
        assert not re.search(r"^\s*(from|import) experiments", path.read_text("utf-8"), re.M), path
