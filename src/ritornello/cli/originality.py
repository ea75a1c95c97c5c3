"""`ritornello originality`: how much of a piece stands in a model's training music."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter
from rich.markup import escape
from rich.table import Table

from ritornello.cli.choices import SONGS_HELP
from ritornello.cli.options import Flag
from ritornello.cli.show import out, print_json, progress, say
from ritornello.cli.streams import is_stream, read_from
from ritornello.json_values import JsonObject

if TYPE_CHECKING:
    from ritornello.generation.originality.index import CopiedPassage, Originality

_KINDS = {"texture": "all parts together", "parts": "each part alone"}
_WINDOWS = {4: "one bar of 4/4", 8: "two bars of 4/4"}


def originality(
    *pieces: Annotated[Path, Parameter(help=SONGS_HELP)],
    model: Annotated[str, Parameter(alias="-m")] = "default",
    json: Flag = False,
) -> None:
    """Say how much of a piece stands in the music that a model learned from.

    Passages are found in any transposition, whoever plays; drums do not count.

    Parameters
    ----------
    model
        A model's name, or the folder that `ritornello train` wrote.
    json
        Print the result for programs.
    """
    from ritornello import api
    from ritornello.errors import ConfigError

    if not pieces:
        raise ConfigError(
            "No piece is given.", next_step="Write it as in: ritornello originality song.mid"
        )
    index = api.training_index(model)
    found = []
    with progress("Comparing") as watch:
        for number, path in enumerate(pieces):
            watch(number, len(pieces))
            with read_from(path) as file:
                named = Path("standard input") if is_stream(path) else path
                found.append((named, index.measure(api.load(file))))
    if json:
        rows = [{"file": str(path), **each.as_facts()} for path, each in found]
        print_json({"model": model, "held_out": index.held_out, "pieces": rows})
        return
    for path, each in found:
        _print(path, each, index.held_out)
    if not index.held_out:
        say("Training on this music held nothing back, so there is no real music to compare with.")


def _print(path: Path, found: Originality, held_out: JsonObject) -> None:
    out.print(str(path), style="bold", markup=False)
    if not any(found.texture.windows.values()):
        out.print("  It has no pitched passage of a bar that could be compared.")
        return
    table = Table(box=None, header_style="bold", padding=(0, 2))
    for column in ("in the training music", "this piece", "real music not learned from"):
        table.add_column(column, justify="left" if column.startswith("in") else "right")
    for kind, name in _KINDS.items():
        copied, usual = getattr(found, kind), held_out.get(kind)
        for quarters, length in _WINDOWS.items():
            shares = usual["shares"][str(quarters)] if usual else None
            ours = copied.shares[quarters] if copied.windows[quarters] else None
            table.add_row(f"{length}, {name}", _percent(ours), _percent(shares))
        median = f"{usual['longest_quarters_median']:g} quarters" if usual else ""
        table.add_row(f"longest passage, {name}", f"{copied.longest_quarters} quarters", median)
    out.print(table)
    for passage in (found.texture.longest, found.parts.longest):
        if passage:
            out.print(f"  {_where(passage)}", markup=False)
    out.print(f"  {escape(_verdict(found, held_out))}")


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.1%}"


def _where(passage: CopiedPassage) -> str:
    bars = f"bar {passage.first_bar}"
    if passage.last_bar > passage.first_bar:
        bars = f"bars {passage.first_bar} to {passage.last_bar}"
    who = f"{passage.part} alone" if passage.part else "all parts together"
    return f"The longest passage of {who}: {bars}."


def _verdict(found: Originality, held_out: JsonObject) -> str:
    """One plain sentence on all parts together; single parts share figures in any music."""
    texture = found.texture
    if texture.longest_quarters >= 8 or texture.shares[8] > 0:
        return "It has two bars or more that stand in the training music."
    usual = held_out.get("texture", {}).get("shares", {}).get("4", 0.0)
    if texture.shares[4] > usual:
        return (
            "It shares more single bars with the training music than real music does, but no two."
        )
    return "It copies no two bars, and no more single bars than real music does."
