"""A network that listens, in one file that describes itself.

A safetensors file: the weights as float16 or float32, and as metadata what kind of network it is,
its settings, and where it comes from. (Models that compose are `ritornello.note_model.checkpoint`.)
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import as_file, files
from os import PathLike
from pathlib import Path
from typing import Literal

import numpy as np

from ritornello.atomic import atomic_write
from ritornello.errors import CheckpointError, shortened
from ritornello.json_values import JsonObject
from ritornello.note_model.safetensors_file import (
    FLOATS,
    METADATA_NAME,
    described,
    read_arrays,
    read_header,
)

_FORMAT = "ritornello-listener-1"


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
    settings: JsonObject
    provenance: JsonObject = field(default_factory=dict)


def save(
    file: WeightsFile,
    path: str | PathLike[str],
    *,
    numbers: Literal["float16", "float32"] = "float16",
    overwrite: bool = True,
) -> None:
    """Write the file; weights are rounded to the type of ``numbers``.

    Raises:
        OutputError: if it cannot be written.
    """
    from safetensors.numpy import save

    about = {
        "format": _FORMAT,
        "kind": file.kind,
        "settings": file.settings,
        "provenance": file.provenance,
    }
    arrays = {name: np.ascontiguousarray(w, numbers) for name, w in file.weights.items()}
    with atomic_write(path, overwrite=overwrite) as temporary:
        temporary.write_bytes(save(arrays, metadata={METADATA_NAME: json.dumps(about)}))


def load(path: str | PathLike[str], kind: str) -> WeightsFile:
    """Read the file, weights as float32.

    Raises:
        CheckpointError: if there is none, it is damaged, or holds another kind of network.
    """
    header = read_header(Path(path))
    about = header.about
    is_ours = about.get("format") == _FORMAT
    found = described(about.get("kind")) if is_ours else "another file"
    if not is_ours or about.get("kind") != kind:
        raise CheckpointError(f"Expected a model of {kind}; found {found}.", where=str(path))
    for name in ("settings", "provenance"):
        if not isinstance(about.get(name), dict):
            raise header.damaged(f"its {name} are {described(about.get(name))}, not a table.")
    for name, array in header.arrays.items():
        if array.numbers not in FLOATS:
            raise header.damaged(f"{shortened(name)} holds {array.numbers}, not floats.")
    arrays = read_arrays(header, header.arrays)
    weights = {name: array.astype(np.float32, copy=False) for name, array in arrays.items()}
    return WeightsFile(kind, weights, about["settings"], about["provenance"])


@cache
def bundled(name: str, kind: str) -> WeightsFile:
    """A network that ships with the package, by the name of its file; read once."""
    with as_file(files("ritornello") / "assets" / "listening" / name) as path:
        return load(path, kind)
