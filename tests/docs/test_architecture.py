"""ARCHITECTURE.md and the pages on internals name only what there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "ritornello"
TEXT = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
INTERNALS = "".join(
    path.read_text(encoding="utf-8")
    for folder in ("decisions", "explanation")
    for path in sorted((ROOT / "docs" / folder).glob("*.md"))
)
ROOMS = {path.stem for path in PACKAGE.iterdir()} - {"__init__", "__main__", "__pycache__"}
_DOTTED = re.compile(r"`(?:ritornello\.)?([a-z_]+(?:\.\w+)+)`")
DOTTED = sorted(
    name
    for name in {*_DOTTED.findall(TEXT + INTERNALS)}
    if name.split(".")[0] in ROOMS and not name.endswith(".jsonl")
)
PATHS = sorted(set(re.findall(r"`([\w/]+/[\w/.]*)`", TEXT + INTERNALS)))


@pytest.mark.parametrize("name", DOTTED)
def test_a_module_that_it_names_is_there(name: str) -> None:
    *room, last = name.split(".")
    inside = PACKAGE.joinpath(*room)
    is_module = (inside / last).is_dir() or (inside / f"{last}.py").is_file()
    if not is_module:  # a function or a class, defined in the module before it
        source = inside / "__init__.py" if inside.is_dir() else inside.with_suffix(".py")
        assert re.search(rf"^(?:def|class) {last}\b", source.read_text(encoding="utf-8"), re.M)


@pytest.mark.parametrize("path", PATHS)
def test_a_file_that_it_names_is_there(path: str) -> None:
    assert (ROOT / path).exists() or (PACKAGE / path).exists()


def test_every_room_is_on_the_list_with_a_line() -> None:
    rooms = TEXT.split("```")[1]
    missing = [
        name for name in sorted(ROOMS - {"assets", "py"}) if not re.search(rf"\b{name}\b", rooms)
    ]
    assert not missing
