"""The figures of a run in `metrics.jsonl`, as arrays.

The journal may be read while the run writes it and after a kill in the middle of a line, so a line
that cannot be used is counted and passed over.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from ritornello.errors import InputError
from ritornello.json_values import JsonObject
from ritornello.note_model.encoding.notes import FIELDS
from ritornello.pages.charts import Shape
from ritornello.pages.training_page import History, Validation
from ritornello.training.journal import METRICS_FILE

_FIGURES = ("seconds", "notes", "nats_per_note", "learning_rate", "gradient_norm")
_KINDS = ("sitting", "step", "validation", "evaluation", "histograms")
_LARGEST = 1e30


def read_history(folder: Path) -> History:
    """Read the journal of a run.

    Raises:
        InputError: if the folder holds no journal, or none with a step in it.
    """
    path = folder / METRICS_FILE
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise InputError(
            f"There is no record of a training run here ({error.strerror}).",
            where=str(path),
            next_step="Give the folder that `ritornello train` writes.",
        ) from error
    parsed = list(map(_parse, lines))
    # A resumed run may tell of a step twice; the later line counts.
    by_kind: dict[str, dict[int, JsonObject]] = {kind: {} for kind in _KINDS}
    for line in filter(None, parsed):
        by_kind[line["kind"]][line["step"]] = line
    if not by_kind["step"]:
        raise InputError(
            "No training step is recorded yet.",
            where=str(path),
            next_step="Let the run make its first step.",
        )
    rows = [by_kind["step"][step] for step in sorted(by_kind["step"])]
    steps = np.array([row["step"] for row in rows])
    figures = {name: _column(row.get(name) for row in rows) for name in _FIGURES}
    return History(
        steps,
        figures,
        {name: _column(_table(row.get("fields")).get(name) for row in rows) for name in FIELDS},
        _validations(by_kind["validation"], steps, figures["seconds"]),
        _shapes(by_kind["histograms"]),
        parsed.count(None),
    )


def _parse(text: str) -> JsonObject | None:
    try:
        line = json.loads(text)
    except (ValueError, RecursionError):
        return None
    known = isinstance(line, dict) and line.get("kind") in _KINDS
    step = line.get("step") if known else None
    return line if type(step) is int and 0 <= step < 2**53 else None


def _number(value: object) -> float:
    """A figure a chart can hold, or NaN."""
    if isinstance(value, int | float) and abs(value) < _LARGEST:
        return float(value)
    return math.nan


def _column(values: Iterable[object]) -> np.ndarray:
    return np.array([_number(value) for value in values])


def _table(value: object) -> JsonObject:
    return value if isinstance(value, dict) else {}


def _validations(
    by_step: dict[int, JsonObject], steps: np.ndarray, seconds: np.ndarray
) -> list[Validation]:
    found = []
    for step, line in sorted(by_step.items()):
        nats = _number(line.get("nats_per_note"))
        if math.isfinite(nats):
            fields, collections = (
                {name: _number(value) for name, value in _table(line.get(key)).items()}
                for key in ("fields", "collections")
            )
            before = max(int(np.searchsorted(steps, step, side="right")) - 1, 0)
            found.append(
                Validation(
                    step, seconds[before], _number(line.get("notes")), nats, fields, collections
                )
            )
    return found


def _shapes(by_step: dict[int, JsonObject]) -> dict[str, dict[str, list[Shape]]]:
    found: dict[str, dict[str, list[Shape]]] = {}
    for step, line in sorted(by_step.items()):
        for name, pair in _table(line.get("parameters")).items():
            for kind in ("weight", "gradient"):
                shape = _shape(step, _table(_table(pair).get(kind)))
                if shape:
                    found.setdefault(name, {"weight": [], "gradient": []})[kind].append(shape)
    return found


def _shape(step: int, values: JsonObject) -> Shape | None:
    low, high = _number(values.get("low")), _number(values.get("high"))
    try:
        counts = np.array(values.get("counts"), float)
    except (TypeError, ValueError, OverflowError):
        return None
    usable = counts.ndim == 1 and len(counts) and math.isfinite(low + high)
    return Shape(step, low, high, counts) if usable and (counts >= 0).all() else None
