"""Pieces to groups of duplicates: equal, transposed, or nearly equal notes.

Two hashes of the note table find copies. Near copies (another version, a part of a score, an
arrangement of the same tune) are found through *shingles*: runs of `SHINGLE_NOTES` successive
notes of one part, described by intervals and time differences, so that transposition does not
matter. Two pieces are near copies when `NEAR_CONTAINMENT` of the shingles of the smaller one are
in the other, or when that holds for a part of each: the violin part of a quartet must not test a
model that learned the score, nor a tune one that learned its arrangement. Shingles that many
pieces share are idiom (an Alberti bass, a strummed pattern) and do not count.

Only the smallest shingle hashes of a piece and of a part are kept, as a sketch; sketches follow
A. Broder, "On the resemblance and containment of documents" (1997).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ritornello.music.piece import Piece

SHINGLE_NOTES = 8
NEAR_CONTAINMENT = 0.6
_PIECE_SKETCH, _PART_SKETCH = 512, 128
_MIN_SHINGLES = 12
_MIN_SHARED = 8
_MIN_TELLING = 0.5
# Beyond so many pieces a shingle is idiom: few for parts, where one accompaniment is enough to
# mislead, many for whole pieces, so that a folder full of versions of one piece is recognised.
_IDIOM_OF_PARTS = 8
_IDIOM_OF_PIECES, _IDIOM_SHARE = 64, 0.01


@dataclass(frozen=True)
class Sketch:
    """The smallest shingle hashes of a piece or a part, uint64, sorted.

    ``complete_to``: every shingle up to this hash is there.
    """

    hashes: np.ndarray
    complete_to: int


@dataclass(frozen=True)
class Signature:
    """Hashes of a piece that are compared.

    Attributes:
        notes_hash: of onsets, durations and pitches; part names and loudness do not matter.
        shape_hash: the same for every transposition of the piece.
        whole: sketch of all parts together.
        parts: sketches of the parts that are varied enough to tell pieces apart.
    """

    notes_hash: str
    shape_hash: str
    whole: Sketch
    parts: tuple[Sketch, ...]


def signature(piece: Piece) -> Signature:
    """The signature of a piece on the corpus grid (see `ritornello.music.grid`)."""
    columns = [_columns(track.notes, track.is_drum) for track in piece.tracks]
    table = np.concatenate(columns, axis=1) if columns else np.zeros((4, 0), np.int64)
    onset, duration, pitch, drum = table
    order = np.lexsort([duration, pitch, drum, onset])
    table = table[:, order]
    shape = table.copy()
    pitched = shape[3] == 0
    if pitched.any():
        shape[2, pitched] -= shape[2, pitched].min()
    if shape.size:
        shape[0] -= shape[0].min()
    # Drum patterns are common property: they tell pieces apart only where there is nothing else.
    pitched = [track for track in piece.tracks if not track.is_drum]
    runs = [_shingles(track.notes, track.is_drum) for track in pitched or piece.tracks]
    whole = np.unique(np.concatenate([np.zeros(0, np.uint64), *runs]))
    parts = tuple(_sketch(run, _PART_SKETCH) for run in runs if len(run) >= _MIN_SHINGLES)
    return Signature(_digest(table), _digest(shape), _sketch(whole, _PIECE_SKETCH), parts)


def _columns(notes: np.ndarray, is_drum: bool) -> np.ndarray:
    drum = np.full(len(notes), int(is_drum))
    return np.stack([notes["onset"], notes["duration"], notes["pitch"].astype(np.int64), drum])


def _digest(table: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(table, "<i8").tobytes()).hexdigest()


def _sketch(hashes: np.ndarray, size: int) -> Sketch:
    kept = hashes[:size]
    return Sketch(kept, int(kept[-1]) if len(kept) < len(hashes) else 2**64 - 1)


def _shingles(notes: np.ndarray, is_drum: bool) -> np.ndarray:
    """Hashes of the different runs of `SHINGLE_NOTES` notes; uint64, sorted."""
    if len(notes) < SHINGLE_NOTES:
        return np.zeros(0, np.uint64)
    pitch = notes["pitch"].astype(np.int64)
    steps = np.minimum(np.diff(notes["onset"]), 4095)
    moves = pitch[1:] + 128 if is_drum else np.diff(pitch)
    words = _mixed((steps * 512 + moves + 256).astype(np.uint64))
    runs = np.lib.stride_tricks.sliding_window_view(words, SHINGLE_NOTES - 1)
    weights = _mixed(np.arange(1, SHINGLE_NOTES, dtype=np.uint64) + np.uint64(512 * is_drum))
    with np.errstate(over="ignore"):
        hashes = _mixed((runs * weights).sum(axis=1, dtype=np.uint64))
    # A repeated note or a trill is nobody's melody: a run must have four pitches or drum keys.
    windows = np.sort(np.lib.stride_tricks.sliding_window_view(pitch, SHINGLE_NOTES), axis=1)
    distinct = (np.diff(windows, axis=1) > 0).sum(axis=1) + 1
    return np.unique(hashes[distinct >= (3 if is_drum else 4)])


def _mixed(values: np.ndarray) -> np.ndarray:
    """Spread 64-bit integers evenly (the finaliser of SplitMix64, Steele et al. 2014)."""
    with np.errstate(over="ignore"):
        values = (values + np.uint64(0x9E3779B97F4A7C15)).astype(np.uint64)
        values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        result: np.ndarray = values ^ (values >> np.uint64(31))
        return result


def near_groups(signatures: Sequence[Signature]) -> list[list[int]]:
    """Groups of pieces that are near copies of each other, directly or through a third.

    Returns:
        Lists of indices, sorted, each of two or more; pieces on their own are in none.
    """
    parent = list(range(len(signatures)))
    wholes = [item.whole for item in signatures]
    parts = [part for item in signatures for part in item.parts]
    owners = np.repeat(np.arange(len(signatures)), [len(item.parts) for item in signatures])
    idiom = max(_IDIOM_OF_PIECES, int(_IDIOM_SHARE * len(signatures)))
    for sketches, owner, most in (
        (wholes, np.arange(len(signatures)), idiom),
        (parts, owners, _IDIOM_OF_PARTS),
    ):
        for one, other in _near_pairs(sketches, owner, most):
            parent[_root(parent, other)] = _root(parent, one)
    groups: dict[int, list[int]] = {}
    for index in range(len(signatures)):
        groups.setdefault(_root(parent, index), []).append(index)
    return sorted(group for group in groups.values() if len(group) > 1)


def _near_pairs(
    sketches: Sequence[Sketch], owner: np.ndarray, most: int
) -> Iterator[tuple[int, int]]:
    """Pairs of pieces with near-copied sketches; ``owner`` int [sketches] names their pieces."""
    if not sum(len(sketch.hashes) for sketch in sketches):
        return
    hashes = np.concatenate([sketch.hashes for sketch in sketches])
    item = np.repeat(np.arange(len(sketches)), [len(sketch.hashes) for sketch in sketches])
    order = np.lexsort([item, hashes])
    hashes, item = hashes[order], item[order]
    new_hash = np.concatenate([[True], hashes[1:] != hashes[:-1]])
    new_owner = new_hash | np.concatenate([[True], np.diff(owner[item]) != 0])
    starts = np.flatnonzero(new_hash)
    telling_hash = np.add.reduceat(new_owner.astype(np.int64), starts) <= most
    sizes = np.diff(np.append(starts, len(hashes)))
    telling = np.repeat(telling_hash, sizes)
    kept = _telling_sketches(sketches, hashes[telling], item[telling])
    starts, sizes = starts[telling_hash], sizes[telling_hash]
    for one, other in _candidates(starts, sizes, item, len(sketches)):
        pieces = int(owner[one]), int(owner[other])
        compared = pieces[0] != pieces[1] and one in kept and other in kept
        if compared and containment(kept[one], kept[other]) >= NEAR_CONTAINMENT:
            yield pieces


def _telling_sketches(
    sketches: Sequence[Sketch], hashes: np.ndarray, item: np.ndarray
) -> dict[int, Sketch]:
    """The sketches without idiom, by their index, where enough is left of them."""
    order = np.argsort(item, kind="stable")
    bounds = np.searchsorted(item[order], np.arange(len(sketches) + 1))
    kept = {}
    for index, (start, end) in enumerate(pairwise(bounds)):
        left = end - start
        if left >= max(_MIN_SHINGLES, _MIN_TELLING * len(sketches[index].hashes)):
            kept[index] = Sketch(hashes[order[start:end]], sketches[index].complete_to)
    return kept


def _candidates(
    starts: np.ndarray, sizes: np.ndarray, item: np.ndarray, count: int
) -> list[tuple[int, int]]:
    """Pairs of sketches that share at least `_MIN_SHARED` shingles.

    Args:
        starts, sizes: where the owners of each shingle are in ``item``.
        item: index of a sketch, ascending for each shingle.
        count: of sketches.
    """
    pairs = [np.zeros(0, np.int64)]
    for size in np.unique(sizes[sizes > 1]):
        members = item[starts[sizes == size][:, None] + np.arange(size)]
        first, second = np.triu_indices(size, 1)
        pairs.append((members[:, first] * count + members[:, second]).ravel())
    found, shared = np.unique(np.concatenate(pairs), return_counts=True)
    return [divmod(int(key), count) for key in found[shared >= _MIN_SHARED]]


def containment(one: Sketch, other: Sketch) -> float:
    """Estimated share of the shingles of the smaller one that the other has, 0 to 1."""
    # As far as both sketches are complete, they can be compared exactly.
    end = np.uint64(min(one.complete_to, other.complete_to))
    first, second = one.hashes[one.hashes <= end], other.hashes[other.hashes <= end]
    smaller = min(len(first), len(second))
    shared = len(np.intersect1d(first, second, assume_unique=True))
    return shared / smaller if smaller and shared >= _MIN_SHARED else 0.0


def _root(parent: list[int], index: int) -> int:
    while parent[index] != index:
        parent[index] = parent[parent[index]]
        index = parent[index]
    return index
