"""The report of the published systems: one HTML page, all of them side by side with ours.

`report_system` shows one system, `report_samples` its music, `scorecard` the benchmarks; the page
itself is of `ritornello.pages.page` and needs no other file and no network.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from ritornello.atomic import atomic_write
from ritornello.pages.page import number, page, stacked, text
from ritornello.papers.report import scorecard
from ritornello.papers.report.system import duration, measured, section
from ritornello.papers.shared.outcome import Figure, Outcome
from ritornello.papers.shared.recipe import load_recipe
from ritornello.papers.systems import SYSTEMS

_TITLE = "Five published systems, run beside our own model"
_SOUND_BYTES = 8_000_000  # of all systems; four thirds of it as text
_STYLE = """
h3 { margin: 1.5rem 0 .25rem; } h4 { margin: 0 0 .25rem; font-size: .95rem; }
h4 small { font-weight: 400; color: var(--soft); } ul { margin: .25rem 0 .9rem; max-width: 46rem;
  padding-left: 1.25rem; } li { margin: .15rem 0; overflow-wrap: anywhere; }
nav { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; margin: 1rem 0; }
code { overflow-wrap: anywhere; font-size: .9em; }
ul.beside { list-style: none; margin: 0; padding: 0; } .stack .beside small { display: inline; }
.system { border-top: 1px solid var(--line); margin-top: 2.5rem; }
.roll { display: block; width: 100%; min-width: 34rem; background: #fff; }
@media print { .roll { min-width: 0; } nav { display: none; }
  .system { break-before: page; border: 0; }
  details::details-content { content-visibility: visible; height: auto; } }
"""


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
    outcomes = {name: outcome for name, (_, outcome) in known.items()}
    sections = [
        _beginning(known),
        _navigation(known, benchmarks is not None),
        _overview(outcomes),
        "" if benchmarks is None else scorecard.section(benchmarks),
        _wishes(outcomes),
        *(
            section(load_recipe(name), *known[name], _SOUND_BYTES // len(known))
            for name in SYSTEMS
            if name in known
        ),
    ]
    with atomic_write(path, overwrite=overwrite) as temporary:
        html = page(_TITLE, sections, style=_STYLE)
        temporary.write_text(html, encoding="utf-8", errors="replace")
    return path


def _beginning(known: Mapping[str, tuple[Path, Outcome]]) -> str:
    seconds = sum(outcome.seconds for _, outcome in known.values())
    return (
        f"<p>{len(known)} of {len(SYSTEMS)} systems were run from their recipes, in "
        f"{duration(seconds)} altogether. <b>Published</b> is what the authors report, <b>here</b> "
        "what the system gave when it was run for this page, <b>ours</b> what the note model of "
        "ritornello gives on the same music. A figure means little alone: each has trivial or "
        "ideal values beside it.</p>"
    )


def _navigation(known: Mapping[str, object], scored: bool) -> str:
    places = [("overview", "Overview"), *([("scorecard", "Scorecard")] if scored else [])]
    places += [("wishes", "What was asked for next")]
    places += [(name, name) for name in SYSTEMS if name in known]
    links = (f'<a href="#{key}">{title}</a>' for key, title in places)
    return f"<nav>{''.join(links)}</nav>"


# --- all systems together ----------------------------------------------------------------------


def _overview(outcomes: Mapping[str, Outcome]) -> str:
    head = ["system", "ran", "data", "key figure", "published", "here", "baseline", "ours"]
    rows = [_overview_row(name, outcomes.get(name)) for name in SYSTEMS]
    table = stacked([*head, "compared"], rows)
    return f'<section id="overview"><h2>Overview</h2>{table}</section>'


def _overview_row(name: str, outcome: Outcome | None) -> list[str]:
    recipe = load_recipe(name)
    if outcome is None:
        again = f"<small>ritornello papers run {text(name)}</small>"
        return [text(name) + again, '<span class="name">not yet</span>', *["–"] * 6, "no"]
    figure = outcome.key_figure or Figure("–", None)
    beside, value = next(iter(figure.baselines.items()), ("", None))
    return [
        f'<a href="#{text(name)}">{text(name)}</a><small>{text(recipe.does)}</small>',
        f"yes<small>{text(outcome.budget)}, {duration(outcome.seconds)}</small>",
        "stand-in" if outcome.stand_in else "as the authors'",
        text(figure.name),
        *(measured(v, figure.unit) for v in (figure.published, figure.value)),
        f"{number(value)}<small>{text(beside)}</small>" if beside else "–",
        measured(figure.ours, figure.unit),
        "yes" if outcome.is_compared else "no",
    ]


def _wishes(outcomes: Mapping[str, Outcome]) -> str:
    rows = [
        [text(wish), f'<span class="name">{text(name)}</span>', text(answer)]
        for name in SYSTEMS
        if name in outcomes
        for wish, answer in outcomes[name].wishes.items()
    ]
    table = stacked(["wish", "of", "how our model answers"], rows)
    return (
        '<section id="wishes"><h2>What their authors asked for next</h2><p>Each wish with a '
        f'measurement on our model, or "not yet".</p>{table}</section>'
    )
