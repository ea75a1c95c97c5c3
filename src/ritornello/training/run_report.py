"""The report of a training run: one HTML page that needs nothing else.

It is written again and again while the run goes on, from what lies in the run's folder: the
journal, the best model's description of itself, and the pieces composed on the way.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ritornello.atomic import atomic_write
from ritornello.errors import CheckpointError
from ritornello.note_model import checkpoint
from ritornello.note_model.encoding.notes import FIELDS
from ritornello.pages.charts import Curve, line_chart, smoothed, strip
from ritornello.pages.page import cards, count, grid, legend, nats, page, table, text
from ritornello.training.history import History, Validation, read_history
from ritornello.training.run_samples import players

# Not `report.html`: that is the ingest report of the same folder.
REPORT_FILE = "training.html"

_FIELD_MEANINGS = {
    "shift": "when the note starts",
    "part": "which instrument plays it",
    "pitch": "which tone or drum it is",
    "duration": "how long it lasts",
    "velocity": "how loud it is",
}


def write_report(folder: Path) -> Path:
    """Write the report of the run in a folder, in place of an earlier one.

    Args:
        folder: of a run, finished or not. What it lacks besides the journal (model, validation,
            histograms, samples) is left out of the report.

    Returns:
        The file, `REPORT_FILE` in the folder.

    Raises:
        InputError: if the folder has no journal, or no step in it.
        OutputError: if the report cannot be written.
    """
    history = read_history(folder)
    about = _description(folder)
    name = _mapping(about, "provenance").get("name") or folder.resolve().name
    sections = [
        _summary(history),
        _warnings(history),
        _cards(history),
        _loss(history),
        _fields(history),
        _collections(history),
        players(folder),
        _optimiser(history, about),
        _layers(history),
        _settings(about),
        _validations(history),
    ]
    path = folder / REPORT_FILE
    with atomic_write(path, overwrite=True) as temporary:
        temporary.write_text(
            page(f"Training of {name}", sections), encoding="utf-8", errors="replace"
        )
    return path


def _description(folder: Path) -> dict[str, Any]:
    """What the best model says of itself; nothing if there is none yet, or of another version."""
    try:
        return checkpoint.describe(checkpoint.find(folder))
    except CheckpointError:
        return {}


# --- figures -----------------------------------------------------------------------------------


def _summary(history: History) -> str:
    best = history.best
    if best is None:
        return '<p class="soft">Nothing was validated; the figures are of the training music.</p>'
    # A fair choice among n costs log(n) nats.
    choices = math.exp(min(best.nats_per_note, 50))
    return (
        f"<p>At its best the model is as unsure of the next note as of a fair choice among "
        f"<b>{choices:,.0f}</b> notes: {nats(best.nats_per_note)} nats per note, on "
        f"{count(best.notes)} notes it does not learn from. Fewer nats are better.</p>"
    )


def _warnings(history: History) -> str:
    found = []
    broken = int((~np.isfinite(history.figures["nats_per_note"])).sum())
    if broken:
        found.append(f"{broken:,} steps have no finite loss; they are gaps in the curves.")
    if history.unread:
        lines = "1 line" if history.unread == 1 else f"{history.unread:,} lines"
        found.append(f"{lines} of the journal could not be read and is not counted here.")
    return "".join(f'<p class="warn">{sentence}</p>' for sentence in found)


def _cards(history: History) -> str:
    seconds, notes = (float(history.figures[name][-1]) for name in ("seconds", "notes"))
    training = smoothed(history.figures["nats_per_note"])[-1]
    facts = []
    if history.best:
        for key, title, one in (
            ("best", "Best validation", history.best),
            ("last", "Last validation", history.validations[-1]),
        ):
            facts.append((key, title, nats(one.nats_per_note), f"nats per note, step {one.step:,}"))
    facts += [
        ("training", "Training now", nats(training), "nats per note, moving average"),
        ("notes", "Notes seen", count(notes), f"up to step {history.steps[-1]:,}"),
        ("minutes", "Time", f"{seconds / 60:,.1f} min", "of learning and validating"),
        ("speed", "Speed", count(notes / seconds if seconds else math.nan), "notes per second"),
    ]
    return cards(facts)


# --- curves ------------------------------------------------------------------------------------


def _curves(x: np.ndarray, y: np.ndarray, marks: Sequence[tuple[float, float]]) -> list[Curve]:
    """Training, raw and smoothed, and validation."""
    points = np.array(marks, float).reshape(-1, 2)
    return [
        Curve(x, y, "raw"),
        Curve(x, smoothed(y), "smooth"),
        Curve(points[:, 0], points[:, 1], "marked"),
    ]


def _key(history: History) -> str:
    looks = [("raw", "training, each step"), ("smooth", "training, moving average")]
    if history.validations:
        looks.append(("marked", "validation"))
    return legend(looks)


def _loss(history: History) -> str:
    losses, minutes = history.figures["nats_per_note"], history.figures["seconds"] / 60
    by_step = [(one.step, one.nats_per_note) for one in history.validations]
    by_minute = [(one.seconds / 60, one.nats_per_note) for one in history.validations]
    charts = [
        line_chart(_curves(x, losses, marks), x_name=x_name, y_name="nats per note")
        for x, marks, x_name in (
            (history.steps, by_step, "steps"),
            (minutes, by_minute, "minutes"),
        )
    ]
    return (
        "<h2>Loss</h2><p>How unsure the model is of the next note: the lower, the more it has "
        f"learned. The first step cost {nats(float(losses[0]))}; a steep beginning leaves the "
        "chart at its top. When validation rises while training falls, the model learns its "
        f"music by heart.</p>{_key(history)}{grid(charts, wide=True)}"
    )


def _fields(history: History) -> str:
    charts = []
    for name in FIELDS:
        marks = [(one.step, one.fields.get(name, math.nan)) for one in history.validations]
        curves = _curves(history.steps, history.fields[name], marks)
        chart = line_chart(curves, x_name="steps", y_name="nats per note")
        charts.append(f"<figure><h3>{name}: {_FIELD_MEANINGS[name]}</h3>{chart}</figure>")
    training = {name: smoothed(values)[-1] for name, values in history.fields.items()}
    return (
        "<h2>Loss of each field</h2><p>The loss of a note is the sum of the losses of its five "
        "fields: at the best and the last validation, and in training by now. Each chart has its "
        "own scale.</p>"
        + _best_and_last(history, "field", FIELDS, "fields", training)
        + _key(history)
        + grid(charts)
    )


def _collections(history: History) -> str:
    if not history.best or not history.best.collections:
        return ""
    names = sorted(history.best.collections, key=history.best.collections.__getitem__)
    rows = _best_and_last(history, "collection", names, "collections")
    return (
        "<h2>Loss of each collection</h2><p>The best and the last validation on the music of each "
        f"collection alone, from the music the model foresees best to the worst.</p>{rows}"
    )


def _best_and_last(
    history: History,
    label: str,
    names: Iterable[str],
    kind: str,
    training: Mapping[str, float] | None = None,
) -> str:
    """Nats per note at the best and at the last validation, and in training by now."""
    columns: list[tuple[str, Mapping[str, float]]] = []
    if history.best:
        columns = [
            ("best", getattr(history.best, kind)),
            ("last", getattr(history.validations[-1], kind)),
        ]
    if training is not None:
        columns.append(("training", training))
    head = [label, *(title for title, _ in columns)]
    rows = [[name, *(nats(found.get(name)) for _, found in columns)] for name in names]
    return table(head, rows, caption="nats per note")


def _optimiser(history: History, about: Mapping[str, Any]) -> str:
    rate, norm = history.figures["learning_rate"], history.figures["gradient_norm"]
    seconds, notes = history.figures["seconds"], history.figures["notes"]
    speed = np.diff(notes, prepend=0) / np.maximum(np.diff(seconds, prepend=0), 1e-9)
    steps = history.steps
    norms = [Curve(steps, norm, "raw"), Curve(steps, smoothed(norm), "smooth")]
    limit = _mapping(_mapping(_mapping(about, "provenance"), "training"), "config").get("clip")
    clipped = ""
    if isinstance(limit, int | float):
        norms.append(Curve(steps[[0, -1]], np.full(2, float(limit)), "limit"))
        clipped = f" Gradients longer than {limit:g}, the dotted line, are shortened to it."
    charts = [
        _figure(
            "Learning rate",
            [Curve(steps, rate, "smooth")],
            "learning rate",
            "How far each step goes: it warms up, then falls to end gently.",
            whole=True,
        ),
        _figure(
            "Gradient norm",
            norms,
            "norm",
            f"How strongly each batch pulls at the weights; peaks mean surprises.{clipped}",
        ),
        _figure(
            "Speed",
            [Curve(steps, speed, "raw"), Curve(steps, smoothed(speed), "smooth")],
            "notes per second",
            "Notes learned from each second; the dips hold a validation.",
            whole=True,
        ),
    ]
    return f"<h2>Optimiser</h2>{grid(charts)}"


def _figure(
    title: str, curves: list[Curve], y_name: str, caption: str, *, whole: bool = False
) -> str:
    chart = line_chart(curves, x_name="steps", y_name=y_name, whole=whole)
    return f"<figure><h3>{title}</h3>{chart}<figcaption>{caption}</figcaption></figure>"


def _layers(history: History) -> str:
    if not history.shapes:
        return ""
    layers = []
    for name, kinds in history.shapes.items():
        strips = []
        for kind, shapes in kinds.items():
            if shapes:
                picture, reach = strip(shapes)
                strips.append(
                    f"<figure>{picture}<figcaption>{kind}s, ±{reach:.2g}</figcaption></figure>"
                )
        layers.append(
            f'<div class="layer"><h3>{text(name)}</h3><p class="soft">{_role(name)}</p>'
            f'<div class="pair">{"".join(strips)}</div></div>'
        )
    first, last = (
        pick(
            shape.step
            for kinds in history.shapes.values()
            for one in kinds.values()
            for shape in one
        )
        for pick in (min, max)
    )
    return (
        "<h2>Weights and gradients of each layer</h2><p>Each column is a histogram: the stronger "
        f"its colour, the more values lie there. Time goes from left (step {first:,}) to right "
        f"(step {last:,}); zero is half-way up, and the number gives the top and the bottom edge. "
        "Weights should widen slowly, and gradients neither vanish nor spread without end.</p>"
        + grid(layers)
    )


def _role(parameter: str) -> str:
    """What a parameter of `NoteModel` does, as far as its name tells."""
    group, _, rest = parameter.partition(".")
    number = rest.split(".")[0]
    if group == "heads" and number.isdigit() and int(number) < len(FIELDS):
        return f"predicts the {FIELDS[int(number)]}"
    if group == "blocks" and number.isdigit():
        return f"recurrent layer {int(number) + 1}"
    return {"embed": "reads a note", "instruments": "reads the wanted instruments"}.get(
        group, "&nbsp;"
    )


# --- tables ------------------------------------------------------------------------------------


def _settings(about: Mapping[str, Any]) -> str:
    if not about:
        return ""
    provenance = _mapping(about, "provenance")
    training = _mapping(provenance, "training")
    config, network = _mapping(training, "config"), _mapping(about, "network")
    groups = {
        "As planned": config,
        "Network": {key: value for key, value in network.items() if key not in config},
        "By the time the best model was kept": _without(training, "config"),
        "About the model": _without(provenance, "training", "validation"),
    }
    tables = []
    for group, facts in groups.items():
        rows = "".join(
            f'<tr><th scope="row">{text(name)}</th><td>{text(_plain(value))}</td></tr>'
            for name, value in facts.items()
            if value not in (None, {}, [], "")
        )
        if rows:
            caption = f"<caption>{group}</caption>"
            tables.append(f'<div><table class="settings">{caption}{rows}</table></div>')
    return f"<h2>Settings</h2><p>As the best model states them.</p>{grid(tables, wide=True)}"


def _without(facts: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in facts.items() if name not in names}


def _validations(history: History) -> str:
    if not history.validations:
        return ""

    def row(one: Validation) -> list[str]:
        figures = [one.nats_per_note, *(one.fields.get(name) for name in FIELDS)]
        return [f"{one.step:,}", f"{one.seconds / 60:,.1f}", *map(nats, figures)]

    head = ["step", "minutes", "all", *FIELDS]
    rows = table(head, map(row, history.validations), caption="nats per note")
    return f"<h2>All validations</h2><details><summary>As a table</summary>{rows}</details>"


def _mapping(values: Mapping[str, Any], key: str) -> dict[str, Any]:
    found = values.get(key)
    return found if isinstance(found, dict) else {}


def _plain(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_plain(inner)}" for name, inner in value.items())
    if isinstance(value, list):
        return "; ".join(map(_plain, value))
    return f"{value:,}" if type(value) is int else str(value)
