"""A saved model, in one file that describes itself.

A checkpoint is a safetensors file: the weights, and as metadata the settings of the network, the
encoding with its fingerprint, the collections it tells apart, and where it comes from (data with
licences, settings, figures). Weights may be stored as int8 with one scale a row. Loading is strict.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ritornello.atomic import atomic_write
from ritornello.errors import CheckpointError
from ritornello.note_model.encoding import ENCODINGS, load_encoding
from ritornello.note_model.encoding.tables import context_columns, head_columns

FORMAT = "ritornello-model-1"
MODEL_FILE = "model.safetensors"
_SCALE = ".scale"
_BASELINE = "baseline."
_FINGERPRINT_STRIDE = 61  # all weights would take as long as loading them


@dataclass(frozen=True)
class Checkpoint:
    """Everything needed to play a model, or to go on training it.

    Attributes:
        weights: float32 arrays by name.
        network: settings of the network (`NoteModelConfig` as a dictionary).
        encoding: name of the encoding.
        collections: names of the collections, in class order.
        provenance: free facts for people: name, data, licences, settings, figures, limits.
        baseline: event counts of the training music (`ritornello.note_model.encoding.ngrams`).
    """

    weights: dict[str, np.ndarray]
    network: dict[str, Any]
    encoding: str = "notes"
    collections: tuple[str, ...] = ()
    provenance: dict[str, Any] = field(default_factory=dict)
    baseline: dict[str, np.ndarray] = field(default_factory=dict)


def quantised(weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A matrix as int8 [rows, columns] and float32 scales [rows]; symmetric, nearest."""
    scale = np.abs(weight).max(axis=1) / 127
    scale = np.where(scale == 0, 1, scale).astype(np.float32)
    return np.round(weight / scale[:, None]).astype(np.int8), scale


def save(checkpoint: Checkpoint, path: Path, *, int8: bool = False, overwrite: bool = True) -> None:
    """Write a checkpoint; with ``int8`` every matrix takes a quarter of the room."""
    from safetensors.numpy import save_file

    arrays: dict[str, np.ndarray] = {}
    for name, weight in checkpoint.weights.items():
        if int8 and weight.ndim == 2:
            arrays[name], arrays[name + _SCALE] = quantised(weight)
        else:
            arrays[name] = np.ascontiguousarray(weight, np.float32)
    for name, counts in checkpoint.baseline.items():
        arrays[_BASELINE + name] = np.minimum(counts, 2**32 - 1).astype(np.uint32)
    about = {
        "format": FORMAT,
        "network": checkpoint.network,
        "encoding": checkpoint.encoding,
        "fingerprint": _fingerprint(checkpoint.encoding),
        "collections": list(checkpoint.collections),
        "provenance": checkpoint.provenance,
    }
    with atomic_write(path, overwrite=overwrite) as temporary:
        save_file(arrays, temporary, metadata={"ritornello": json.dumps(about)})


def find(model: str | Path) -> Path:
    """The file of a model given as a file or as the folder that training wrote.

    Raises:
        CheckpointError: if there is none.
    """
    path = Path(model)
    if path.is_dir():
        path = path / MODEL_FILE
    if not path.is_file():
        raise CheckpointError(
            "There is no model here.",
            where=str(model),
            next_step="Give a model's name, its .safetensors file, or the folder of "
            "`ritornello train`; `ritornello models` lists the known ones.",
        )
    return path


def describe(path: Path) -> dict[str, Any]:
    """The metadata of a checkpoint, without its weights.

    Raises:
        CheckpointError: if the file is no checkpoint of this version or encoding.
    """
    from safetensors import SafetensorError, safe_open

    again = "Train it again, or use the version of ritornello that made it."
    try:
        with safe_open(path, framework="numpy") as file:
            about = json.loads((file.metadata() or {}).get("ritornello", "{}"))
    except (SafetensorError, OSError, ValueError) as error:
        raise CheckpointError(f"Not a readable model: {error}.", where=str(path)) from error
    if about.get("format") != FORMAT:
        raise CheckpointError(
            f"Expected the format {FORMAT}, found {about.get('format', 'none')}.",
            where=str(path),
            next_step=again,
        )
    encoding, found = about["encoding"], about["fingerprint"]
    expected = _fingerprint(encoding) if encoding in ENCODINGS else "none of this name"
    if found != expected:
        raise CheckpointError(
            f"The model was made for another {encoding} encoding "
            f"({found}, this version has {expected}).",
            where=str(path),
            next_step=again,
        )
    return about


def _fingerprint(encoding: str) -> str:
    """Of the encoding's classes and of the tables computed from them."""
    columns = json.dumps([context_columns(0), [head_columns(head) for head in range(5)]])
    tables = hashlib.sha256(columns.encode()).hexdigest()[:8]
    return f"{load_encoding(encoding).fingerprint()}-{tables}"


def weights_fingerprint(checkpoint: Checkpoint) -> str:
    """Tells two models apart, of one encoding and size too: a hash over a share of the weights."""
    about = json.dumps([checkpoint.network, _fingerprint(checkpoint.encoding)], sort_keys=True)
    digest = hashlib.sha256(about.encode())
    for name in sorted(checkpoint.weights):
        digest.update(name.encode())
        digest.update(checkpoint.weights[name].reshape(-1)[::_FINGERPRINT_STRIDE].tobytes())
    return digest.hexdigest()[:16]


def load(path: Path) -> Checkpoint:
    """Read a checkpoint, weights as float32.

    Raises:
        CheckpointError: as `describe`.
    """
    from safetensors.numpy import load_file

    about = describe(path)
    arrays = load_file(path)
    weights = {
        name: array.astype(np.float32) * arrays[name + _SCALE][:, None]
        if name + _SCALE in arrays
        else array
        for name, array in arrays.items()
        if not name.endswith(_SCALE) and not name.startswith(_BASELINE)
    }
    baseline = {
        name.removeprefix(_BASELINE): array.astype(np.float32)
        for name, array in arrays.items()
        if name.startswith(_BASELINE)
    }
    return Checkpoint(
        weights,
        about["network"],
        about["encoding"],
        tuple(about["collections"]),
        about["provenance"],
        baseline,
    )
