"""The report of a training run: one HTML page that needs nothing else.

It is written again and again while the run goes on, from what lies in the run's folder: the
journal, the best model's description of itself, and the pieces composed on the way.
"""

from __future__ import annotations

from pathlib import Path

from ritornello.atomic import atomic_write
from ritornello.corpus.listing import RUN_SAMPLES
from ritornello.errors import CheckpointError
from ritornello.json_values import JsonObject
from ritornello.note_model import checkpoint
from ritornello.note_model.encoding.notes import FIELDS
from ritornello.pages.training_page import TrainingPage, training_html
from ritornello.training.history import read_history
from ritornello.training.run_samples import run_samples

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
    samples, others = run_samples(folder)
    limit = _mapping(_training(about), "config").get("clip")
    page = TrainingPage(
        title=f"Training of {name}",
        history=history,
        meanings=_FIELD_MEANINGS,
        roles={parameter: _role(parameter) for parameter in history.shapes},
        samples=samples,
        others=others,
        samples_folder=RUN_SAMPLES,
        most_gradient_norm=float(limit) if isinstance(limit, int | float) else None,
        settings=_settings(about),
    )
    path = folder / REPORT_FILE
    with atomic_write(path, overwrite=True) as temporary:
        temporary.write_text(training_html(page), encoding="utf-8", errors="replace")
    return path


def _description(folder: Path) -> JsonObject:
    """What the best model says of itself; nothing if there is none yet, or of another version."""
    try:
        return checkpoint.describe(checkpoint.find(folder))
    except CheckpointError:
        return {}


def _role(parameter: str) -> str:
    """What a parameter of `NoteModel` does, as far as its name tells; else nothing."""
    group, _, rest = parameter.partition(".")
    number = rest.split(".")[0]
    if group == "heads" and number.isdigit() and int(number) < len(FIELDS):
        return f"predicts the {FIELDS[int(number)]}"
    if group == "blocks" and number.isdigit():
        return f"recurrent layer {int(number) + 1}"
    return {"embed": "reads a note", "instruments": "reads the wanted instruments"}.get(group, "")


def _settings(about: JsonObject) -> dict[str, dict[str, str]]:
    """What the best model states of itself, in groups; nothing if there is no model yet."""
    if not about:
        return {}
    provenance, training = _mapping(about, "provenance"), _training(about)
    config, network = _mapping(training, "config"), _mapping(about, "network")
    groups = {
        "As planned": config,
        "Network": {key: value for key, value in network.items() if key not in config},
        "By the time the best model was kept": _without(training, "config"),
        "About the model": _without(provenance, "training", "validation"),
    }
    return {
        group: {
            name: _plain(value) for name, value in facts.items() if value not in (None, {}, [], "")
        }
        for group, facts in groups.items()
    }


def _training(about: JsonObject) -> JsonObject:
    return _mapping(_mapping(about, "provenance"), "training")


def _without(facts: JsonObject, *names: str) -> JsonObject:
    return {name: value for name, value in facts.items() if name not in names}


def _mapping(values: JsonObject, key: str) -> JsonObject:
    found = values.get(key)
    return found if isinstance(found, dict) else {}


def _plain(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_plain(inner)}" for name, inner in value.items())
    if isinstance(value, list):
        return "; ".join(map(_plain, value))
    return f"{value:,}" if type(value) is int else str(value)
