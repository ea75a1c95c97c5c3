"""Plans as TOML, a line a bar, to be read and edited by people.

    format = "ritornello-plan-1"
    metre = "4/4"
    key = "A minor"
    tempo = 96
    players = ["drums", "bass", "piano"]
    bars = [
      { bar = 1, section = "intro", new = true, chords = "Am", plays = ["piano"], density = 1.5 },
      { bar = 2, varied = 1, chords = "F G", plays = ["bass", "piano"], loudness = 72 },
    ]

What a line does not say is open. ``again`` and ``varied`` name the bar that it returns to. One
chord holds for the whole bar, two have half of it each. A line with a section begins it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from typing import TypeVar

import numpy as np

from ritornello.errors import ConfigError, InputError
from ritornello.music.chords import CHORD_OPEN, chord_class, chord_of_class, parse_chart
from ritornello.music.keys import KeyName, parse_key
from ritornello.music.piece import Metre
from ritornello.plan.bar_strokes import RESOLUTION
from ritornello.plan.feel import FEELS
from ritornello.plan.plan import MAX_BARS, OPEN, Plan
from ritornello.plan.players import Player, parse_player
from ritornello.plan.returning_bars import AGAIN, CLOSENESS, NEW, VARIED
from ritornello.plan.sections import Section
from ritornello.plan.song_form import parse_name

_Value = TypeVar("_Value")

FORMAT = "ritornello-plan-1"
_HEAD = ("format", "title", "metre", "key", "tempo", "players", "bars")
_LINE = ("bar", "section", "metre", "new", "varied", "again", "chords", "plays", "density",
         "loudness", "feel", "swing")  # fmt: skip
_INTRODUCTION = """\
# A plan, a line a bar. What a line does not say is left open. `again` and `varied` name the bar
# that it returns to; `new = true` says that it returns to none. A line with a section begins it.
"""


def plan_text(plan: Plan) -> str:
    """A plan as TOML. What each player returns to is not written."""
    first = plan.metres[0]
    lines = [_INTRODUCTION, f'format = "{FORMAT}"']
    if plan.title:
        lines.append(f"title = {_quoted(plan.title)}")
    lines.append(f'metre = "{first.numerator}/{first.denominator}"')
    if plan.key is not None:
        lines.append(f'key = "{plan.key}"')
    if plan.tempo_bpm is not None:
        lines.append(f"tempo = {plan.tempo_bpm!r}")
    lines.append(f"players = [{', '.join(_quoted(str(player)) for player in plan.players)}]")
    lines.append("bars = [")
    names = {section.start: section.name for section in plan.sections}
    changes = {metre.tick: metre for metre in plan.metres[1:]}
    for bar in range(plan.bars):
        metre = changes.get(int(plan.starts[bar]))
        lines.append(f"  {{ {', '.join(_line(plan, bar, names.get(bar), metre))} }},")
    return "\n".join([*lines, "]", ""])


def _line(plan: Plan, bar: int, section: str | None, metre: Metre | None) -> list[str]:
    found = [f"bar = {bar + 1}"]
    if section is not None:
        found.append(f'section = "{section}"')
    if metre is not None:
        found.append(f'metre = "{metre.numerator}/{metre.denominator}"')
    close, back = int(plan.close[bar]), int(plan.back[bar])
    if close == NEW:
        found.append("new = true")
    elif close != OPEN and back != OPEN:
        found.append(f"{CLOSENESS[close]} = {bar + 1 - back}")
    chords = [chord_name(int(index), plan.key) for index in plan.chords[bar]]
    if all(chords):
        found.append(f'chords = "{" ".join(dict.fromkeys(chords))}"')
    plays = plan.plays[bar]
    if (plays != OPEN).all() and len(plan.players):
        names = [_quoted(str(plan.players[index])) for index in np.flatnonzero(plays == 1)]
        found.append(f"plays = [{', '.join(names)}]")
    for name in ("density", "loudness", "swing"):
        value = float(getattr(plan, name)[bar])
        if not np.isnan(value):
            found.append(f"{name} = {value:g}")
    if plan.feel[bar] != OPEN:
        found.append(f'feel = "{FEELS[plan.feel[bar]]}"')
    return found


def chord_name(index: int, key: KeyName | None) -> str:
    """A chord class as people write it in a key; empty where it is open."""
    if index == CHORD_OPEN:
        return ""
    chord = chord_of_class(index)
    return "N.C." if chord is None else chord.symbol_in(key)


def _quoted(text: str) -> str:
    shown = text.replace("\\", "\\\\").replace('"', '\\"')
    return (
        '"'
        + "".join(f"\\u{ord(c):04x}" if ord(c) < 32 or ord(c) == 127 else c for c in shown)
        + '"'
    )


def parse_plan(text: str, where: str = "the plan") -> Plan:
    """Read what `plan_text` wrote, or a person.

    Args:
        where: the file, for messages.

    Raises:
        InputError: if it is no TOML. ConfigError: if it is no plan: an unknown or misspelt key, a
            bar out of order, a value without meaning; the message names the bar.
    """
    try:
        head = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"It is no TOML: {error}.", where=where) from None
    _known_keys(head, _HEAD, where)
    if head.get("format", FORMAT) != FORMAT:
        raise InputError(f"Expected the format {FORMAT}, found {head['format']!r}.", where=where)
    lines = _typed(head, "bars", list, where, [])
    if not 1 <= len(lines) <= MAX_BARS:
        raise ConfigError(f"A plan has 1 to {MAX_BARS} bars; found {len(lines)}.", where=where)
    players = _players(_typed(head, "players", list, where, []), where)
    metre, tick = _metre(head.get("metre", "4/4"), 0, where), 0
    metres: list[Metre] = []
    for number, line in enumerate(lines, 1):
        if not isinstance(line, dict):
            raise ConfigError(
                "A line is a table, as in { bar = 1 }.", where=f"{where}, bar {number}"
            )
        if "metre" in line:
            metre = _metre(line["metre"], tick, f"{where}, bar {number}")
        if "metre" in line or not metres:
            metres.append(metre._replace(tick=tick))
        tick += metre.bar_ticks(RESOLUTION)
    plan = Plan.open(len(lines), tuple(metres), players)
    tables = {
        name: getattr(plan, name).copy()
        for name in ("back", "close", "chords", "plays", "density", "loudness", "feel", "swing")
    }
    begins: list[tuple[int, str]] = []
    for bar, line in enumerate(lines):
        here = f"{where}, bar {bar + 1}"
        _known_keys(line, _LINE, here)
        if line.get("bar") != bar + 1:
            raise ConfigError(
                f"Expected bar = {bar + 1}, found bar = {line.get('bar')!r}.",
                where=here,
                next_step="Bars come in order, a line each, from 1.",
            )
        if "section" in line:
            begins.append((bar, _located(parse_name, _typed(line, "section", str, here, ""), here)))
        _read_line(line, bar, tables, players, here)
    ends = [*(bar for bar, _ in begins[1:]), len(lines)][: len(begins)]
    if begins and begins[0][0]:
        raise ConfigError("The first section begins at bar 1.", where=where)
    title = _typed(head, "title", str, where, "")
    key = head.get("key")
    try:
        return Plan(
            players,
            tuple(metres),
            sections=tuple(
                Section(name, start, end - start)
                for (start, name), end in zip(begins, ends, strict=True)
            ),
            key=None if key is None else _located(parse_key, str(key), where),
            tempo_bpm=_number(head, "tempo", where, 1, 10_000),
            title=title,
            **tables,
        )
    except ConfigError as error:
        if error.where.startswith(where):
            raise
        raise _at(error, f"{where}: {error.where}" if error.where else where) from None


def _read_line(
    line: Mapping[str, object],
    bar: int,
    tables: dict[str, np.ndarray],
    players: tuple[Player, ...],
    where: str,
) -> None:
    """Put what a line says into the row of its bar."""
    said = [name for name in CLOSENESS if name in line]
    if len(said) > 1:
        raise ConfigError(f"It is either {' or '.join(said)}, not both.", where=where)
    if said == [CLOSENESS[NEW]]:
        if line["new"] is not True:
            raise ConfigError(
                f"Write new = true, or leave it out; found {line['new']!r}.", where=where
            )
        tables["back"][bar], tables["close"][bar] = 0, NEW
    elif said:
        target = line[said[0]]
        if isinstance(target, bool) or not isinstance(target, int) or not 1 <= target <= bar:
            raise ConfigError(
                f"{said[0]} names an earlier bar, 1 to {bar}; found {target!r}.", where=where
            )
        tables["back"][bar] = bar + 1 - target
        tables["close"][bar] = {CLOSENESS[VARIED]: VARIED, CLOSENESS[AGAIN]: AGAIN}[said[0]]
    if "chords" in line:
        tables["chords"][bar] = _located(_chords, _typed(line, "chords", str, where, ""), where)
    if "plays" in line:
        tables["plays"][bar] = 0
        for name in _typed(line, "plays", list, where, []):
            player = _located(parse_player, str(name), where)
            if player not in players:
                raise ConfigError(
                    f"{name} is not among the players of the plan.",
                    where=where,
                    next_step=f"Players: {', '.join(map(str, players)) or 'none'}.",
                )
            tables["plays"][bar, players.index(player)] = 1
    for name, low, high in (("density", 0, 1000), ("loudness", 0, 127), ("swing", 0.2, 5)):
        value = _number(line, name, where, low, high)
        if value is not None:
            tables[name][bar] = value
    if "feel" in line:
        feel = _typed(line, "feel", str, where, "")
        if feel not in FEELS:
            raise ConfigError(
                f"{feel!r} is no feel.", where=where, next_step=f"Feels: {', '.join(FEELS)}."
            )
        tables["feel"][bar] = FEELS.index(feel)


def _chords(text: str) -> tuple[int, int]:
    chart = parse_chart(text if "|" in text else f"| {text} |")
    if len(chart) != 1 or len(chart[0]) > 2:
        raise ConfigError(f"{text!r} are not one or two chords.")
    first, last = chart[0][0], chart[0][-1]
    return chord_class(first), chord_class(last)


def _players(names: Sequence[object], where: str) -> tuple[Player, ...]:
    players = [_located(parse_player, str(name), where) for name in names]
    if len(set(players)) < len(players):
        raise ConfigError("A player is named twice; write 'violin' and 'violin 2'.", where=where)
    return tuple(sorted(players))


def _metre(text: object, tick: int, where: str) -> Metre:
    numerator, _, denominator = str(text).partition("/")
    if numerator.strip().isdigit() and denominator.strip() in ("1", "2", "4", "8", "16", "32"):
        metre = Metre(tick, int(numerator), int(denominator))
        if 1 <= metre.numerator <= 255:
            return metre
    raise ConfigError(
        f"{text!r} is not a metre.", where=where, next_step="Write it as in 3/4 or 6/8."
    )


def _number(
    table: Mapping[str, object], name: str, where: str, low: float, high: float
) -> float | None:
    if name not in table:
        return None
    value = table[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise ConfigError(
            f"{name} is a number from {low:g} to {high:g}; found {value!r}.", where=where
        )
    return float(value)


def _typed(
    table: Mapping[str, object], name: str, kind: type[_Value], where: str, default: _Value
) -> _Value:
    value = table.get(name, default)
    if not isinstance(value, kind):
        shown = "text in quotes" if kind is str else "a list in brackets"
        raise ConfigError(f"{name} is {shown}; found {value!r}.", where=where)
    return value


def _known_keys(table: Mapping[str, object], known: tuple[str, ...], where: str) -> None:
    for name in table:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"Did you mean {near[0]!r}? " if near else ""
            raise ConfigError(
                f"A plan has no entry called {name!r} here.",
                where=where,
                next_step=f"{hint}Known: {', '.join(known)}.",
            )


def _located(read: Callable[[str], _Value], text: str, where: str) -> _Value:
    """What a function reads from a text; its errors say where."""
    try:
        return read(text)
    except ConfigError as error:
        raise _at(error, where) from None


def _at(error: ConfigError, where: str) -> ConfigError:
    return ConfigError(error.what, where=where, next_step=error.next_step)
