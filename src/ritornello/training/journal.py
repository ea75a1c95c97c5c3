"""The record of a run: one JSON object a line in `metrics.jsonl`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypedDict

import torch
from torch import nn

from ritornello.atomic import atomic_write
from ritornello.corpus.listing import RUN_JOURNAL
from ritornello.errors import OutputError
from ritornello.note_model.encoding.notes import FIELDS

METRICS_FILE = RUN_JOURNAL
_BINS = 40


class Histogram(TypedDict):
    """How many values lie in each of 40 equal bins from the lowest to the highest."""

    low: float
    high: float
    counts: list[int]


class MatrixHistograms(TypedDict):
    """Of a matrix and of its gradient."""

    weight: Histogram
    gradient: Histogram


def histograms(model: nn.Module) -> dict[str, MatrixHistograms]:
    """Histograms of every matrix of a model that has a gradient, by the name of the parameter."""
    found: dict[str, MatrixHistograms] = {}
    for name, parameter in model.named_parameters():
        if parameter.ndim < 2 or parameter.grad is None:
            continue
        found[name] = {
            "weight": _histogram(parameter.detach()),
            "gradient": _histogram(parameter.grad),
        }
    return found


def _histogram(values: torch.Tensor) -> Histogram:
    values = values.float().flatten()
    low, high = float(values.min()), float(values.max())
    counts = torch.histc(values, _BINS, low, high) if high > low else torch.zeros(_BINS)
    return {"low": low, "high": high, "counts": counts.int().tolist()}


class Journal:
    """Appends to `metrics.jsonl`: lines of kind "sitting", "step", "validation",
    "evaluation" and "histograms".

    All that write raise `OutputError` if the file cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / METRICS_FILE

    def step(self, step: int, *, fields: list[float], **figures: float) -> None:
        named = {name: round(value, 4) for name, value in zip(FIELDS, fields, strict=True)}
        rounded = {name: round(value, 6) for name, value in figures.items()}
        self._write({"kind": "step", "step": step, **rounded, "fields": named})

    def validation(self, step: int, figures: Mapping[str, object]) -> None:
        self._write({"kind": "validation", "step": step, **figures})

    def sitting(self, step: int, **facts: Any) -> None:
        """A run begins or goes on: what is true of this sitting, such as its products."""
        self._write({"kind": "sitting", "step": step, **facts})

    def evaluation(self, step: int, figures: Mapping[str, object]) -> None:
        """What `ritornello evaluate` says of the best model on the validation split."""
        self._write({"kind": "evaluation", "step": step, **figures})

    def histograms(self, step: int, shapes: Mapping[str, MatrixHistograms]) -> None:
        self._write({"kind": "histograms", "step": step, "parameters": shapes})

    def cut(self, step: int) -> None:
        """Forget what was written after a step, because the run resumes from there."""
        if not self.path.exists():
            return
        lines = self.path.read_text().splitlines(keepends=True)
        whole = [line for line in lines if line.endswith("\n")]  # a kill may cut the last one
        kept = [line for line in whole if json.loads(line)["step"] <= step]
        with atomic_write(self.path, overwrite=True) as temporary:
            temporary.write_text("".join(kept))

    def _write(self, line: Mapping[str, object]) -> None:
        try:
            with self.path.open("a") as file:
                file.write(json.dumps(line) + "\n")
        except OSError as error:
            raise OutputError(
                f"The record of the run cannot be written ({error.strerror}); what was saved of "
                "the run before is still there.",
                where=str(self.path),
                next_step="Free some space, then go on with the same command.",
            ) from error
