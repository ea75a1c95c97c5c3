"""`ritornello separate` and `train-separator`: a mix in, its parts out."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter
from rich.progress import BarColumn, Progress, TextColumn

from ritornello.cli.choices import StemFormat
from ritornello.cli.options import AnyWhole, Flag, Whole
from ritornello.cli.show import clock, err, out, print_json, progress, resumable, say
from ritornello.cli.streams import read_from

if TYPE_CHECKING:
    from ritornello.separate.training import SeparatorProgress as Step

BUNDLED = "bundled"


def separate(
    recording: Path,
    /,
    *,
    output: Annotated[Path, Parameter(alias="-o")] = Path("stems"),
    model: Annotated[Path | None, Parameter(alias="-m")] = None,
    format: Annotated[StemFormat, Parameter(alias="-f")] = "wav",
    overwrite: Flag = False,
    json: Flag = False,
) -> None:
    """Take a recording apart: bass, drums, piano and the rest.

    The stems have the rate and the length of the recording, and sum to it.

    Parameters
    ----------
    recording
        A sound file of any length, or - for standard input.
    output
        Folder for the stems.
    model
        What `ritornello train-separator` wrote, by default the separator that ships with it.
    format
        Of the stems: wav (32-bit floating point) or flac (24 bits).
    overwrite
        Replace files that are there.
    json
        Print the result for programs.
    """
    from ritornello import api

    with read_from(recording) as source, progress("Separating") as watch:
        made = api.separate(
            source,
            output,
            model=model,
            suffix=f".{format}",
            overwrite=overwrite,
            progress=watch,
        )
    for finding in made.findings:
        say(f"Note: {finding.sentence}")
    if json:
        stems = {part: str(path) for part, path in made.stems.items()}
        findings = {finding.name: finding.value for finding in made.findings}
        print_json(
            {"stems": stems, "duration_seconds": made.duration_seconds, "findings": findings}
        )
    else:
        for path in made.stems.values():
            out.print(str(path), markup=False)


def train_separator(
    folder: Path,
    /,
    *,
    output: Annotated[Path, Parameter(alias="-o")],
    minutes: float = 30.0,
    start: Annotated[str | None, Parameter(name="--from")] = None,
    seed: Whole = 0,
    threads: AnyWhole = None,
) -> None:
    """Learn to take recordings apart, from songs whose stems or notes you have.

    Run it again with the same output folder to go on where it stopped. Needs the extra: pip install
    'ritornello[train]'

    Parameters
    ----------
    folder
        With a folder of stems for each song, such as bass.wav and drums.wav, or with MIDI files.
    output
        Folder for the separator.
    minutes
        Time to learn.
    start
        A separator to begin with: "bundled" or a path; by default it begins from nothing.
    seed
        The same seed and songs give the same mixes to learn from.
    threads
        Processors to use, by default all.
    """
    from ritornello import api

    begin = None
    if start is not None:
        begin = api.load_separator(None if start == BUNDLED else start)
    again = ["ritornello", "train-separator", str(folder), "-o", str(output)]
    again += ["--minutes", f"{minutes:g}", "--seed", str(seed)]
    again += ["--from", start] if start is not None else []
    with resumable(again) as noting, _bar() as (read, step):
        path = api.train_separator(
            folder,
            output,
            minutes=minutes,
            start=begin,
            seed=seed,
            threads=threads,
            read=read,
            watch=noting(step),
            say=say,
        )
    out.print(str(path), markup=False)
    say(f"Use it: ritornello separate song.mp3 -m {shlex.quote(str(output))} -o stems/")


@contextmanager
def _bar() -> Iterator[tuple[Callable[[int], None], Callable[[Step], None]]]:
    """What to call with songs read, and after each step; shows the time that is left."""
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[text]}"))
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bars:
        task = bars.add_task("Reading", total=None, text="")

        def read(songs: int) -> None:
            bars.update(task, text=f"{songs:,} songs")

        def step(state: Step) -> None:
            gained = f", {state.curve[-1].mean_gained_db:+.1f} dB" if state.curve else ""
            left = clock(state.seconds_left)
            text = f"loss {state.loss:.3f}{gained}, {left} left"
            bars.update(task, description="Learning", total=1.0, completed=state.done, text=text)

        yield read, step
