"""Results of `ritornello benchmark`, kept as one JSON file each, as a table of the report."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ritornello.errors import InputError
from ritornello.pages.page import number, stacked, table, text


@dataclass(frozen=True)
class Scores:
    """One benchmark.

    Attributes:
        benchmark: name of the data. unit: of all values; lower is better.
        mean: over the seeds. seeds: the value of each. mixture: of the seeds, as one model.
        changes: nats a note that changes, where most only go on.
        target, best_known: to be reached. published, baselines: values by model.
        protocol: how it is measured. command: to have it again. minutes: what it took.
    """

    benchmark: str
    unit: str = "nats"
    mean: float | None = None
    seeds: tuple[float, ...] = ()
    mixture: float | None = None
    changes: float | None = None
    target: float | None = None
    best_known: float | None = None
    published: dict[str, float] = field(default_factory=dict)
    baselines: dict[str, float] = field(default_factory=dict)
    protocol: str = ""
    command: str = ""
    minutes: float | None = None


def read_scores(folder: Path) -> tuple[list[Scores], list[str]]:
    """The results in a folder by name of the file, and a sentence on each file that is none.

    Raises:
        InputError: if there is no such folder.
    """
    if not folder.is_dir():
        raise InputError(
            "There is no such folder of benchmark results.",
            where=str(folder),
            next_step="Make one: ritornello benchmark jsb -o FOLDER",
        )
    found, problems = [], []
    for path in sorted(folder.glob("*.json")):
        try:
            found.append(_scores(json.loads(path.read_text(encoding="utf-8"))))
        except (OSError, ValueError, TypeError, AttributeError) as error:
            problems.append(f"{path.name} is no result of a benchmark: {error}.")
    return found, problems


def _scores(facts: Mapping[str, Any]) -> Scores:
    if "benchmark" not in facts:
        raise ValueError("it names no benchmark")
    nats = facts.get("nats", {})
    seeds = tuple(float(value) for value in nats.get("seeds", ()))
    mean = nats.get("mean", sum(seeds) / len(seeds) if seeds else None)
    published = _values(facts.get("published", {}))
    best = _value(facts.get("best_known", min(published.values(), default=None)))
    return Scores(
        benchmark=str(facts["benchmark"]),
        unit=str(facts.get("unit", "nats")),
        mean=_value(mean),
        seeds=seeds,
        mixture=_value(facts.get("mixture")),
        changes=_value(facts.get("changes")),
        target=_value(facts.get("target")),
        best_known=best,
        published=published,
        baselines=_values(facts.get("baselines", {})),
        protocol=str(facts.get("protocol", "")),
        command=str(facts.get("command", "")),
        minutes=_value(facts.get("minutes")),
    )


def _value(value: Any) -> float | None:
    return None if value is None else float(value)


def _values(named: Mapping[str, Any]) -> dict[str, float]:
    return {str(name): float(value) for name, value in named.items() if value is not None}


def section(folder: Path) -> str:
    """The results in a folder, as HTML.

    Raises:
        InputError: if there is no such folder.
    """
    found, problems = read_scores(folder)
    warnings = "".join(f'<p class="warn">{text(problem)}</p>' for problem in problems)
    head = ["data", "here, mean", "seeds", "best known", "target", "time"]
    rows = stacked(head, map(_row, found)) if found else "<p>No benchmark was run.</p>"
    details = "".join(map(_details, found))
    return (
        '<section id="scorecard"><h2>Scorecard</h2><p>Exact likelihood of held-out music under our '
        "benchmark model: the fewer nats, the better. The distance is told beside each value to "
        f"reach.</p>{rows}{warnings}{details}</section>"
    )


def _row(scores: Scores) -> list[str]:
    minutes = "–" if scores.minutes is None else f"{scores.minutes:,.0f} min"
    return [
        f"{text(scores.benchmark)}<small>{text(scores.unit)}</small>",
        f"<b>{_places(scores.mean)}</b>",
        ", ".join(map(_places, scores.seeds)) or "–",
        _reached(scores.mean, scores.best_known),
        _reached(scores.mean, scores.target),
        minutes,
    ]


def _reached(value: float | None, goal: float | None) -> str:
    """A value to reach, and how far another is from it."""
    if value is None or goal is None:
        return _places(goal)
    verdict = "reached" if value <= goal else "not reached"
    return f"{_places(goal)}<small>{value - goal:+.3f}, {verdict}</small>"


def _places(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _details(scores: Scores) -> str:
    ours = {
        "ours, mean of the seeds": scores.mean,
        "ours, even mixture of the seeds": scores.mixture,
        "ours, all nats on the notes that change": scores.changes,
    }
    values = {**scores.baselines, **scores.published, **_values(ours)}
    rows = ([name, number(value)] for name, value in sorted(values.items(), key=_by_value))
    listed = table(["model", scores.unit], rows, caption="") if values else ""
    command = f"<p><code>{text(scores.command)}</code></p>" if scores.command else ""
    return (
        f"<details><summary>{text(scores.benchmark)}: protocol and other models</summary>"
        f"<p>{text(scores.protocol)}</p>{command}{listed}</details>"
    )


def _by_value(pair: tuple[str, float]) -> float:
    return -pair[1]
