"""Piano-rolls as the Lakh Pianoroll sets store them: ``.npz`` of sparse columns and info.json.

The layout is that of ``pypianoroll.save``: for each track a matrix [time steps, 128 pitches] of
velocities in compressed-sparse-column form (``pianoroll_0_csc_data`` and so on), ``tempo``
[time steps] in bpm, ``downbeat`` [time steps], and a JSON entry with names and programs. A time
step is a tick of the piece. Source: https://salu133445.github.io/pypianoroll/ and
H.-W. Dong et al., "MuseGAN" (2018).
"""

from __future__ import annotations

import io
import json
import tokenize
import zipfile
import zlib
from dataclasses import replace
from itertools import pairwise

import numpy as np

from ritornello.errors import InputError, OutputError
from ritornello.json_values import JsonObject
from ritornello.music.io.limits import (
    FASTEST_BPM,
    MOST_TRACKS,
    SLOWEST_BPM,
    clean_name,
    one_at_a_time,
)
from ritornello.music.note_tables import NOTE_DTYPE
from ritornello.music.piece import Metre, Piece, Tempo, Track

BINARY_VELOCITY = 64  # of rolls that only say whether a note sounds, as in pypianoroll
_MOST_CELLS = 2**24  # sounding steps in a file; bounds the memory
_MOST_ENTRY_BYTES = 8 * _MOST_CELLS
_NEXT_STEP = "Save it again with pypianoroll.save."
# What zipfile, json and numpy's header parser raise on damage, and what a JSON entry of another
# shape than expected raises here.
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    tokenize.TokenError,
    SyntaxError,
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    ArithmeticError,
    EOFError,
    OSError,
    RuntimeError,
)


def holdable(piece: Piece) -> Piece:
    """The piece as a piano-roll can hold it: what reading back `write_bytes` gives.

    A cell holds one velocity, so a note ends where the next one of its pitch begins, and notes of
    one pitch and velocity that touch become one. Bars are known by their first steps only: 6/8
    comes back as 3/4, and a last bar that is cut short counts as whole. Keys are lost, and so is
    a tempo from the end on.
    """
    return replace(
        piece,
        tracks=tuple(
            replace(track, notes=_merged(track.notes), name=clean_name(track.name))
            for track in piece.tracks
        ),
        tempos=_tempos(_tempo_steps(piece))[0],
        metres=_metres(piece.bar_starts_ticks(), piece.resolution, piece.length_ticks),
        keys=(),
        title=clean_name(piece.title),
    )


def write_bytes(piece: Piece) -> bytes:
    """A compressed ``.npz`` that ``pypianoroll.load`` opens, one time step a tick.

    Raises:
        OutputError: if its notes last too many steps together.
    """
    cells = sum(int(track.notes["duration"].sum()) for track in piece.tracks)
    if max(cells, piece.length_ticks) > _MOST_CELLS:
        raise OutputError(
            f"The piano-roll would have {max(cells, piece.length_ticks):,} steps; at most "
            f"{_MOST_CELLS:,} fit.",
            where=piece.title,
            next_step="Choose a coarser grid, for example piece.at_resolution(24).",
        )
    downbeat = np.zeros((piece.length_ticks, 1), bool)
    downbeat[piece.bar_starts_ticks()] = True
    arrays = {"tempo": _tempo_steps(piece)[:, None], "downbeat": downbeat}
    info: JsonObject = {"resolution": piece.resolution, "name": clean_name(piece.title)}
    for index, track in enumerate(piece.tracks):
        columns = _columns(one_at_a_time(track.notes), piece.length_ticks)
        arrays |= {f"pianoroll_{index}_csc_{part}": array for part, array in columns.items()}
        info[str(index)] = {
            "program": track.program,
            "is_drum": track.is_drum,
            "name": clean_name(track.name),
        }
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
    with zipfile.ZipFile(buffer, "a") as archive:
        # A fixed date, as numpy has it: the same piece gives the same bytes.
        archive.writestr(zipfile.ZipInfo("info.json"), json.dumps(info), zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def read_bytes(data: bytes, where: str) -> tuple[Piece, list[str]]:
    """The piece in a piano-roll file, one tick a time step, and what was repaired.

    A note is a run of steps of one velocity; sounding steps of binary rolls get velocity 64.

    Raises:
        InputError: if the bytes are no such file, are damaged or too large.
    """
    repairs: list[str] = []
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return _piece(archive, where, repairs), repairs
    except _DAMAGE as error:
        raise InputError(
            f"This is no piano-roll file, or it is damaged ({error}).",
            where=where,
            next_step=_NEXT_STEP,
        ) from error


# --- reading ----------------------------------------------------------------------------------


def _piece(archive: zipfile.ZipFile, where: str, repairs: list[str]) -> Piece:
    info = json.loads(_entry(archive, "info.json"))
    # Files from before version 1.0 of pypianoroll say beat_resolution.
    resolution = int(info["resolution"] if "resolution" in info else info["beat_resolution"])
    tracks: list[Track] = []
    length = 0
    while (entry := info.get(str(len(tracks)))) is not None:
        if len(tracks) == MOST_TRACKS:
            raise InputError(f"More than {MOST_TRACKS} tracks.", where=where)
        name = clean_name(str(entry.get("name") or ""))
        notes, steps = _notes(archive, f"pianoroll_{len(tracks)}_csc_", name, repairs)
        tracks.append(Track(notes, int(entry["program"]), bool(entry["is_drum"]), name))
        length = max(length, steps)
    known = set(archive.namelist())
    bpm = _array(archive, "tempo").ravel() if "tempo.npy" in known else np.zeros(0)
    tempos, clamped = _tempos(bpm.astype(float))
    if clamped:
        repairs.append(
            f"{clamped} tempi outside {SLOWEST_BPM:g} to {FASTEST_BPM:g} bpm were clamped."
        )
    downbeat = _array(archive, "downbeat").ravel() if "downbeat.npy" in known else np.zeros(0)
    length = max(length, len(bpm), len(downbeat))
    return Piece(
        tracks=tuple(tracks),
        resolution=resolution,
        tempos=tempos,
        metres=_metres(np.flatnonzero(downbeat), resolution, length),
        length_ticks=length,
        title=clean_name(str(info.get("name") or "")),
    )


def _notes(
    archive: zipfile.ZipFile, prefix: str, name: str, repairs: list[str]
) -> tuple[np.ndarray, int]:
    """`NOTE_DTYPE` [notes] of one roll, and its length in steps."""
    steps, pitches = (int(number) for number in _array(archive, prefix + "shape"))
    values = _array(archive, prefix + "data")
    step = _array(archive, prefix + "indices").astype(np.int64)
    counts: np.ndarray = np.diff(_array(archive, prefix + "indptr").astype(np.int64))
    if pitches != 128 or len(counts) != 128 or not len(values) == len(step) == counts.sum():
        raise ValueError(f"the parts of {prefix[:-5]} do not fit together")
    if (counts < 0).any() or not 0 <= steps <= _MOST_CELLS:
        raise ValueError(f"{prefix[:-5]} has impossible counts")
    if len(step) and not 0 <= step.min() <= step.max() < steps:
        raise ValueError(f"{prefix[:-5]} has steps after its end")
    loud = np.rint(values * BINARY_VELOCITY if values.dtype == bool else values)
    velocity = np.clip(np.nan_to_num(loud.astype(float)), 0, 127).astype(np.int16)
    if not np.array_equal(velocity, loud):
        repairs.append(f"Velocities outside 0 to 127 were clamped (track {name or prefix[:-5]}).")
    pitch = np.repeat(np.arange(128), counts)
    order = np.lexsort([step, pitch])
    order = order[velocity[order] > 0]
    pitch, step, velocity = pitch[order], step[order], velocity[order]
    first = np.ones(len(step), bool)
    first[1:] = (np.diff(pitch) != 0) | (np.diff(step) != 1) | (np.diff(velocity) != 0)
    starts = np.flatnonzero(first)
    notes = np.empty(len(starts), NOTE_DTYPE)
    notes["onset"], notes["pitch"] = step[starts], pitch[starts]
    notes["velocity"] = velocity[starts]
    notes["duration"] = np.diff(starts, append=len(step))
    return notes, steps


def _entry(archive: zipfile.ZipFile, name: str) -> bytes:
    if archive.getinfo(name).file_size > _MOST_ENTRY_BYTES:
        raise ValueError(f"{name} has more than {_MOST_ENTRY_BYTES:,} bytes")
    return archive.read(name)


def _array(archive: zipfile.ZipFile, name: str) -> np.ndarray:
    """A stored array. Not `numpy.load`: that believes a size in the file and allocates it."""
    buffer = io.BytesIO(_entry(archive, name + ".npy"))
    version = np.lib.format.read_magic(buffer)
    read_header = (
        np.lib.format.read_array_header_1_0
        if version == (1, 0)
        else np.lib.format.read_array_header_2_0
    )
    shape, _, dtype = read_header(buffer)
    if dtype.kind not in "buif":
        raise ValueError(f"{name} holds no numbers")
    return np.frombuffer(buffer.read(), dtype, count=int(np.prod(shape, dtype=object)))


def _tempos(bpm: np.ndarray) -> tuple[tuple[Tempo, ...], int]:
    """The changes in a tempo for each step, and how many of them were absurd."""
    if not len(bpm):
        return (), 0
    starts = np.concatenate([[0], np.flatnonzero(np.diff(bpm)) + 1])
    found = bpm[starts]
    clamped = np.clip(np.nan_to_num(found, nan=SLOWEST_BPM), SLOWEST_BPM, FASTEST_BPM)
    tempos = tuple(map(Tempo, starts.tolist(), clamped.tolist()))
    return tempos, int((clamped != found).sum())


def _metres(bar_starts: np.ndarray, resolution: int, length: int) -> tuple[Metre, ...]:
    """The metres that put bar lines at these steps; the last bar keeps its metre if it fits."""
    metre = Metre(0, 4, 4)
    whole = True
    metres: list[Metre] = []
    starts = [0, *(int(start) for start in bar_starts if start > 0)]
    for start, end in zip(starts, [*starts[1:], length], strict=True):
        bar = metre.bar_ticks(resolution)
        fits = end - start == bar or (start == starts[-1] and end - start < bar)
        found = metre if fits else _metre(end - start, resolution) or metre
        if not (metres and whole and found == metre):
            metres.append(found._replace(tick=start))
        metre = found
        whole = end - start == found.bar_ticks(resolution)
    return tuple(metres)


def _metre(bar_ticks: int, resolution: int) -> Metre | None:
    for denominator in (4, 8, 16, 32, 64):
        numerator, rest = divmod(bar_ticks * denominator, 4 * resolution)
        if rest == 0 and 1 <= numerator <= 255:
            return Metre(0, numerator, denominator)
    return None


# --- writing ----------------------------------------------------------------------------------


def _tempo_steps(piece: Piece) -> np.ndarray:
    """Bpm at each step, float64 [steps]."""
    starts = [min(tempo.tick, piece.length_ticks) for tempo in piece.tempos]
    steps = [end - start for start, end in pairwise([*starts, piece.length_ticks])]
    bpm = np.clip([tempo.bpm for tempo in piece.tempos], SLOWEST_BPM, FASTEST_BPM)
    return np.repeat(bpm, steps)


def _columns(notes: np.ndarray, length: int) -> dict[str, np.ndarray]:
    """The compressed sparse columns of notes that are sorted by (pitch, onset)."""
    durations = notes["duration"]
    before = np.cumsum(durations) - durations
    steps = np.arange(durations.sum()) + np.repeat(notes["onset"] - before, durations)
    cells = np.bincount(notes["pitch"], weights=durations, minlength=128).astype(np.int32)
    return {
        "data": np.repeat(notes["velocity"].astype(np.uint8), durations),
        "indices": steps.astype(np.int32),
        "indptr": np.concatenate([[0], np.cumsum(cells)]).astype(np.int32),
        "shape": np.array([length, 128]),
    }


def _merged(notes: np.ndarray) -> np.ndarray:
    """Notes of one pitch and velocity that touch, joined."""
    apart = one_at_a_time(notes)
    ends = apart["onset"] + apart["duration"]
    first = np.ones(len(apart), bool)
    first[1:] = (
        (np.diff(apart["pitch"]) != 0)
        | (np.diff(apart["velocity"]) != 0)
        | (apart["onset"][1:] != ends[:-1])
    )
    starts = np.flatnonzero(first)
    joined = apart[starts]
    if len(joined):
        joined["duration"] = ends[np.append(starts[1:], len(apart)) - 1] - joined["onset"]
    return joined
