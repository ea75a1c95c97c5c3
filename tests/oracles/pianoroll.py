"""The published layout of piano-roll files, read and written plainly: the judge of ours.

As pypianoroll 1.0.4 saves them: a zip with `tempo.npy` [steps, 1], `downbeat.npy` [steps, 1] and,
for each track N, a sparse matrix [steps, 128] column by column: `pianoroll_N_csc_data`,
`_indices`, `_indptr` and `_shape`; and `info.json` with name, resolution and tracks. That library
is not kept any more; `saved_by_pypianoroll.npz` beside the tests was saved by it.
"""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np


@dataclass
class Roll:
    """A track; its roll is uint8 (velocities) or bool [steps, 128]."""

    pianoroll: np.ndarray
    name: str = ""
    program: int = 0
    is_drum: bool = False


@dataclass
class Multitrack:
    """Tracks with the tempo of each step and the steps at which bars begin."""

    tracks: list[Roll]
    name: str = ""
    resolution: int = 24
    tempo: np.ndarray | None = None
    downbeat: np.ndarray | None = None

    def save(self, path: Path) -> None:
        arrays: dict[str, np.ndarray] = {}
        info: dict[str, object] = {"resolution": self.resolution, "name": self.name}
        if self.tempo is not None:
            arrays["tempo"] = self.tempo
        if self.downbeat is not None:
            arrays["downbeat"] = self.downbeat
        for number, track in enumerate(self.tracks):
            stem = f"pianoroll_{number}_csc"
            columns = [np.flatnonzero(column) for column in track.pianoroll.T]
            arrays[f"{stem}_data"] = track.pianoroll.T[track.pianoroll.T != 0]
            arrays[f"{stem}_indices"] = np.concatenate(columns).astype(np.int32)
            arrays[f"{stem}_indptr"] = np.cumsum([0, *map(len, columns)]).astype(np.int32)
            arrays[f"{stem}_shape"] = np.array(track.pianoroll.shape)
            info[str(number)] = {
                "program": track.program, "is_drum": track.is_drum, "name": track.name,
            }  # fmt: skip
        np.savez_compressed(path, allow_pickle=True, **arrays)
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr("info.json", json.dumps(info))


def load(source: bytes) -> Multitrack:
    """The tracks in a file."""
    with np.load(io.BytesIO(source)) as found:
        info = json.loads(found["info.json"])
        tracks: list[Any] = []
        while (about := info.get(str(len(tracks)))) is not None:
            stem = f"pianoroll_{len(tracks)}_csc"
            data, indices, starts = (
                found[f"{stem}_{part}"] for part in ("data", "indices", "indptr")
            )
            roll = np.zeros(found[f"{stem}_shape"], data.dtype)
            for pitch, (start, end) in enumerate(pairwise(starts)):
                roll[indices[start:end], pitch] = data[start:end]
            tracks.append(Roll(roll, about["name"], about["program"], about["is_drum"]))
        return Multitrack(
            tracks, info["name"], info["resolution"], found["tempo"], found["downbeat"]
        )


def blended(tracks: list[Roll]) -> np.ndarray:
    """The loudest of several tracks at each step and pitch."""
    result: np.ndarray = np.max([track.pianoroll for track in tracks], axis=0)
    return result
