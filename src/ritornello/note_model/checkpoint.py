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

import numpy as np

from ritornello.atomic import atomic_write
from ritornello.errors import CheckpointError
from ritornello.json_values import JsonObject
from ritornello.note_model.checkpoint_checks import BASELINE, SCALE, check_about, check_arrays
from ritornello.note_model.encoding import notes
from ritornello.note_model.encoding.tables import context_columns, head_columns
from ritornello.note_model.safetensors_file import (
    METADATA_NAME,
    Header,
    described,
    read_arrays,
    read_header,
)

FORMAT = "ritornello-model-1"
MODEL_FILE = "model.safetensors"
_ENCODING = "notes"  # `ritornello.note_model.encoding.notes`, the one there is
_FINGERPRINT_STRIDE = 61  # all weights would take as long as loading them
_AGAIN = "Train it again, or use the version of ritornello that made it."


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
    network: JsonObject
    encoding: str = _ENCODING
    collections: tuple[str, ...] = ()
    provenance: JsonObject = field(default_factory=dict)
    baseline: dict[str, np.ndarray] = field(default_factory=dict)


def quantise_matrix(weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A matrix as int8 [rows, columns] and float32 scales [rows]; symmetric, nearest."""
    scale = np.abs(weight).max(axis=1) / 127
    scale = np.where(scale == 0, 1, scale).astype(np.float32)
    return np.round(weight / scale[:, None]).astype(np.int8), scale


def save(checkpoint: Checkpoint, path: Path, *, int8: bool = False, overwrite: bool = True) -> None:
    """Write a checkpoint; with ``int8`` every matrix takes a quarter of the room."""
    from safetensors.numpy import save

    arrays: dict[str, np.ndarray] = {}
    for name, weight in checkpoint.weights.items():
        if int8 and weight.ndim == 2:
            arrays[name], arrays[name + SCALE] = quantise_matrix(weight)
        else:
            arrays[name] = np.ascontiguousarray(weight, np.float32)
    for name, counts in checkpoint.baseline.items():
        arrays[BASELINE + name] = np.minimum(counts, 2**32 - 1).astype(np.uint32)
    about = {
        "format": FORMAT,
        "network": checkpoint.network,
        "encoding": checkpoint.encoding,
        "fingerprint": _fingerprint(),
        "collections": list(checkpoint.collections),
        "provenance": checkpoint.provenance,
    }
    with atomic_write(path, overwrite=overwrite) as temporary:
        temporary.write_bytes(save(arrays, metadata={METADATA_NAME: json.dumps(about)}))


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


def describe(path: Path) -> JsonObject:
    """The metadata of a checkpoint, without its weights.

    Returns:
        ``network``, ``encoding``, ``fingerprint``, ``collections`` and ``provenance``, each of the
        kind that `ritornello.note_model.checkpoint_checks.check_about` states.

    Raises:
        CheckpointError: if the file is no checkpoint of this version or encoding, or is damaged.
    """
    return _read_header(path).about


def _read_header(path: Path) -> Header:
    """The header of a checkpoint that holds what it says: settings, and arrays that fit them."""
    header = read_header(path, next_step=_AGAIN)
    about = header.about
    if about.get("format") != FORMAT:
        raise CheckpointError(
            f"Expected the format {FORMAT}, found {described(about.get('format'))}.",
            where=str(path),
            next_step=_AGAIN,
        )
    encoding, found = about.get("encoding"), about.get("fingerprint")
    expected = _fingerprint() if encoding == _ENCODING else "none of this name"
    if found != expected:
        raise CheckpointError(
            f"The model was made for another encoding ({described(encoding)}, "
            f"{described(found)}; this version has {expected}).",
            where=str(path),
            next_step=_AGAIN,
        )
    check_about(header)
    check_arrays(header)
    return header


def _fingerprint() -> str:
    """Of the encoding's classes and of the tables computed from them."""
    columns = json.dumps([context_columns(0), [head_columns(head) for head in range(5)]])
    tables = hashlib.sha256(columns.encode()).hexdigest()[:8]
    return f"{notes.fingerprint()}-{tables}"


def weights_fingerprint(checkpoint: Checkpoint) -> str:
    """Tells two models apart, of one encoding and size too: a hash over a share of the weights."""
    about = json.dumps([checkpoint.network, _fingerprint()], sort_keys=True)
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
    header = _read_header(path)
    arrays = read_arrays(header, header.arrays)
    weights = {
        name: _dequantise(array, arrays.get(name + SCALE))
        for name, array in arrays.items()
        if not name.endswith(SCALE) and not name.startswith(BASELINE)
    }
    baseline = {
        name.removeprefix(BASELINE): array.astype(np.float32)
        for name, array in arrays.items()
        if name.startswith(BASELINE)
    }
    about = header.about
    return Checkpoint(
        weights,
        about["network"],
        about["encoding"],
        tuple(about["collections"]),
        about["provenance"],
        baseline,
    )


def _dequantise(array: np.ndarray, scale: np.ndarray | None) -> np.ndarray:
    """A matrix as float32; where it has a scale for each row, times that."""
    weight = array.astype(np.float32, copy=False)
    return weight if scale is None else weight * scale.astype(np.float32, copy=False)[:, None]
