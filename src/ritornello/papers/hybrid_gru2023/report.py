"""The two tables of each task of `hybrid-gru2023`: what is foreseen, and what is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from ritornello.metrics.similarity import COSINES, mean_cosines
from ritornello.papers.hybrid_gru2023.encoding import PITCH
from ritornello.papers.hybrid_gru2023.jobs import BARS, OURS, Learned, pick
from ritornello.papers.hybrid_gru2023.measure import (
    Figures,
    even_steps,
    repetition,
    struck_together,
)
from ritornello.papers.shared.outcome import Table
from ritornello.papers.shared.study import Study

COMPARED_NOTES = 100  # of each piece, for cosines
_NOISE = (48, 84)  # from C3 up to below C6


def foreseen_table(
    task: str, ran: Sequence[Learned], trivial: dict[str, Figures], study: Study
) -> Table:
    """A row for each predictor of a task; under the first task also what was printed."""
    columns = [
        "network", "pitch nats", "pitch accuracy %", "step loss", "duration loss", "loss",
        "step error", "duration error", "nats a note", "parameters", "updates", "epochs",
        "seconds",
    ]  # fmt: skip
    rows: list[list[Any]] = [
        [name, *_numbers(figures, study), *["-"] * 4] for name, figures in trivial.items()
    ]
    rows += [
        [
            item.cell,
            *_numbers(item.figures, study),
            item.parameters,
            item.updates,
            round(item.epochs, 1),
            round(item.seconds, 1),
        ]
        for item in ran
    ]
    if task == next(iter(study.settings["tasks"])):
        printed = study.recipe.figures
        losses = [printed[name] for name in ("step_loss", "duration_loss", "loss")]
        rows.append(["printed, on LPD-5", printed["pitch_loss"], "-", *losses, *["-"] * 7])
    ours = pick(ran, task, OURS)
    return Table(
        f"{task.capitalize()}: what is foreseen of held-out notes",
        columns,
        rows,
        note="Losses of step and duration are squared beats, errors are beats; the loss is "
        "0.05 pitch + step + duration. The unigram's step and duration are one constant. Nats a "
        "note are of all three fields on one grid. Ours foresees pitch and step from the past "
        f"alone, as the others do (knowing its own step: {ours.knowing_nats:.3f} nats a pitch), "
        "and the duration knowing its own step and pitch; its nats a note do not depend on that "
        "order.",
    )


def _numbers(figures: Figures, study: Study) -> list[Any]:
    """The columns of a predictor, from pitch nats to nats a note."""
    values = asdict(figures)
    shown = {name: "-" if value is None else round(value, 4) for name, value in values.items()}
    return [
        shown["pitch_nats"],
        round(100 * figures.accuracy, 1),
        shown["step_squared"],
        shown["duration_squared"],
        "-" if (total := weighted_loss(figures, study)) is None else round(total, 4),
        shown["step_absolute"],
        shown["duration_absolute"],
        shown["total_nats"],
    ]


def weighted_loss(figures: Figures, study: Study) -> float | None:
    """The published loss, where there are all its parts."""
    if figures.step_squared is None or figures.duration_squared is None:
        return None
    weights = study.settings["loss_weights"]
    result: float | None = (
        weights["pitch"] * figures.pitch_nats
        + weights["step"] * figures.step_squared
        + weights["duration"] * figures.duration_squared
    )
    return result


def written_table(task: str, ran: Sequence[Learned], held_out: Sequence[np.ndarray]) -> Table:
    """A row for real pieces, for noise, and for each network with its pitches drawn or argmaxed."""
    real = [rows for rows in held_out if len(rows)]
    even = len(real) // 2
    rows: list[list[Any]] = [
        ["real, half against half", *alike(real[:even], real[even:]), *_habits(real)],
        ["random pitches 48-83", *alike(noise(len(real)), real), *["-"] * 4],
    ]
    for item in ran:
        written = {"drawn": item.sampled, "likeliest": item.argmaxed}
        for how, pieces in written.items():
            if pieces := [piece for piece in pieces if len(piece)]:
                label = OURS if item.cell == OURS else f"{item.cell}, {how}"
                rows.append([label, *alike(pieces, real), *_habits(pieces)])
    return Table(
        f"{task.capitalize()}: what is written",
        [
            "by",
            *(f"cosine, {name}" for name in COSINES),
            "in a loop %",
            "pitches",
            "even steps %",
            "struck together %",
        ],
        [[value if isinstance(value, str) else round(value, 3) for value in row] for row in rows],
        note=f"{len(ran[0].sampled)} pieces of {BARS} bars each. Cosines are averages over all "
        "pairs of a written and a held-out piece: of raw pitches (as published), of pitches from "
        "their mean, of pitch classes from their mean. In a loop: share of notes in the longest "
        "stretch that goes round three times or more. Even steps: sixteenths and triplet eighths.",
    )


def pitches(pieces: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The first `COMPARED_NOTES` pitches of each piece."""
    return [rows[:COMPARED_NOTES, PITCH] for rows in pieces]


def alike(pieces: Sequence[np.ndarray], others: Sequence[np.ndarray]) -> list[float]:
    """Each of `COSINES`, averaged over all pairs of a piece of one group and one of the other."""
    return [*mean_cosines(pitches(pieces), pitches(others)).values()]


def _habits(pieces: Sequence[np.ndarray]) -> list[float]:
    repeated = repetition(pieces)
    return [
        100 * repeated["in_loop"],
        repeated["pitches"],
        100 * even_steps(pieces),
        100 * struck_together(pieces),
    ]


def noise(count: int) -> list[np.ndarray]:
    """As many pieces of evenly random pitches from C3 to B5, rows [notes, 3] without time."""
    rows = np.zeros((count, COMPARED_NOTES, 3))
    rows[..., PITCH] = np.random.default_rng(0).integers(*_NOISE, rows.shape[:2])
    return list(rows)
