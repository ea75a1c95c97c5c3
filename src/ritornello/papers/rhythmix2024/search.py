"""The search of `rhythmix2024`: learning rate and batch size, each tried for the same minutes."""

from __future__ import annotations

from ritornello.json_values import JsonObject
from ritornello.papers.shared.outcome import Chart, Table
from ritornello.papers.shared.search import Range, Space, Trial

LEARNING_RATES = Range(3e-4, 3e-2)
BATCHES = (4, 8, 16, 32, 64)
SPACE: Space = {"learning_rate": LEARNING_RATES, "batch": BATCHES}
DEFAULT: JsonObject = {"learning_rate": 1e-3, "batch": 32}  # those of common libraries


def trials_table(trials: list[Trial], minutes: float) -> Table:
    """All trials in the order they were made."""
    rows = [
        [
            number,
            *trial.settings.values(),
            trial.best,
            f"given up after {len(trial.nats_per_note)} validations" if trial.pruned else "whole",
        ]
        for number, trial in enumerate(trials, 1)
    ]
    return Table(
        "Search over learning rate and batch size",
        ["trial", "learning rate", "batch", "nats a note on validation", "run"],
        rows,
        f"{minutes:g} minutes a trial; the first has the defaults. Whole trials are compared by "
        "their best validation.",
    )


def trials_chart(trials: list[Trial], minutes: float, validations: int) -> Chart:
    """A line a trial, over its minutes."""
    return Chart(
        "Trials of the search",
        "minutes",
        "nats a note on validation",
        {
            f"{rate:.2g}, batch {batch}": (
                [minutes * (number + 1) / validations for number in range(len(nats))],
                [*nats],
            )
            for rate, batch, nats in ((*t.settings.values(), t.nats_per_note) for t in trials)
        },
    )
