"""`ritornello inspect`, `shards`, `train`, `evaluate`: from a folder of music to a model of it."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table

from ritornello.cli.choices import CELL_HELP, MUSIC_FOLDER_HELP, CellName
from ritornello.cli.options import AnyWhole, Flag, Names, Whole, split_names
from ritornello.cli.show import clock, err, out, print_json, progress, resumable, say
from ritornello.corpus.listing import Split
from ritornello.json_values import JsonObject

if TYPE_CHECKING:
    from ritornello.corpus.scan import ScanResult
    from ritornello.training.loop import Progress as Step


def inspect(
    folder: Path,
    /,
    *,
    only: Names = (),
    output: Annotated[Path | None, Parameter(alias="-o")] = None,
    overwrite: Flag = False,
    json: Flag = False,
) -> None:
    """Say what is in a folder of music, and which files cannot be used and why.

    Parameters
    ----------
    folder
        Searched with all its sub-folders.
    only
        Names of sub-folders to look at, by default all.
    output
        Also save the report: .html to read, .json with every file.
    overwrite
        Replace a report that is there.
    json
        Print the result for programs.
    """
    from ritornello import api

    with progress("Reading") as watch:
        result = api.inspect(
            folder,
            collections=split_names(only) or None,
            report=output,
            overwrite=overwrite,
            progress=watch,
        )
    _tell(result, as_json=json)


def _tell(result: ScanResult, *, as_json: bool) -> None:
    """Print what was found in a folder, for people or for programs."""
    from ritornello import api

    if as_json:
        print_json(api.report_summary(result))
    else:
        api.print_report(result, out)


def shards(
    folder: Annotated[Path, Parameter(help=MUSIC_FOLDER_HELP)],
    /,
    *,
    output: Annotated[Path, Parameter(alias="-o")],
    only: Names = (),
    licence: str = "",
    cluster: Flag = False,
    json: Flag = False,
) -> None:
    """Write the music of a folder as Parquet files, a row a piece, for large collections.

    `ritornello train` learns from them as from the folder; pandas, datasets, Dask and Ray read
    them too. Needs the extra: pip install 'ritornello[cluster]'

    Parameters
    ----------
    output
        Folder for the shards.
    only
        Names of sub-folders to use, by default all.
    licence
        Of the music, written in each row.
    cluster
        Read the files with Ray: on the cluster of RAY_ADDRESS, else on this machine.
    json
        Print what was found for programs.
    """
    from ritornello import api

    with progress("Reading") as watch:
        result = api.shard_folder(
            folder,
            output,
            collections=split_names(only) or None,
            licence=licence,
            cluster=cluster,
            progress=watch,
        )
    _tell(result, as_json=json)
    if not json:
        out.print(str(output), markup=False)


def train(
    folder: Annotated[Path, Parameter(help=MUSIC_FOLDER_HELP)],
    /,
    *,
    output: Annotated[Path, Parameter(alias="-o")],
    start: Annotated[str | None, Parameter(name="--from")] = None,
    minutes: float | None = None,
    steps: AnyWhole = None,
    only: Names = (),
    cell: Annotated[CellName | None, Parameter(help=f"{CELL_HELP}.", show_choices=False)] = None,
    layers: AnyWhole = None,
    width: AnyWhole = None,
    dropout: float | None = None,
    learning_rate: float | None = None,
    batch: AnyWhole = None,
    seed: Whole = 0,
    threads: AnyWhole = None,
) -> None:
    """Learn from a folder of music.

    Run it again with the same output folder to go on where it stopped. While it learns it writes
    short pieces into OUTPUT/samples. Needs the extra: pip install 'ritornello[train]'

    Parameters
    ----------
    output
        Folder for the model.
    start
        A model to begin with, such as default: its styles stay, and your music is what it writes.
    minutes
        For all of it, 10 if left out; at least half of them are for learning itself.
    steps
        Length in steps instead of minutes.
    only
        Names of sub-folders to learn from, by default all.
    layers
        Of the network. Its size follows the amount of music and time where it is left open.
    width
        Units a layer.
    dropout
        Share of units left out at random, 0 to 1, against learning by heart.
    learning_rate
        The highest; 0.002 if left out, half of it with --from.
    batch
        Excerpts learned from at a time; follows the amount of music and time if left out.
    seed
        The same seed, music and machine give the same model.
    threads
        Processors to use, by default all.
    """
    from ritornello import api

    asked = {
        "cell": cell,
        "layers": layers,
        "width": width,
        "dropout": dropout,
        "learning_rate": learning_rate,
        "batch": batch,
    }
    settings: dict[str, Any] = {name: value for name, value in asked.items() if value is not None}
    again = ["ritornello", "train", str(folder), "-o", str(output)]
    again += ["--from", start] if start else []
    for option, value in (("--minutes", minutes), ("--steps", steps), ("--threads", threads)):
        again += [option, f"{value:g}"] if value is not None else []
    again += ["--only", ",".join(only)] if only else []
    learn = partial(
        api.train,
        folder,
        output,
        start=start,
        minutes=minutes,
        steps=steps,
        collections=split_names(only) or None,
        seed=seed,
        threads=threads,
        **settings,
    )
    if os.environ.get("RANK", "0") != "0":
        learn()  # of the processes that torchrun starts, the first tells what all of them do
        return
    with resumable(again) as noting, _bars() as (show_scanned, step):
        model = learn(scanned=show_scanned, watch=noting(step), say=say)
    out.print(str(model), markup=False)
    say(f"Compose with it: ritornello compose -m {shlex.quote(str(output))}")


@contextmanager
def _bars() -> Iterator[tuple[Callable[[int, int], None], Callable[[Step], None]]]:
    """A bar for reading the folder, then one for learning, with the time that is left."""
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[text]}"))
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bars:
        reading = bars.add_task("Reading", total=None, text="")
        learning = bars.add_task("Learning", total=1.0, text="", visible=False)

        def show_scanned(done: int, total: int) -> None:
            text = f"{done:,} of {total:,} files"
            bars.update(reading, completed=done, total=total, text=text, visible=done < total)

        def step(state: Step) -> None:
            best = state.best_nats_per_note
            held_out = f" (held out {best:.3f})" if best else ""
            left = clock(state.seconds_left)
            text = (
                f"{state.nats_per_note:.3f} nats a note{held_out}, "
                f"{state.notes_per_second:,.0f} notes a second, {left} left"
            )
            bars.update(reading, visible=False)
            bars.update(learning, visible=True, completed=state.done, text=text)

        yield show_scanned, step


def evaluate(
    model: str,
    folder: Annotated[Path, Parameter(help=MUSIC_FOLDER_HELP)],
    /,
    *,
    split: Split = "all",
    only: Names = (),
    controls: Literal["open", "given"] = "open",
    json: Flag = False,
) -> None:
    """Measure how well a model predicts the music in a folder, in nats a note; less is better.

    Parameters
    ----------
    model
        A model's name, or the folder that `ritornello train` wrote.
    split
        Which pieces count: all, or those that training on this very folder held back (valid).
    only
        Names of sub-folders to use, by default all.
    controls
        Whether the model knows key, density and instruments (given) or none of them (open).
    json
        Print the result for programs.
    """
    from ritornello import api

    with progress("Reading") as show_scanned, progress("Listening") as watch:
        figures = api.evaluate(
            model,
            folder,
            split=split,
            collections=split_names(only) or None,
            controls=controls,
            scanned=show_scanned,
            watch=watch,
        )
    if json:
        print_json(figures)
    else:
        _print_figures(figures)


def _print_figures(figures: JsonObject) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("")
    for column in ("nats a note", "a beat", "bigram", "unigram", "notes", "pieces"):
        table.add_column(column, justify="right")
    rows = {"all": figures}
    if len(figures["collections"]) > 1:
        rows |= figures["collections"]
    for name, row in rows.items():
        nats = ("nats_per_note", "nats_per_beat", "bigram_nats_per_note", "unigram_nats_per_note")
        cells = [f"{row[key]:.3f}" for key in nats]
        table.add_row(escape(name), *cells, f"{row['notes']:,}", f"{row['pieces']:,}")
    out.print(table)
    fields = ", ".join(f"{name} {nats:.3f}" for name, nats in figures["fields"].items())
    out.print(f"Nats a note by field: {fields}")
