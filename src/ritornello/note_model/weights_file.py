"""A network that listens, in one file that describes itself.

A safetensors file: the weights as float16, and as metadata what kind of network it is, its
settings, and where it comes from. (Models that compose are `ritornello.note_model.checkpoint`.)
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import as_file, files
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from ritornello.atomic import atomic_write
from ritornello.errors import CheckpointError

_FORMAT = "ritornello-listener-1"
_KEY = "ritornello"


@dataclass(frozen=True)
class WeightsFile:
    """What is in the file.

    Attributes:
        kind: of network, such as "beats" or "separator".
        weights: float32 arrays by the names torch gives them.
        settings: of the network, what its configuration is made from.
        provenance: free facts for people: data, licences, minutes, figures, limits.
    """

    kind: str
    weights: dict[str, np.ndarray]
    settings: dict[str, Any]
    provenance: dict[str, Any] = field(default_factory=dict)


def save(file: WeightsFile, path: str | PathLike[str], *, overwrite: bool = True) -> None:
    """Write the file; weights are rounded to float16.

    Raises:
        OutputError: if it cannot be written.
    """
    from safetensors.numpy import save_file

    about = {
        "format": _FORMAT,
        "kind": file.kind,
        "settings": file.settings,
        "provenance": file.provenance,
    }
    arrays = {name: np.ascontiguousarray(w, np.float16) for name, w in file.weights.items()}
    with atomic_write(path, overwrite=overwrite) as temporary:
        save_file(arrays, temporary, metadata={_KEY: json.dumps(about)})


def load(path: str | PathLike[str], kind: str) -> WeightsFile:
    """Read the file, weights as float32.

    Raises:
        CheckpointError: if there is none, it is damaged, or holds another kind of network.
    """
    from safetensors import SafetensorError, safe_open

    if not Path(path).is_file():
        raise CheckpointError("There is no such file.", where=str(path))
    try:
        with safe_open(path, framework="numpy") as file:
            about = json.loads((file.metadata() or {}).get(_KEY, "{}"))
            names = file.keys()
            weights = {name: file.get_tensor(name).astype(np.float32) for name in names}
    except (SafetensorError, OSError, ValueError) as error:
        raise CheckpointError(f"Not a readable model: {error}.", where=str(path)) from error
    found = about.get("kind", "nothing known") if about.get("format") == _FORMAT else "another file"
    if found != kind:
        raise CheckpointError(f"Expected a model of {kind}; found {found}.", where=str(path))
    return WeightsFile(kind, weights, about["settings"], about["provenance"])


@cache
def bundled(name: str, kind: str) -> WeightsFile:
    """A network that ships with the package, by the name of its file; read once."""
    with as_file(files("ritornello") / "assets" / "listening" / name) as path:
        return load(path, kind)
