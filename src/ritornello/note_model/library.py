"""Which models there are, where they are, and what each says of itself.

A model has a name if it ships with the package, lies in the person's own model folder, or in a
folder of that name where the command is run. Any other is given by its path.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from difflib import get_close_matches
from importlib.resources import files
from os import PathLike
from pathlib import Path

from ritornello.errors import CheckpointError
from ritornello.folders import models_folder
from ritornello.json_values import JsonObject
from ritornello.note_model import checkpoint

DEFAULT_MODEL = "default"


@dataclass(frozen=True)
class ModelInfo:
    """One model that was found.

    Attributes:
        name: what to call it by.
        path: its file.
        origin: "bundled", "yours" (the model folder) or "here" (the working folder).
        size_bytes: of the file.
        card: see `model_card`; empty if the model cannot be used.
        problem: why it cannot be used; empty if it can.
    """

    name: str
    path: Path
    origin: str
    size_bytes: int
    card: JsonObject = field(default_factory=dict)
    problem: str = ""


def models() -> list[ModelInfo]:
    """All models that have a name, bundled ones first; unusable ones with their problem."""
    return [_info(name, path, origin) for name, (path, origin) in _models_by_name().items()]


def find_model(model: str | PathLike[str] = DEFAULT_MODEL) -> Path:
    """The file of a model given by path (file or folder) or by name; a path comes first.

    Raises:
        CheckpointError: if there is none.
    """
    try:
        return checkpoint.find(Path(model))
    except CheckpointError:
        named = _models_by_name()
        if str(model) in named:
            return named[str(model)][0]
        near = get_close_matches(str(model), named, n=1)
        known = f"Known by name: {', '.join(named)}." if named else "No model is known by name."
        raise CheckpointError(
            "There is no such model.",
            where=str(model),
            next_step=(f"Did you mean {near[0]!r}? " if near else "")
            + f"{known} Or give the folder that `ritornello train` wrote.",
        ) from None


def model_card(model: str | PathLike[str] = DEFAULT_MODEL) -> JsonObject:
    """The model card: provenance, data, sizes and figures of a model file.

    Returns:
        ``network``, ``encoding``, ``collections`` (names to write like) and ``provenance`` (data
        with licences, settings, figures).

    Raises:
        CheckpointError: if there is no such model or it cannot be used.
    """
    about = checkpoint.describe(find_model(model))
    return {key: about[key] for key in ("network", "encoding", "collections", "provenance")}


def _models_by_name() -> dict[str, tuple[Path, str]]:
    """Name -> file and origin; the first place that has a name keeps it."""
    places = (
        (Path(str(files("ritornello"))) / "assets" / "models", "bundled"),
        (models_folder(), "yours"),
        (Path(), "here"),
    )
    found: dict[str, tuple[Path, str]] = {}
    for folder, origin in places:
        for path in sorted(folder.glob(f"*/{checkpoint.MODEL_FILE}")):
            found.setdefault(path.parent.name, (path, origin))
    return found


def _info(name: str, path: Path, origin: str) -> ModelInfo:
    size = path.stat().st_size
    try:
        return ModelInfo(name, path, origin, size, model_card(path))
    except CheckpointError as error:
        return ModelInfo(name, path, origin, size, problem=error.what)
