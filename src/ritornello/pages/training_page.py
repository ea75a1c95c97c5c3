"""The page of a training run: its figures so far in, one self-contained HTML page out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from markupsafe import Markup

from ritornello.pages.charts import Curve, Shape, line_chart, smoothed, strip
from ritornello.pages.numbers import nats
from ritornello.pages.rendering import render


@dataclass(frozen=True)
class Validation:
    """One scoring of the validation split.

    Attributes:
        step, seconds: of the run when it was made. notes: how many were scored.
        nats_per_note: of all notes. fields, collections: the same by field and by collection.
    """

    step: int
    seconds: float
    notes: float
    nats_per_note: float
    fields: dict[str, float]
    collections: dict[str, float]


@dataclass(frozen=True)
class History:
    """A run so far. What its journal does not tell is NaN.

    Attributes:
        steps: numbers of the steps, ascending [steps], at least one.
        figures: ``seconds``, ``notes``, ``nats_per_note``, ``learning_rate`` and
            ``gradient_norm`` after each step [steps].
        fields: nats per note of each field of the note [steps].
        validations: ascending by step; none if there was nothing to validate on.
        shapes: by parameter, histograms of its ``weight`` and its ``gradient``, ascending by step.
        unread: lines of the journal that could not be used.
    """

    steps: np.ndarray
    figures: dict[str, np.ndarray]
    fields: dict[str, np.ndarray]
    validations: list[Validation]
    shapes: dict[str, dict[str, list[Shape]]]
    unread: int

    @property
    def best(self) -> Validation | None:
        """The validation with the fewest nats per note: the one whose weights were kept."""
        return min(self.validations, key=lambda one: one.nats_per_note, default=None)


@dataclass(frozen=True)
class RunSample:
    """A piece composed on the way: the files of its sound and, if there is one, of its notes."""

    title: str
    sound: Path
    midi: Path


@dataclass(frozen=True)
class TrainingPage:
    """What the page shows.

    Attributes:
        title: of the page.
        history: of the run.
        meanings: of the fields of a note, in a few words.
        roles: what each parameter in ``history.shapes`` does, where that is known.
        samples: newest first. others: how many more are in ``samples_folder``.
        most_gradient_norm: to which longer gradients are shortened, if they are.
        settings: of the best model, in groups: caption -> name -> value.
    """

    title: str
    history: History
    meanings: Mapping[str, str]
    roles: Mapping[str, str]
    samples: Sequence[RunSample]
    others: int
    samples_folder: str
    most_gradient_norm: float | None
    settings: Mapping[str, Mapping[str, str]]


def training_html(page: TrainingPage) -> str:
    """The page as one HTML document that needs no other file.

    Raises:
        OSError: if a sound cannot be read.
    """
    history = page.history
    best, notes = history.best, history.figures["notes"]
    return render(
        "training_page.html.jinja",
        title=page.title,
        page=page,
        history=history,
        best=best,
        last=history.validations[-1] if best else None,
        # A fair choice among n costs log(n) nats.
        choices=math.exp(min(best.nats_per_note, 50)) if best else None,
        broken=int((~np.isfinite(history.figures["nats_per_note"])).sum()),
        now={
            "nats": smoothed(history.figures["nats_per_note"])[-1],
            "notes": float(notes[-1]),
            "seconds": float(history.figures["seconds"][-1]),
        },
        tables={
            "fields": _field_table(history),
            "collections": _collection_table(history),
            "validations": _validation_table(history),
        },
        losses=_loss_charts(history),
        fields={name: _field_chart(history, name) for name in history.fields},
        optimiser=_optimiser_charts(history, page.most_gradient_norm),
        layers={name: _strips(shapes) for name, shapes in history.shapes.items()},
        shown_steps=_shown_steps(history),
    )


# --- tables, in nats per note ------------------------------------------------------------------


class _Table(NamedTuple):
    """Titles of columns, and rows of cells; the first cell names its row."""

    head: list[str]
    rows: list[list[str]]


def _field_table(history: History) -> _Table:
    """Each field at the best and the last validation, if there is one, and in training by now."""
    rows = []
    validations = [history.best, history.validations[-1]] if history.best else []
    for name, losses in history.fields.items():
        scores = [one.fields.get(name) for one in validations if one]
        rows.append([name, *map(nats, [*scores, smoothed(losses)[-1]])])
    return _Table(["field", *(["best", "last"] if history.best else []), "training"], rows)


def _collection_table(history: History) -> _Table:
    """Each collection at the best and at the last validation, the best known first."""
    rows = []
    if history.best:
        best, last = history.best.collections, history.validations[-1].collections
        names = sorted(best, key=best.__getitem__)
        rows = [[name, nats(best[name]), nats(last.get(name))] for name in names]
    return _Table(["collection", "best", "last"], rows)


def _validation_table(history: History) -> _Table:
    rows = []
    for one in history.validations:
        losses = [one.nats_per_note, *(one.fields.get(name) for name in history.fields)]
        rows.append([f"{one.step:,}", f"{one.seconds / 60:,.1f}", *map(nats, losses)])
    return _Table(["step", "minutes", "all", *history.fields], rows)


# --- curves ------------------------------------------------------------------------------------


def _curves(x: np.ndarray, y: np.ndarray, marks: Sequence[tuple[float, float]]) -> list[Curve]:
    """Training, raw and smoothed, and validation."""
    points = np.array(marks, float).reshape(-1, 2)
    return [
        Curve(x, y, "raw"),
        Curve(x, smoothed(y), "smooth"),
        Curve(points[:, 0], points[:, 1], "marked"),
    ]


def _loss_charts(history: History) -> list[Markup]:
    """The loss over steps and over minutes."""
    losses, minutes = history.figures["nats_per_note"], history.figures["seconds"] / 60
    by_step: list[tuple[float, float]] = [
        (one.step, one.nats_per_note) for one in history.validations
    ]
    by_minute = [(one.seconds / 60, one.nats_per_note) for one in history.validations]
    return [
        line_chart(_curves(x, losses, marks), x_name=x_name, y_name="nats per note")
        for x, marks, x_name in (
            (history.steps, by_step, "steps"),
            (minutes, by_minute, "minutes"),
        )
    ]


def _field_chart(history: History, name: str) -> Markup:
    marks: list[tuple[float, float]] = [
        (one.step, one.fields.get(name, math.nan)) for one in history.validations
    ]
    curves = _curves(history.steps, history.fields[name], marks)
    return line_chart(curves, x_name="steps", y_name="nats per note")


def _optimiser_charts(history: History, most_norm: float | None) -> dict[str, Markup]:
    """Learning rate, gradient norm and speed over steps."""
    steps, rate = history.steps, history.figures["learning_rate"]
    seconds, notes = history.figures["seconds"], history.figures["notes"]
    norm = history.figures["gradient_norm"]
    speed = np.diff(notes, prepend=0) / np.maximum(np.diff(seconds, prepend=0), 1e-9)
    norms = [Curve(steps, norm, "raw"), Curve(steps, smoothed(norm), "smooth")]
    if most_norm is not None:
        norms.append(Curve(steps[[0, -1]], np.full(2, most_norm), "limit"))
    speeds = [Curve(steps, speed, "raw"), Curve(steps, smoothed(speed), "smooth")]
    rates = [Curve(steps, rate, "smooth")]
    return {
        "rate": line_chart(rates, x_name="steps", y_name="learning rate", whole=True),
        "norm": line_chart(norms, x_name="steps", y_name="norm"),
        "speed": line_chart(speeds, x_name="steps", y_name="notes per second", whole=True),
    }


# --- histograms --------------------------------------------------------------------------------


class _Strip(NamedTuple):
    """Histograms over the run of the values of a parameter, or of its gradient."""

    kind: str
    picture: Markup
    reach: float


def _strips(shapes: Mapping[str, Sequence[Shape]]) -> list[_Strip]:
    return [_Strip(kind, *strip(found)) for kind, found in shapes.items() if found]


def _shown_steps(history: History) -> tuple[int, int] | None:
    """The first and the last step of which there are histograms."""
    steps = [
        shape.step
        for kinds in history.shapes.values()
        for shapes in kinds.values()
        for shape in shapes
    ]
    return (min(steps), max(steps)) if steps else None
