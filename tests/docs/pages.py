"""The pages of the documentation, and the blocks in them that a reader would run.

- ``sh``: a script for a shell.
- ``console``: lines after ``$ `` are a script, the others what it prints; ``...`` stands for any
  text.
- ``python``: goes on where the page's Python block before it ended.

Blocks of any other language, such as ``text``, ``toml`` or none, are only shown.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_FENCE = re.compile(r"^```(?P<language>[\w{}-]*)[^\n]*\n(?P<text>.*?)^```$", re.M | re.S)
_LINK = re.compile(r"!?\[[^\]]*\]\((?P<target>[^)\s]+)\)")
_COMMENT = re.compile(r"<!--.*?-->", re.S)


@dataclass(frozen=True)
class Block:
    """A block that is run: its language, its text, and the line where the text begins."""

    language: str
    text: str
    line: int


def pages() -> list[Path]:
    """Every page, as paths below `ROOT`."""
    found = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
    return sorted(path.relative_to(ROOT) for path in found if "_build" not in path.parts)


def blocks(page: Path) -> list[Block]:
    """The blocks of a page that are run, from top to bottom."""
    text = (ROOT / page).read_text()
    return [
        Block(match["language"], match["text"], text.count("\n", 0, match.start("text")) + 1)
        for match in _FENCE.finditer(text)
        if match["language"] in ("sh", "console", "python")
    ]


def links(page: Path) -> list[str]:
    """Where the links and pictures of a page lead to, outside of its blocks."""
    text = _COMMENT.sub("", _FENCE.sub("", (ROOT / page).read_text()))
    return [match["target"] for match in _LINK.finditer(text)]
