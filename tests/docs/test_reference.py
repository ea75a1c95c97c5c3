"""The reference leaves nothing out: every command with every option, every public name, format."""

from __future__ import annotations

import dataclasses

import pytest

import ritornello
from ritornello.dsp.sound_formats import PYAV_SUFFIXES
from ritornello.generation.rules import Rules
from ritornello.music.instruments import INSTRUMENTS
from tests.docs import reference as wanted

_AGAIN = "write it with: python -m tests.docs.reference"


def reference(name: str) -> str:
    return (wanted.FOLDER / f"{name}.md").read_text()


@pytest.mark.parametrize("words", wanted.commands(), ids=" ".join)
def test_every_option_of_every_command_is_described_as_it_is(words: tuple[str, ...]) -> None:
    page, command = reference("cli"), " ".join(words)
    section = wanted.section(page, f"## ritornello {command}")
    assert section, f"no section on {command}"
    own, shared = wanted.own_and_shared(words)
    assert wanted.rows(section) == own, _AGAIN
    for group, rows in shared.items():
        assert f"[{group}](#{group.lower()})" in section
        described = wanted.section(page, f"### {group}")
        assert described, f"no section on {group}"
        assert wanted.rows(described) == rows, _AGAIN


def test_every_format_is_described_as_it_is() -> None:
    assert wanted.rows(reference("formats")) == wanted.formats(), _AGAIN


def test_every_ending_of_a_recording_is_described() -> None:
    assert all(f"`{ending}`" in reference("formats") for ending in PYAV_SUFFIXES)


@pytest.mark.parametrize("name", sorted(set(ritornello.__all__) - {"__version__"}))
def test_every_public_name_is_described(name: str) -> None:
    assert f"`{name}" in reference("python")


def test_every_rule_and_every_instrument_is_described() -> None:
    page = reference("rules")
    for field in dataclasses.fields(Rules):
        assert f"`{field.name}`" in page
    for instrument in INSTRUMENTS:
        row = f"| {instrument.name} | {instrument.low} | {instrument.high} |"
        assert row in page, row
