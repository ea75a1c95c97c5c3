"""What the reference has to say, from the registries and the command line itself.

    python -m tests.docs.reference    # writes the tables of docs/reference anew

Everything around the tables is written by hand and stays.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import reduce
from operator import getitem
from pathlib import Path
from typing import Any

from ritornello import cli
from ritornello.files import file_kinds
from tests.docs.pages import ROOT

FOLDER = ROOT / "docs" / "reference"
_HEAD = "| argument | default | meaning |\n|---|---|---|\n"
_FORMATS_HEAD = "| ending | what | read | written | keeps |\n|---|---|---|---|---|\n"
_TABLE = re.compile(r"^\|.*\n\|---.*\n(?:\|.*\n)*", re.M)


def commands(app: Any = cli.app, *above: str) -> list[tuple[str, ...]]:
    """Every command as its words, also inside of others as `papers run`; no second spellings."""
    found = []
    for name in sorted(name for name in app if not name.startswith("-") and app[name].show):
        found += [(*above, name), *commands(app[name], *above, name)]
    return found


def arguments(words: tuple[str, ...]) -> Any:
    """The arguments of a command, as the command line knows them."""
    return reduce(getitem, words, cli.app).assemble_argument_collection(parse_docstring=True)


def own_and_shared(words: tuple[str, ...]) -> tuple[list[str], dict[str, list[str]]]:
    """Rows of a command's own arguments, and by group of those that it shares with others."""
    own: list[str] = []
    shared: dict[str, list[str]] = {}
    rows = own
    for argument in arguments(words):
        if not argument.show:  # a group, whose options follow
            rows = shared.setdefault(argument.hint.__name__.removesuffix("Options"), [])
        else:
            (rows if argument.keys else own).append(_row(argument))
    return own, shared


def _row(argument: Any) -> str:
    """How the reference shows an argument: names, default, meaning and choices."""
    default = argument.field_info.default
    if default is argument.field_info.empty:
        default = "required"
    elif default is None or default is False or default == ():
        default = ""
    elif isinstance(default, tuple):
        default = ",".join(default)
    names = " ".join(f"`{name}`" for name in argument.names)
    meaning = " ".join(argument.parameter.help.split())
    if choices := argument.get_choices():
        meaning += f" One of {', '.join(f'`{choice}`' for choice in choices)}."
    return f"| {names} | {default} | {meaning} |"


def formats() -> list[str]:
    """A row of each kind of file."""
    rows = []
    for kind in file_kinds():
        endings = " ".join(f"`{ending}`" for ending in kind.endings)
        about = kind.about + (f"; extra `{kind.extra}`" if kind.extra else "")
        if kind.content == "sound":
            about = f"stereo sound, {about}"
        read, written = ("yes" if can else "no" for can in (kind.is_read, kind.is_written))
        rows.append(f"| {endings} | {about} | {read} | {written} | {kind.keeps} |")
    return rows


def rows(section: str) -> list[str]:
    """The rows of the tables in a section whose first cell is code."""
    return re.findall(r"^\| `.*$", section, re.M)


def section(page: str, heading: str) -> str | None:
    """What stands under a heading of a page, to the next one of its level or a higher one."""
    level = heading.split()[0]
    found = re.search(
        rf"^{re.escape(heading)}\n(.*?)(?=^#{{1,{len(level)}}} |\Z)", page, re.M | re.S
    )
    return found[1] if found else None


# --- writing -------------------------------------------------------------------------------------


def _with_table(page: str, heading: str, head: str, table: Iterable[str]) -> str:
    """The page with the first table under a heading replaced."""
    old = section(page, heading)
    if old is None:
        raise SystemExit(f"Write a section first: {heading}")
    new = head + "".join(f"{row}\n" for row in table)
    return page.replace(old, _TABLE.sub(lambda _: new, old, count=1))


def _write(path: Path, page: str) -> None:
    if path.read_text(encoding="utf-8") != page:
        path.write_text(page, encoding="utf-8")
        print(path.relative_to(ROOT))


def main() -> None:
    page = (FOLDER / "cli.md").read_text(encoding="utf-8")
    for words in commands():
        own, shared = own_and_shared(words)
        if own:
            page = _with_table(page, f"## ritornello {' '.join(words)}", _HEAD, own)
        for group, table in shared.items():
            page = _with_table(page, f"### {group}", _HEAD, table)
    _write(FOLDER / "cli.md", page)
    page = (FOLDER / "formats.md").read_text(encoding="utf-8")
    _write(FOLDER / "formats.md", _with_table(page, "# Formats", _FORMATS_HEAD, formats()))


if __name__ == "__main__":
    main()
