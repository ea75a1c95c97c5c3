"""The published systems and benchmarks: running them, and the page that shows what came out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from os import PathLike
from pathlib import Path

from ritornello.atomic import refuse_existing
from ritornello.errors import InputError
from ritornello.json_values import JsonObject
from ritornello.papers.shared.outcome import OUTCOME_FILE, Outcome
from ritornello.papers.shared.recipe import Budget, Recipe, load_recipe
from ritornello.papers.systems import SYSTEMS


def list_papers() -> list[Recipe]:
    """The published systems that can be run: what each does, wants and takes."""
    return [load_recipe(system) for system in SYSTEMS]


def run_papers(
    systems: Iterable[str],
    folder: str | PathLike[str] = "papers",
    *,
    budget: Budget = "tiny",
    data: str | PathLike[str] | None = None,
    seed: int = 0,
    threads: int | None = None,
    changes: Mapping[str, str] | None = None,
    overwrite: bool = False,
    say: Callable[[str], None] = lambda sentence: None,
    failed: Callable[[str, Exception], None] | None = None,
) -> dict[str, Outcome]:
    """Run systems one after the other: data, training, generation, figures.

    Args:
        systems: ids, see `list_papers`. folder: gets a folder for each.
        budget: how much of each: "tiny", "small", or "full" as published.
        data: the user's own, in the format that the authors used; by default a stand-in.
        seed: of everything random. threads: processors to use, by default all.
        changes: settings to replace, name -> value as text: {"tasks": "melody"}.
        overwrite: run again what was run into this folder before.
        say: called with a sentence on what is going on.
        failed: called with a system and why it could not be run, and the others follow; by
            default the first failure is raised.

    Returns:
        What each system that ran leaves behind; it is also kept in its folder.

    Raises:
        MissingExtraError: without the extra ``train``.
        ConfigError: if no system has an id. InputError: if data is missing or of no use.
        OutputError: if the system was run into the folder before.
    """
    from ritornello.training.learning import require_torch

    require_torch()
    from ritornello.papers.shared.run import run_study

    found = {}
    for system in [load_recipe(system).id for system in systems]:
        own = Path(folder) / system
        try:
            refuse_existing(own / OUTCOME_FILE, overwrite)
            found[system] = run_study(
                system,
                own,
                budget=budget,
                data=None if data is None else Path(data),
                seed=seed,
                threads=threads,
                changes=changes,
                say=say,
            )
        except Exception as error:
            if failed is None:
                raise
            failed(system, error)
    return found


def report_papers(
    folder: str | PathLike[str] = "papers",
    path: str | PathLike[str] = "papers.html",
    *,
    scorecard: str | PathLike[str] | None = None,
    overwrite: bool = False,
) -> Path:
    """Write one HTML page on all systems that were run into a folder, beside our own model.

    Args:
        folder: of `run_papers`. path: of the page. overwrite: replace a page that is there.
        scorecard: a folder with results of `ritornello benchmark`, to be shown too.

    Returns:
        The path.

    Raises:
        InputError: if nothing was run into the folder, or a result is damaged.
        OutputError: if the page exists or cannot be written.
    """
    from ritornello.papers.report.page import write_report

    refuse_existing(Path(path), overwrite)
    folders = [Path(folder) / system for system in SYSTEMS]
    ran = [own for own in folders if (own / OUTCOME_FILE).is_file()]
    if not ran:
        raise InputError(
            "No published system was run into this folder.",
            where=str(folder),
            next_step="Run them: ritornello papers run all -o FOLDER",
        )
    return write_report(
        [(own, Outcome.load(own)) for own in ran],
        Path(path),
        benchmarks=None if scorecard is None else Path(scorecard),
        overwrite=overwrite,
    )


def run_benchmark(
    name: str,
    folder: str | PathLike[str] = "scorecard",
    *,
    minutes: float | None = None,
    seeds: Sequence[int] = (0, 1, 2),
    jobs: int | None = None,
    say: Callable[[str], None] = lambda sentence: None,
) -> JsonObject:
    """Train our frame model on a published benchmark and score its test split.

    Args, result and errors are those of `ritornello.papers.polyphony.measure.run_benchmark`.

    Raises:
        MissingExtraError: without the extra ``train``.
    """
    from ritornello.training.learning import require_torch

    require_torch()
    from ritornello.papers.polyphony import measure as benchmark

    return benchmark.run_benchmark(
        name, Path(folder), minutes=minutes, seeds=seeds, jobs=jobs, say=say
    )
