"""Pages are made by templates, which escape all text: no code holds markup."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import ritornello

PACKAGE = Path(ritornello.__file__).parent
EXPERIMENTS = PACKAGE.parents[1] / "experiments"
SOURCES = sorted([*PACKAGE.rglob("*.py"), *EXPERIMENTS.rglob("*.py")])
TEMPLATES = sorted([*PACKAGE.rglob("*.jinja"), *EXPERIMENTS.rglob("*.jinja")])
_TAGS = (
    "a|article|audio|b|body|br|button|caption|code|dd|details|div|dl|dt|figcaption|figure|form|g|h[1-6]"
    "|head|header|hr|html|i|iframe|img|input|label|li|link|main|meta|nav|ol|p|path|pre|rect|script"
    "|section|select|small|span|style|summary|svg|table|tbody|td|text|textarea|th|thead|title|tr|ul"
    "|use|video"
)
_TAG = re.compile(rf"(?<!\?P)</?({_TAGS})\b|<!doctype html|&(amp|lt|gt|quot|nbsp);", re.IGNORECASE)
# Takes elements out of pages that Verovio engraved, makes none; the lyrics of MusicXML; and names
# of files that try to be script, which the studio has to refuse.
READS_MARKUP = {
    EXPERIMENTS / "studio" / "load.py",
    PACKAGE / "pages" / "score.py",
    PACKAGE / "music" / "io" / "musicxml" / "lyrics.py",
}


def _strings(tree: ast.AST) -> Iterator[str]:
    """Every string literal that is not a docstring; of f-strings their fixed parts."""
    documents = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        is_text = isinstance(node, ast.Constant) and isinstance(node.value, str)
        if is_text and id(node) not in documents:
            yield node.value  # type: ignore[attr-defined]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: "/".join(path.parts[-3:]))
def test_no_code_holds_markup(path: Path) -> None:
    found = [text for text in _strings(ast.parse(path.read_text("utf-8"))) if _TAG.search(text)]
    assert not found or path in READS_MARKUP, "use a template: ritornello.pages.rendering"


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_no_template_turns_escaping_off(path: Path) -> None:
    assert not re.search(r"\bsafe\b|autoescape|Markup", path.read_text("utf-8"))


def test_only_the_drawing_of_elements_makes_markup_of_text() -> None:
    making = re.compile(r"\bMarkup\(\s*[^)\s]")
    found = [path for path in SOURCES if making.search(path.read_text("utf-8"))]
    assert found == [PACKAGE / "pages" / "svg.py"]
