"""Does a model file hold what a model needs? Its settings and facts, then its arrays by shape.

All of it is looked at when the file is opened, so that nothing later stumbles over a file that was
damaged or made up. What is right is stated here, once.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from typing import Any

from ritornello.errors import ConfigError, shortened
from ritornello.json_values import JsonObject
from ritornello.music.instruments import DRUMS, parse_instrument
from ritornello.music.keys import parse_key
from ritornello.note_model.encoding.notes import FASTEST_BPM, PARTS_PER_INSTRUMENT, SLOWEST_BPM
from ritornello.note_model.safetensors_file import (
    FLOATS,
    Header,
    described,
    mismatch,
    number_within,
    texts,
    whole_number,
)
from ritornello.note_model.shapes import CELL_SHAPES, baseline_shapes, note_model_shapes
from ritornello.plan.song_form import parse_form

SCALE = ".scale"
BASELINE = "baseline."
_SIZES = ("layers", "width", "head_width", "collections")
_LARGEST_LINE_UP, _LONGEST_NAME, _LONGEST_FORM = 16, 64, 2000
_HEAVIEST = 1e12


def check_about(header: Header) -> None:
    """Check the metadata of a checkpoint.

    What is not there and need not be is filled in with nothing.

    Raises:
        CheckpointError: naming the first value that cannot be used.
    """
    about = header.about
    _check(header, "network", about.get("network"), _is_table, "a table")
    network: JsonObject = about["network"]
    cell = network.get("cell")
    if not isinstance(cell, str) or cell not in CELL_SHAPES:
        raise header.damaged(
            f"its cell is {described(cell)}; one of {', '.join(CELL_SHAPES)} was expected."
        )
    for name in _SIZES:
        _check(header, name, network.get(name), whole_number, "a whole number from 1 up")
    _check(header, "plan", network.get("plan", False), _is_truth, "true or false")
    _check(header, "collections", about.get("collections"), texts, "a list of names")
    if len(about["collections"]) > network["collections"]:
        raise header.damaged(
            f"it names {len(about['collections'])} collections and tells "
            f"{described(network['collections'])} apart."
        )
    _check(header, "provenance", about.get("provenance"), _is_table, "a table")
    _check_provenance(header, about["provenance"], about["collections"])


def check_arrays(header: Header) -> None:
    """Check that a checkpoint, whose metadata is as it should be, has the arrays it needs.

    Raises:
        CheckpointError: naming the first array that is missing, too many, or of another kind.
    """
    network: JsonObject = header.about["network"]
    arrays = header.arrays
    if network["layers"] > len(arrays):  # before the shapes of all those layers are listed
        raise header.damaged(
            f"it states {described(network['layers'])} layers and holds {len(arrays)} arrays."
        )
    shapes = note_model_shapes(
        cell=network["cell"],
        plan=network.get("plan", False),
        **{name: network[name] for name in _SIZES},
    )
    matrices = {
        name
        for name, shape in shapes.items()
        if name in arrays and len(shape) == 2 and arrays[name].numbers == "I8"
    }
    counts = {name for name in arrays if name.startswith(BASELINE)}
    expected = {
        **shapes,
        **{name + SCALE: shapes[name][:1] for name in matrices},
        **({BASELINE + name: shape for name, shape in baseline_shapes().items()} if counts else {}),
    }
    if wrong := mismatch(expected, {name: array.shape for name, array in arrays.items()}):
        raise header.damaged(wrong)
    for name, array in arrays.items():
        known = {"U32"} if name in counts else {"I8"} if name in matrices else FLOATS
        if array.numbers not in known:
            raise header.damaged(
                f"{name} holds {array.numbers}; {' or '.join(sorted(known))} was expected."
            )


def _check(
    header: Header, name: str, value: object, fits: Callable[[Any], bool], expected: str
) -> None:
    if not fits(value):
        raise header.damaged(f"its {name} is {described(value)}; {expected} was expected.")


def _is_truth(value: object) -> bool:
    return isinstance(value, bool)


def _is_table(value: object) -> bool:
    return isinstance(value, dict)


def _check_provenance(header: Header, facts: JsonObject, collections: list[str]) -> None:
    """Check those facts that composing, and lists of models, go by; all others are for people."""

    def line_up(entry: object) -> bool:
        if not isinstance(entry, list) or not 2 <= len(entry) <= 4:
            return False
        players, weight, *rest = entry
        collection, metre = rest[:1], rest[1:]
        return (
            texts(players)
            and _can_play(players)
            and number_within(weight, 0, _HEAVIEST)
            and weight > 0
            and collection in ([], [None], *([name] for name in collections))
            and (metre in ([], [None]) or _can_count(metre[0]))
        )

    def instrumentations(value: object) -> bool:
        return isinstance(value, list) and all(map(line_up, value))

    def styles(value: object) -> bool:
        return _is_table(value) and all(each in collections for each in value.values())  # type: ignore[attr-defined]

    def shares(value: object) -> bool:
        return _is_table(value) and all(number_within(each, 0, 1) for each in value.values())  # type: ignore[attr-defined]

    def keys(value: object) -> bool:
        return _is_table(value) and all(map(_is_key_table, value.values()))  # type: ignore[attr-defined]

    def forms(value: object) -> bool:
        return _is_table(value) and all(map(_is_form, value.values()))  # type: ignore[attr-defined]

    def tempos(value: object) -> bool:
        return _is_table(value) and all(map(_is_tempo_table, value.values()))  # type: ignore[attr-defined]

    def validation(value: object) -> bool:
        nats = value.get("nats_per_note") if isinstance(value, dict) else None
        return value is None or (
            isinstance(value, dict) and (nats is None or number_within(nats, 0, _HEAVIEST))
        )

    kinds: dict[str, tuple[Callable[[object], bool], str]] = {
        "line_ups": (instrumentations, "a list of players, weight, collection and metre"),
        "styles": (styles, "a table from style to collection"),
        "minor_shares": (shares, "a table from collection to a share"),
        "keys": (keys, "a table from collection to a table from key to its weight"),
        "forms": (forms, "a table from collection to a form or to forms and their weights"),
        "tempos": (tempos, "a table from collection to one from metre to tempos and their weights"),
        "validation": (validation, "a table of figures"),
        "held_out": (validation, "a table of figures"),
    }
    for name, (fits, expected) in kinds.items():
        if name in facts and not fits(facts[name]):
            raise header.damaged(
                f"its {name} cannot be used ({shortened(repr(facts[name]), 60)}); "
                f"{expected} was expected."
            )


def _is_form(value: object) -> bool:
    if isinstance(value, dict):
        return _has_weights(value) and all(map(_is_form, value))
    try:
        return isinstance(value, str) and len(value) <= _LONGEST_FORM and bool(parse_form(value))
    except ConfigError:
        return False


def _is_key_table(value: object) -> bool:
    """Whether keys have weights, one above zero at least."""
    if not isinstance(value, dict) or not value:
        return False
    try:
        named = all(len(name) <= _LONGEST_NAME and parse_key(name) for name in value)
    except ConfigError:
        return False
    weighed = all(number_within(each, 0, _HEAVIEST) for each in value.values())
    return named and weighed and sum(value.values()) > 0


def _is_tempo_table(value: object) -> bool:
    """Whether tempos of each metre, one at least, have weights above zero."""
    if not isinstance(value, dict) or not value:
        return False
    return all(
        isinstance(tempos, dict) and _has_weights(tempos) and all(map(_is_tempo, tempos))
        for tempos in value.values()
    )


def _has_weights(table: JsonObject) -> bool:
    """Whether a table has entries, and all of them weights above zero."""
    weighed = all(number_within(each, 0, _HEAVIEST) and each > 0 for each in table.values())
    return bool(table) and weighed


def _is_tempo(bpm: str) -> bool:
    return bpm.isascii() and bpm.isdigit() and SLOWEST_BPM <= int(bpm) <= FASTEST_BPM


def _can_count(metre: object) -> bool:
    """Whether it is a metre such as "6/8", with bars of one to eight quarter notes."""
    found = re.fullmatch(r"(\d{1,3})/(2|4|8|16)", metre) if isinstance(metre, str) else None
    return found is not None and 1 <= int(found[1]) * 4 / int(found[2]) <= 8


def _can_play(players: list[str]) -> bool:
    """Whether they are names of instruments, and a piece can have so many of them."""
    if not 0 < len(players) <= _LARGEST_LINE_UP or max(map(len, players)) > _LONGEST_NAME:
        return False
    try:
        counts = Counter(map(parse_instrument, players))
    except ConfigError:
        return False
    return all(
        count <= (1 if at == DRUMS else PARTS_PER_INSTRUMENT) for at, count in counts.items()
    )
