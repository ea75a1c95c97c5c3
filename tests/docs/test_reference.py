"""The reference leaves nothing out: every command with every option, every public name, format."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable
from functools import reduce
from operator import getitem
from typing import Any

import pytest

import ritornello
from ritornello import cli
from ritornello.files import writable_formats
from ritornello.generation.rules import Rules
from ritornello.music import io
from ritornello.music.instruments import INSTRUMENTS
from tests.docs.pages import ROOT


def _commands(app: Any, *above: str) -> list[tuple[str, ...]]:
    """Every command as its words, also inside of others as `papers run`; no second spellings."""
    found = []
    for name in sorted(name for name in app if not name.startswith("-") and app[name].show):
        found += [(*above, name), *_commands(app[name], *above, name)]
    return found


COMMANDS = _commands(cli.app)


def reference(name: str) -> str:
    return (ROOT / "docs" / "reference" / f"{name}.md").read_text()


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_option_of_every_command_is_described_as_it_is(words: tuple[str, ...]):
    page, command = reference("cli"), " ".join(words)
    section = re.search(rf"^## ritornello {command}\n(.*?)(?=^## |\Z)", page, re.M | re.S)
    assert section, f"no section on {command}"
    own, shared = _own_and_shared(
        reduce(getitem, words, cli.app).assemble_argument_collection(parse_docstring=True)
    )
    assert _rows(section[1]) == own
    for group, rows in shared.items():
        assert f"[{group}](#{group.lower()})" in section[1]
        described = re.search(rf"^### {group}\n(.*?)(?=^##|\Z)", page, re.M | re.S)
        assert described, f"no section on {group}"
        assert _rows(described[1]) == rows


def _rows(section: str) -> list[str]:
    return re.findall(r"^\| `.*$", section, re.M)


def _own_and_shared(arguments: Iterable[Any]) -> tuple[list[str], dict[str, list[str]]]:
    """Rows of a command's own arguments, and by group of those that it shares with others."""
    own: list[str] = []
    shared: dict[str, list[str]] = {}
    rows = own
    for argument in arguments:
        if not argument.show:  # a group, whose options follow
            rows = shared.setdefault(argument.hint.__name__, [])
        else:
            (rows if argument.keys else own).append(_row(argument))
    return own, shared


def _row(argument: Any) -> str:
    """How the reference shows an argument: names, default, meaning."""
    default = argument.field_info.default
    if default is argument.field_info.empty:
        default = "required"
    elif default is None or default is False or default == ():
        default = ""
    elif isinstance(default, tuple):
        default = ",".join(default)
    names = " ".join(f"`{name}`" for name in argument.names)
    return f"| {names} | {default} | {argument.parameter.help} |"


@pytest.mark.parametrize("name", sorted(set(ritornello.__all__) - {"__version__"}))
def test_every_public_name_is_described(name: str):
    assert f"`{name}" in reference("python")


def test_every_rule_and_every_instrument_is_described():
    page = reference("rules")
    for field in dataclasses.fields(Rules):
        assert f"`{field.name}`" in page
    for instrument in INSTRUMENTS:
        row = f"| {instrument.name} | {instrument.low} | {instrument.high} |"
        assert row in page, row


def test_every_format_is_described():
    page = reference("formats")
    for ending in (*io.readable_extensions(), *(f".{name}" for name in writable_formats())):
        assert f"`{ending}`" in page, ending
