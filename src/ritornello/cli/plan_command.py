"""`ritornello plan`: what a piece does bar by bar, printed, drawn, and as a file to edit."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from ritornello.cli.options import Flag
from ritornello.cli.show import out, print_json
from ritornello.json_values import JsonObject

if TYPE_CHECKING:
    import numpy as np

    from ritornello.plan.plan import Plan

_MOST_CHORDS = 8  # that are printed of a section


def plan(
    piece: Path,
    /,
    *,
    output: Annotated[Path | None, Parameter(alias="-o")] = None,
    overwrite: Flag = False,
    json: Flag = False,
) -> None:
    """Say what a piece does bar by bar: its sections, what returns, its chords, who plays.

    Parameters
    ----------
    piece
        A MIDI, MusicXML, ABC or piano-roll file.
    output
        Write the plan as well: .toml to read and edit, .svg or .png to look at.
    overwrite
        Replace a file that is there.
    json
        Print the plan for programs.
    """
    from ritornello import api

    if output is not None:
        api.refuse_plan_target(output, overwrite=overwrite)
    found = api.plan_of(api.load(piece), where=str(piece))
    if output is not None:
        api.save_plan(found, output, overwrite=overwrite)
    if json:
        print_json(as_facts(found))
        return
    _print(found)
    if output is not None:
        out.print(str(output), markup=False)


def as_facts(plan: Plan) -> JsonObject:
    """A plan as numbers and texts; bars count from 1."""
    from ritornello.plan.feel import FEELS
    from ritornello.plan.plan_text import chord_name
    from ritornello.plan.returning_bars import CLOSENESS

    return {
        "bars": plan.bars,
        "key": None if plan.key is None else str(plan.key),
        "tempo": plan.tempo_bpm,
        "players": [str(player) for player in plan.players],
        "sections": [
            {"name": section.name, "bar": section.start + 1, "bars": section.bars}
            for section in plan.sections
        ],
        "rows": [
            {
                "bar": bar + 1,
                "close": CLOSENESS[plan.close[bar]],
                "returns_to": bar + 1 - int(plan.back[bar]) if plan.back[bar] else None,
                "chords": [chord_name(int(index), plan.key) for index in plan.chords[bar]],
                "plays": _names(plan, plan.plays[bar]),
                "density": float(plan.density[bar]),
                "loudness": float(plan.loudness[bar]),
                "feel": FEELS[plan.feel[bar]],
            }
            for bar in range(plan.bars)
        ],
    }


def _names(plan: Plan, plays: np.ndarray) -> list[str]:
    """The players of whom 1 is said."""
    return [str(player) for player, on in zip(plan.players, plays.tolist(), strict=True) if on]


def _print(plan: Plan) -> None:
    """A line a section."""
    from ritornello.plan.plan_text import chord_name
    from ritornello.plan.returning_bars import AGAIN, VARIED

    rows = [("section", "bars", "returns", "notes a beat", "chords", "players")]
    for section in plan.sections:
        inside = slice(section.start, section.end)
        again, varied = (int((plan.close[inside] == kind).sum()) for kind in (AGAIN, VARIED))
        returns = [f"{again} again"] * bool(again) + [f"{varied} varied"] * bool(varied)
        names = [chord_name(int(index), plan.key) for index in plan.chords[inside].ravel()]
        changes = [n for n, before in zip(names, ["", *names], strict=False) if n != before]
        more = [" ..."] * (len(changes) > _MOST_CHORDS)
        rows.append(
            (
                section.name,
                f"{section.start + 1}-{section.end}",
                ", ".join(returns) or "new",
                f"{plan.density[inside].mean():.1f}",
                " ".join([*changes[:_MOST_CHORDS], *more]),
                ", ".join(_names(plan, plan.plays[inside].max(axis=0))),
            )
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        out.print("  ".join(cells).rstrip(), markup=False, soft_wrap=True)
