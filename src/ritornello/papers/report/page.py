"""The report of the published systems: one HTML page, all of them side by side with ours.

`system` gathers what is shown of one system, `samples` its music, `scorecard` the benchmarks. The
words and the markup are in the folder ``templates``; the page needs no other file and no network.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ritornello.atomic import atomic_write
from ritornello.pages.rendering import render
from ritornello.papers.report.scorecard import read_scores
from ritornello.papers.report.system import system_view
from ritornello.papers.shared.outcome import Outcome
from ritornello.papers.shared.recipe import load_recipe
from ritornello.papers.systems import SYSTEMS

_TITLE = "Five published systems, run beside our own model"
_SOUND_BYTES = 8_000_000  # of all systems; four thirds of it as text


def write_report(
    runs: Sequence[tuple[Path, Outcome]],
    path: Path,
    *,
    benchmarks: Path | None = None,
    overwrite: bool = False,
) -> Path:
    """Write the page.

    Args:
        runs: the folder of each run, and its outcome.
        path: of the page. overwrite: replace a file that is there.
        benchmarks: a folder of results of `ritornello benchmark`, for the scorecard.

    Returns:
        The path.

    Raises:
        InputError: if there is no folder of benchmarks.
        OutputError: if the file exists or cannot be written.
    """
    known = {outcome.id: (folder, outcome) for folder, outcome in runs}
    recipes = {name: load_recipe(name) for name in SYSTEMS}
    systems = [
        system_view(recipes[name], *known[name], _SOUND_BYTES // len(known))
        for name in SYSTEMS
        if name in known
    ]
    html = render(
        "published_systems.html.jinja",
        room="ritornello.papers.report",
        title=_TITLE,
        recipes=recipes,
        views={view.outcome.id: view for view in systems},
        seconds=sum(outcome.seconds for _, outcome in known.values()),
        scorecard=None if benchmarks is None else read_scores(benchmarks),
    )
    with atomic_write(path, overwrite=overwrite) as temporary:
        temporary.write_text(html, encoding="utf-8", errors="replace")
    return path
