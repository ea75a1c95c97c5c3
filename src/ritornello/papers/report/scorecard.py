"""Results of `ritornello benchmark` for the report: a folder of JSON files in, scores out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ritornello.errors import InputError


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

    @property
    def values(self) -> list[tuple[str, float]]:
        """(model, value) of every model there is, the worst first."""
        ours = {
            "ours, mean of the seeds": self.mean,
            "ours, even mixture of the seeds": self.mixture,
            "ours, all nats on the notes that change": self.changes,
        }
        values = {**self.baselines, **self.published, **_values(ours)}
        return sorted(values.items(), key=lambda pair: -pair[1])


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
