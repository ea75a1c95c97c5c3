"""Which pieces are the same music: the same notes, the same transposed, or nearly the same.

Two hashes of the note table find copies. Near copies (another version, a part of a score, an
arrangement of the same tune) are found through *shingles*: runs of `SHINGLE_NOTES` successive
notes of one part, described by intervals and time differences, so that transposition does not
matter. A piece keeps its `SKETCH_SIZE` smallest shingle hashes; two pieces are near copies when
at least `NEAR_CONTAINMENT` of the smaller one's shingles are in the other. Containment and not
Jaccard similarity, because the violin part of a quartet is a quarter of the score and must not be
a test piece for a model that learned the score.

Sketches follow A. Broder, "On the resemblance and containment of documents" (1997).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ritornello.piece import Piece

SHINGLE_NOTES = 8
SKETCH_SIZE = 512
NEAR_CONTAINMENT = 0.5
MIN_SHARED = 8
_IDIOM_SHARE = 0.01
_IDIOM_PIECES = 64


@dataclass(frozen=True)
class Signature:
    """What is compared of a piece.

    Attributes:
        notes_hash: of onsets, durations and pitches; part names and loudness do not matter.
        shape_hash: the same for every transposition of the piece.
        sketch: uint64 [up to `SKETCH_SIZE`], the smallest shingle hashes, sorted.
        complete_to: the sketch holds every shingle of the piece up to this hash.
    """

    notes_hash: str
    shape_hash: str
    sketch: np.ndarray
    complete_to: int


def signature(piece: Piece) -> Signature:
    """The signature of a piece on the corpus grid (see `ritornello.corpus.grid`)."""
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
    return Signature(_digest(table), _digest(shape), *_sketch(piece))


def _columns(notes: np.ndarray, is_drum: bool) -> np.ndarray:
    drum = np.full(len(notes), int(is_drum))
    return np.stack([notes["onset"], notes["duration"], notes["pitch"].astype(np.int64), drum])


def _digest(table: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(table, "<i8").tobytes()).hexdigest()


def _sketch(piece: Piece) -> tuple[np.ndarray, int]:
    # Drum patterns are common property: they tell pieces apart only where there is nothing else.
    pitched = [track for track in piece.tracks if not track.is_drum]
    parts = [_shingles(track.notes, track.is_drum) for track in pitched or piece.tracks]
    hashes = np.unique(np.concatenate(parts)) if parts else np.zeros(0, np.uint64)
    kept = hashes[:SKETCH_SIZE]
    return kept, int(kept[-1]) if len(kept) < len(hashes) else 2**64 - 1


def _shingles(notes: np.ndarray, is_drum: bool) -> np.ndarray:
    """Hashes of the runs of `SHINGLE_NOTES` notes; uint64 [runs]."""
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
    return hashes[distinct >= (3 if is_drum else 4)]


def _mixed(values: np.ndarray) -> np.ndarray:
    """Spread 64-bit integers evenly (the finaliser of SplitMix64, Steele et al. 2014)."""
    with np.errstate(over="ignore"):
        values = (values + np.uint64(0x9E3779B97F4A7C15)).astype(np.uint64)
        values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return values ^ (values >> np.uint64(31))


def near_groups(signatures: Sequence[Signature]) -> list[list[int]]:
    """Groups of pieces that are near copies of each other, directly or through a third.

    Returns:
        Lists of indices, sorted, each of two or more; pieces on their own are in none.
    """
    signatures, shared_by = _without_idioms(signatures)
    parent = list(range(len(signatures)))
    for one, other in _candidate_pairs(shared_by, len(signatures)):
        if containment(signatures[one], signatures[other]) >= NEAR_CONTAINMENT:
            parent[_root(parent, other)] = _root(parent, one)
    groups: dict[int, list[int]] = {}
    for index in range(len(signatures)):
        groups.setdefault(_root(parent, index), []).append(index)
    return sorted(group for group in groups.values() if len(group) > 1)


def containment(one: Signature, other: Signature) -> float:
    """Estimated share of the smaller piece's shingles that the other piece has, 0 to 1."""
    # As far as both sketches are complete, they can be compared exactly.
    end = np.uint64(min(one.complete_to, other.complete_to))
    first, second = one.sketch[one.sketch <= end], other.sketch[other.sketch <= end]
    smaller = min(len(first), len(second))
    shared = len(np.intersect1d(first, second, assume_unique=True))
    return shared / smaller if smaller and shared >= MIN_SHARED else 0.0


def _without_idioms(
    signatures: Sequence[Signature],
) -> tuple[list[Signature], list[np.ndarray]]:
    """Signatures without the shingles of very many pieces, which are idiom and nobody's tune.

    Returns:
        The signatures, and for each number of owners the pieces that share a shingle, as int
        arrays [shingles, owners].
    """
    count = len(signatures)
    sizes_of_sketches = [len(item.sketch) for item in signatures]
    if not sum(sizes_of_sketches):
        return list(signatures), []
    hashes = np.concatenate([item.sketch for item in signatures])
    owner = np.repeat(np.arange(count), sizes_of_sketches)
    order = np.argsort(hashes, kind="stable")
    ranked = hashes[order]
    starts = np.flatnonzero(np.concatenate([[True], ranked[1:] != ranked[:-1]]))
    sizes = np.diff(np.append(starts, len(ranked)))
    most = max(_IDIOM_PIECES, int(_IDIOM_SHARE * count))
    idioms = ranked[starts[sizes > most]]
    own = [
        replace(item, sketch=np.setdiff1d(item.sketch, idioms, assume_unique=True))
        if len(idioms)
        else item
        for item in signatures
    ]
    owners = [
        owner[order][starts[sizes == size][:, None] + np.arange(size)]
        for size in range(2, most + 1)
    ]
    return own, owners


def _candidate_pairs(shared_by: Sequence[np.ndarray], count: int) -> list[tuple[int, int]]:
    """Pairs of pieces that share at least `MIN_SHARED` shingles."""
    pairs = [np.zeros(0, np.int64)]
    for owners in shared_by:
        first, second = np.triu_indices(owners.shape[1], 1)
        pairs.append((owners[:, first] * count + owners[:, second]).ravel())
    found, shared = np.unique(np.concatenate(pairs), return_counts=True)
    return [divmod(int(key), count) for key in found[shared >= MIN_SHARED]]


def _root(parent: list[int], index: int) -> int:
    while parent[index] != index:
        parent[index] = parent[parent[index]]
        index = parent[index]
    return index
