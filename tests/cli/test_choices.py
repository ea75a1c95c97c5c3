"""What the command line offers is what the registries hold: no more, no less, and in its help."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, get_args, get_type_hints

import pytest

from ritornello import api, cli
from ritornello.accompany.remix import USUAL_PARTS
from ritornello.corpus.listing import SIDES
from ritornello.dsp.sound_formats import LOSSLESS_SUFFIXES, SOUND_FORMATS
from ritornello.files import writable_formats
from ritornello.generation.edit.verbs import VOICES
from ritornello.generation.rules import DENSITIES
from ritornello.music.instruments import INSTRUMENTS
from ritornello.music.io import FORMATS
from ritornello.note_model.cells import CELLS
from ritornello.papers.polyphony.benchmarks import BENCHMARKS
from ritornello.papers.shared.recipe import BUDGETS
from ritornello.papers.systems import SYSTEMS
from ritornello.separate.stem_folders import PARTS
from tests.docs.reference import arguments

CHOICES: list[tuple[str, str, Iterable[str]]] = [
    ("train", "--cell", CELLS),
    ("evaluate", "--split", (*SIDES, "all")),
    ("evaluate", "--controls", get_args(get_type_hints(api.evaluate)["controls"])),
    ("separate", "--format", (suffix[1:] for suffix in LOSSLESS_SUFFIXES)),
    ("papers run", "SYSTEM", (*SYSTEMS, "all")),
    ("papers run", "--budget", BUDGETS),
    ("benchmark", "NAME", BENCHMARKS),
]
# Where a list of names is asked for, the help says which there are.
NAMED: list[tuple[str, str, Iterable[str]]] = [
    ("train", "--cell", CELLS),
    ("compose", "--formats", writable_formats(usual_only=True)),
    ("compose", "--density", DENSITIES),
    ("convert", "TARGET", writable_formats(usual_only=True)),
    ("convert", "SOURCE", {entry.name.split()[-1] for entry in FORMATS if entry.reader}),
    ("render", "--output", (suffix[1:] for suffix in SOUND_FORMATS)),
    ("remix", "RECORDING", (suffix[1:] for suffix in SOUND_FORMATS)),
    ("remix", "--stem", {*PARTS} - {"drums"}),  # which nobody can play along to
    ("harmonise", "--voices", VOICES),
]


def _argument(command: str, name: str) -> Any:
    return next(each for each in arguments(tuple(command.split())) if name in each.names)


@pytest.mark.parametrize(("command", "option", "registry"), CHOICES)
def test_an_option_offers_what_its_registry_holds(command: str, option: str, registry: Any) -> None:
    assert _argument(command, option).get_choices(force=True) == tuple(registry)


@pytest.mark.parametrize(("command", "option", "names"), NAMED)
def test_the_help_of_an_option_names_what_there_is(command: str, option: str, names: Any) -> None:
    shown = _argument(command, option).parameter.help
    assert not [name for name in names if name not in shown]


@pytest.mark.parametrize("command", ["compose", "arrange", "remix", "transcribe"])
def test_the_help_names_every_instrument(command: str) -> None:
    shown = str(cli.app[command].help_epilogue)
    assert not [each.name for each in INSTRUMENTS if each.name not in shown]


def test_the_usual_parts_of_a_remix_are_those_of_the_command() -> None:
    (usual,) = _argument("remix", "--parts").field_info.default
    assert tuple(usual.split(",")) == USUAL_PARTS
