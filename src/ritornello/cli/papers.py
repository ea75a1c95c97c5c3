"""`ritornello papers`: list the published systems, run them, and report what came out."""

from __future__ import annotations

import dataclasses
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter
from rich.markup import escape
from rich.table import Table

from ritornello.cli.choices import EVERY_SYSTEM, SystemName
from ritornello.cli.options import AnyWhole, Flag, Whole
from ritornello.cli.show import out, print_error, print_json, say
from ritornello.errors import ConfigError, RitornelloError
from ritornello.papers.shared.recipe import BUDGETS, Budget

if TYPE_CHECKING:
    from ritornello.papers.shared.outcome import Outcome

papers = App(name="papers", help="List the published systems, run them, and report what came out.")


@papers.default
def systems(*, json: Flag = False) -> None:
    """List the published systems: what each does, the data it wants, the minutes it takes here.

    Parameters
    ----------
    json
        Print the result for programs.
    """
    from ritornello.papers import commands

    found = commands.list_papers()
    if json:
        print_json([dataclasses.asdict(recipe) for recipe in found])
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("system", "what it does", "data it wants"):
        table.add_column(column, overflow="fold")
    table.add_column(f"minutes: {', '.join(BUDGETS)}", justify="right", no_wrap=True)
    for recipe in found:
        minutes = ", ".join(f"{recipe.minutes[budget]:,g}" for budget in BUDGETS)
        table.add_row(recipe.id, escape(recipe.does), escape(recipe.wants), minutes)
    out.print(table, soft_wrap=False)
    say("Minutes are of two laptop cores. Run one: ritornello papers run SYSTEM --budget tiny")


@papers.command
def run(
    system: SystemName,
    /,
    *,
    budget: Budget = "tiny",
    data: Path | None = None,
    seed: Whole = 0,
    threads: AnyWhole = None,
    set: Annotated[tuple[str, ...], Parameter(negative=(), show_default=False)] = (),
    output: Annotated[Path, Parameter(alias="-o")] = Path("papers"),
    overwrite: Flag = False,
    json: Flag = False,
) -> int:
    """Run a published system: data, training, generation, figures.

    Needs the extra: pip install 'ritornello[train]'

    Parameters
    ----------
    system
        Its id, or all, one after the other; `ritornello papers` tells what each does.
    budget
        How much of it: tiny takes about a minute, small some minutes, full is as published.
    data
        Your own data in the authors' format; music that stands in for it if left out.
    seed
        Of everything random.
    threads
        Processors to use, by default all.
    set
        Settings to replace, as in --set tasks=melody; may be given again. The report tells them.
    output
        Folder for the results; each system gets a folder in it.
    overwrite
        Run again what was run into this folder before.
    json
        Print the result for programs.
    """
    from ritornello.papers import commands

    every = system == EVERY_SYSTEM
    if every and data is not None:
        raise ConfigError(
            "Each system wants data of its own.",
            where="--data",
            next_step="Name one system, or leave --data out to use the stand-ins.",
        )
    chosen = [recipe.id for recipe in commands.list_papers()] if every else [system]
    changes = {}
    for text in set:
        name, equals, value = text.partition("=")
        if not (equals and name.strip()):
            raise ConfigError(f"{text!r} is no setting.", next_step="Write --set name=value")
        changes[name.strip()] = value.strip()
    failures = []

    def show_failure(name: str, error: Exception) -> None:
        failures.append(name)
        if isinstance(error, RitornelloError):
            where = f"{error.where}: " if error.where else ""
            print_error(f"{name}: {where}{error.what}", error.next_step)
        else:
            print_error(f"{name}: a fault of ritornello ({type(error).__name__}: {error}).")

    found = commands.run_papers(
        chosen,
        output,
        budget=budget,
        data=data,
        seed=seed,
        threads=threads,
        changes=changes,
        overwrite=overwrite,
        say=say,
        failed=show_failure if every else None,
    )
    if json:
        print_json({name: dataclasses.asdict(outcome) for name, outcome in found.items()})
    else:
        _print_table(chosen, found)
    if found:
        say(f"See and hear it: ritornello papers report {shlex.quote(str(output))} -o papers.html")
    return 1 if failures else 0


def _print_table(chosen: list[str], found: dict[str, Outcome]) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("system", "ran", "figures", "compared"):
        table.add_column(column, overflow="fold")
    for name in chosen:
        outcome = found.get(name)
        if outcome is None:
            table.add_row(name, "no", "", "no")
            continue
        compared = "yes" if outcome.is_compared else "no"
        table.add_row(name, f"{outcome.seconds / 60:.1f} min", _figure(outcome), compared)
    out.print(table, soft_wrap=False)


def _figure(outcome: Outcome) -> str:
    """The figure that stands for a run, and how many more there are."""
    figure = outcome.key_figure
    if figure is None:
        return "none"
    beside = {"published": figure.published, "ours": figure.ours}
    others = [f"{name} {value:.4g}" for name, value in beside.items() if value is not None]
    shown = f"{figure.value:.4g} {figure.unit}".strip()
    inside = f" ({', '.join(others)})" if others else ""
    more = len(outcome.figures) - 1
    return escape(f"{figure.name}: {shown}{inside}" + (f"; {more} more" if more else ""))


@papers.command
def report(
    folder: Path = Path("papers"),
    /,
    *,
    output: Annotated[Path, Parameter(alias="-o")] = Path("papers.html"),
    scorecard: Path | None = None,
    overwrite: Flag = False,
) -> None:
    """Write one page on all systems that were run: figures, curves, samples, beside our own model.

    Parameters
    ----------
    folder
        What `ritornello papers run` wrote into.
    output
        The page, one HTML file that needs no other.
    scorecard
        Folder with results of `ritornello benchmark`, to be shown too.
    overwrite
        Replace a page that is there.
    """
    from ritornello.papers import commands

    path = commands.report_papers(folder, output, scorecard=scorecard, overwrite=overwrite)
    out.print(str(path), markup=False)
