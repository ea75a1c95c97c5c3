"""An index of the training music that tells what of a piece stands there, in any transposition.

Windows are those of `generation.originality.copying`: four and eight quarter notes (one and two
bars
of 4/4), of all pitched parts together ("texture") and of each part alone ("parts"). The index keeps
one hash of each window, in a set that knows nothing but members. No music can be rebuilt from it:

- a hash is one-way, and about ten bits of it are kept, which countless other windows share;
- there is no order, no position and no piece in the sets, so nothing says what follows what;
- hashes are keyed with a number of this training set, so that tables made for one serve no other.

What it does answer, to anybody, is whether a window they have already is in the training music.

A window of eight counts only if every window of four inside it does. What is in the training music
is always found. What is not is taken for it with a probability of 1/2048 for four quarters; for
eight, where first all windows of four must be known, of 1/256, of parts 1/512. On held-out music of
all kinds that is less than one window in a thousand. Of the windows of eight of parts, which would
be half of the index, one in four is kept, chosen by its hash: a share is told by them as well. This
makes 4.1 MB for the 4.2 million windows of the bundled model's music, where 6.5 would keep them all
at 1/2048.

The longest passage is approximated. It is a row of quarters, each inside a known window, in which
no window is unknown. So it may be put together from pieces that agree where they meet, and long
rests and held notes end it. On held-out music it is off by more than a quarter note in 7 of 100
pieces for texture; for parts, which share figures with everything, it is a third too long on
average. A single window may be a false find, so the shortest passage is of two.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ritornello.atomic import atomic_write
from ritornello.errors import CheckpointError
from ritornello.generation.originality.copying import WINDOWS_QUARTERS, Passages, mix_bits
from ritornello.generation.originality.hash_set import HashSet
from ritornello.json_values import JsonObject
from ritornello.music.note_tables import note_table
from ritornello.music.piece import Piece, Track
from ritornello.music.slicing import bars_at
from ritornello.note_model.safetensors_file import (
    METADATA_NAME,
    Header,
    described,
    number_within,
    read_arrays,
    read_header,
    whole_number,
)

INDEX_FILE = "originality.safetensors"
FORMAT = "ritornello-originality-1"
KINDS = {"texture": False, "parts": True}  # whether parts stand alone
SHORTEST_PASSAGE_QUARTERS = WINDOWS_QUARTERS[0] + 1
_MOST_MEMBERS = 2**26  # of a set; the bundled model's have 1.6 million at most
_LONGEST_QUARTERS = 1e9


class _Keeping(NamedTuple):
    """How a set is kept: the chance of a false find, and one window in how many."""

    false_rate: float
    one_in: int = 1


_KEPT = {
    ("texture", 4): _Keeping(1 / 2048),
    ("texture", 8): _Keeping(1 / 256),
    ("parts", 4): _Keeping(1 / 2048),
    ("parts", 8): _Keeping(1 / 512, one_in=4),
}


class CopiedPassage(NamedTuple):
    """A passage that stands in the training music.

    ``quarters`` is its length in quarter notes; bars are counted from 1 and both belong to it;
    ``part`` is the name of the part that holds it, empty for all parts together.
    """

    quarters: int
    first_bar: int
    last_bar: int
    part: str = ""


@dataclass(frozen=True)
class Copied:
    """How much of a piece stands in the training music: shares of windows, the longest passage.

    Attributes:
        shares: by length of the window in quarter notes, the share of the windows that stand in
            the training music; nan where there is no window.
        windows: by length, how many were looked for.
        longest: the longest passage, None if there is none of five quarters or more.
    """

    shares: dict[int, float]
    windows: dict[int, int]
    longest: CopiedPassage | None

    @property
    def longest_quarters(self) -> int:
        return self.longest.quarters if self.longest else 0


@dataclass(frozen=True)
class Originality:
    """`Copied` of all pitched parts together (texture), and of each part alone."""

    texture: Copied
    parts: Copied

    def as_facts(self) -> JsonObject:
        """All as numbers, texts and nulls, for programs; windows by their length in quarters."""
        facts = {}
        for kind, copied in (("texture", self.texture), ("parts", self.parts)):
            facts[kind] = {
                "shares": {
                    str(quarters): share if copied.windows[quarters] else None
                    for quarters, share in copied.shares.items()
                },
                "windows": {str(quarters): count for quarters, count in copied.windows.items()},
                "longest": copied.longest and copied.longest._asdict(),
            }
        return facts


@dataclass(frozen=True)
class TrainingIndex:
    """The windows of the training music, to look for those of other pieces.

    Attributes:
        sets: (kind, length in quarters) -> hashes of the windows.
        key: of the hashes.
        held_out: what `held_out_figures` says of real music that no model was taught; empty if
            there was none.
        music: fingerprint of the corpus it was made from.
    """

    sets: Mapping[tuple[str, int], HashSet]
    key: int
    held_out: JsonObject = field(default_factory=dict)
    music: str = ""

    @classmethod
    def build(
        cls,
        pieces: Iterable[Piece],
        *,
        held_out: Iterable[Piece] = (),
        music: str = "",
    ) -> TrainingIndex:
        """An index of training pieces.

        Args:
            pieces: read one after another; none is kept.
            held_out: real pieces of the same kind without a near copy among them, for comparison.
            music: fingerprint of the corpus.
        """
        hashes = _window_hashes(pieces)
        # Stored is mix(hash ^ key) mod (members / false rate): about log2(1 / false rate) bits.
        key = int(mix_bits(np.concatenate([*hashes.values()]).sum(keepdims=True))[0])
        sets = {
            name: HashSet.of(_sample_hashes(name, found, key), false_rate=_KEPT[name].false_rate)
            for name, found in hashes.items()
        }
        index = cls(sets, key, music=music)
        return replace(index, held_out=held_out_figures(index, held_out))

    def measure(self, piece: Piece) -> Originality:
        """What of a piece stands in the training music."""
        return Originality(*(self._measure_copying(piece, kind) for kind in KINDS))

    def _measure_copying(self, piece: Piece, kind: str) -> Copied:
        # Share of length n: of the windows of n quarters, those whose hash is in the set and in
        # which every shorter window is known.
        passages = Passages([piece], by_part=KINDS[kind])
        shares, windows, begins = {}, {}, []
        earliest = _voices_apart(passages.ends)
        change = np.zeros(len(earliest), np.int64)  # in how many known windows a quarter is
        for quarters in WINDOWS_QUARTERS:
            starts = passages.windows(quarters)
            hashes = passages.hashes(starts, quarters)
            chosen = _chosen((kind, quarters), keyed := _mix_with_key(hashes, self.key))
            starts, keyed = starts[chosen], keyed[chosen]
            known = self.sets[kind, quarters].has(keyed) & (earliest[starts + quarters] <= starts)
            windows[quarters] = len(starts)
            shares[quarters] = float(known.mean()) if len(starts) else float("nan")
            # No passage, and no longer window, holds a window that is unknown.
            _begin_after(earliest, starts[~known], quarters)
            begins.append(starts[known])
            np.add.at(change, starts[known], 1)
            np.add.at(change, starts[known] + quarters, -1)
        _begin_after(earliest, np.flatnonzero(np.cumsum(change)[:-1] == 0), 1)
        longest = _longest(begins[0], earliest)
        return Copied(shares, windows, longest and _in_bars(piece, kind, passages.ends, *longest))

    def save(self, path: Path, *, overwrite: bool = True) -> None:
        """Write the index."""
        from safetensors.numpy import save

        about = {
            "format": FORMAT,
            "hashing": _hashing(),
            "key": self.key,
            "sets": {_name(name): [len(kept), kept.span] for name, kept in self.sets.items()},
            "held_out": self.held_out,
            "music": self.music,
        }
        arrays = {
            f"{_name(name)}.{half}": bits
            for name, kept in self.sets.items()
            for half, bits in kept.to_bits().items()
        }
        with atomic_write(path, overwrite=overwrite) as temporary:
            temporary.write_bytes(save(arrays, metadata={METADATA_NAME: json.dumps(about)}))

    @classmethod
    def load(cls, path: Path) -> TrainingIndex:
        """Read an index.

        Raises:
            CheckpointError: if there is none, or it is damaged or of another version.
        """
        header = _read_header(path)
        about, sets = header.about, {}
        arrays = read_arrays(header, header.arrays)
        for name in _KEPT:
            members, span = about["sets"][_name(name)]
            bits = {half: arrays[f"{_name(name)}.{half}"] for half in ("unary", "binary")}
            try:
                sets[name] = HashSet.from_bits(bits, members=members, span=span)
            except ValueError as error:
                raise header.damaged(f"{error}.") from error
        return cls(sets, about["key"], about["held_out"], about["music"])


_AGAIN = (
    "Run `ritornello train` with the model's music and folder again: it adds the index, and does "
    "not learn anew."
)


_PIECES_AT_A_TIME = 500  # so that a corpus may be larger than memory
_NONE = np.zeros(0, np.uint64)


def describe(path: Path) -> JsonObject:
    """The metadata of an index: its version, held-out figures and the music it was made from.

    Raises:
        CheckpointError: if there is none, or it is damaged or of another version.
    """
    return _read_header(path).about


def _read_header(path: Path) -> Header:
    """The header of an index that holds what it says."""
    if not path.is_file():
        raise CheckpointError(
            f"There is no index of the training music ({INDEX_FILE}) beside this model.",
            where=str(path.parent),
            next_step=_AGAIN,
        )
    header = read_header(path, next_step=_AGAIN)
    about = header.about
    if (about.get("format"), about.get("hashing")) != (FORMAT, _hashing()):
        raise CheckpointError(
            f"The index is of another version ({described(about.get('format'))}).",
            where=str(path),
            next_step=_AGAIN,
        )
    if not (
        number_within(about.get("key"), 0, 2**64 - 1)
        and whole_number(about["key"], least=0)
        and isinstance(about.get("music"), str)
        and _are_figures(about.get("held_out"))
    ):
        raise header.damaged("its key, its music or its figures cannot be used.")
    sets = about.get("sets")
    for name in map(_name, _KEPT):
        kinds = [header.arrays.get(f"{name}.{half}") for half in ("unary", "binary")]
        if not all(kind and kind.numbers == "U8" and len(kind.shape) == 1 for kind in kinds):
            raise header.damaged(f"it lacks the windows {name}.")
        if not _is_size(sets.get(name) if isinstance(sets, dict) else None):
            raise header.damaged(f"the size of its set {name} cannot be used.")
    return header


def _is_size(size: object) -> bool:
    """Whether it is a number of members and a span."""
    return (
        isinstance(size, list)
        and len(size) == 2
        and all(whole_number(number, least=least) for least, number in enumerate(size))
        and size[0] <= min(_MOST_MEMBERS, size[1])
        and size[1] < 2**62
    )


def _are_figures(held_out: object) -> bool:
    """Whether they are what `held_out_figures` gives; there may be none."""
    if held_out == {}:
        return True
    if not isinstance(held_out, dict) or not whole_number(held_out.get("pieces")):
        return False
    for kind in KINDS:
        figures = held_out.get(kind)
        if not isinstance(figures, dict) or not isinstance(figures.get("shares"), dict):
            return False
        shares = [figures["shares"].get(str(quarters)) for quarters in WINDOWS_QUARTERS]
        longest = [figures.get(f"longest_quarters_{which}") for which in ("median", "highest")]
        if not all(number_within(share, 0, 1) for share in shares):
            return False
        if not all(number_within(length, 0, _LONGEST_QUARTERS) for length in longest):
            return False
    return True


def held_out_figures(index: TrainingIndex, pieces: Iterable[Piece]) -> JsonObject:
    """How much real music that is not in an index seems to stand in it: what is usual.

    Returns:
        ``pieces`` and, for "texture" and "parts": ``shares`` of all their windows, by length in
        quarters as text, and the median and highest of the pieces' ``longest_quarters``. Empty
        without pieces that have windows.
    """
    measured = (index.measure(piece) for piece in pieces)
    found = [each for each in measured if any(each.texture.windows.values())]
    if not found:
        return {}
    figures: JsonObject = {"pieces": len(found)}
    for kind in KINDS:
        copied = [getattr(each, kind) for each in found]
        longest = [each.longest_quarters for each in copied]
        shares = {}
        for quarters in WINDOWS_QUARTERS:
            windows = np.array([each.windows[quarters] for each in copied])
            known = np.nansum([each.shares[quarters] for each in copied] * windows)
            shares[str(quarters)] = round(float(known / max(1, windows.sum())), 5)
        figures[kind] = {
            "shares": shares,
            "longest_quarters_median": float(np.median(longest)),
            "longest_quarters_highest": max(longest),
        }
    return figures


def _name(name: tuple[str, int]) -> str:
    return f"{name[0]}.{name[1]}"


def _window_hashes(pieces: Iterable[Piece]) -> dict[tuple[str, int], np.ndarray]:
    """The hashes of all windows, uint64, ascending, each once."""
    found: dict[tuple[str, int], list[np.ndarray]] = {name: [_NONE] for name in _KEPT}
    rest = iter(pieces)
    while some := list(islice(rest, _PIECES_AT_A_TIME)):
        for kind, by_part in KINDS.items():
            passages = Passages(some, by_part=by_part)
            for quarters in WINDOWS_QUARTERS:
                starts = passages.windows(quarters)
                found[kind, quarters].append(np.unique(passages.hashes(starts, quarters)))
    return {name: np.unique(np.concatenate(hashes)) for name, hashes in found.items()}


def _mix_with_key(hashes: np.ndarray, key: int) -> np.ndarray:
    return mix_bits(hashes ^ np.uint64(key))


def _chosen(name: tuple[str, int], keyed: np.ndarray) -> np.ndarray:
    """Which windows a set keeps, by their hashes alone, bool [hashes]."""
    return keyed <= np.uint64((2**64 - 1) // _KEPT[name].one_in)


def _sample_hashes(name: tuple[str, int], hashes: np.ndarray, key: int) -> np.ndarray:
    keyed = _mix_with_key(hashes, key)
    result: np.ndarray = keyed[_chosen(name, keyed)]
    return result


def _hashing() -> str:
    """Tells ways of hashing windows apart: the hash of a few notes."""
    notes = note_table((12 * n, 18, 60 + 5 * n % 12, 80) for n in range(16))
    passages = Passages([Piece((Track(notes),), 24)])
    return format(int(passages.hashes(np.zeros(1, np.int64), WINDOWS_QUARTERS[-1])[0]), "016x")


# --- passages -------------------------------------------------------------------------------------
# ``earliest`` says, for each quarter at which a passage may end (not of it), where it may begin.


def _voices_apart(ends: np.ndarray) -> np.ndarray:
    """No passage runs from one voice into the next; int64 [quarters + 1]."""
    earliest = np.zeros(int(ends[-1]) + 1 if len(ends) else 1, np.int64)
    earliest[ends[:-1] + 1] = ends[:-1]
    return np.maximum.accumulate(earliest)


def _begin_after(earliest: np.ndarray, starts: np.ndarray, quarters: int) -> None:
    """A passage that ends where windows end, or later, begins after they do."""
    earliest[starts + quarters] = np.maximum(earliest[starts + quarters], starts + 1)
    np.maximum.accumulate(earliest, out=earliest)


def _longest(starts: np.ndarray, earliest: np.ndarray) -> tuple[int, int] | None:
    """The first quarter of the longest passage, and the one after its last.

    Args:
        starts: of the known windows of four, ascending. A passage begins and ends with one.
    """
    if not len(starts):
        return None
    ends = starts + WINDOWS_QUARTERS[0]
    begins = starts[np.searchsorted(starts, earliest[ends])]
    best = int(np.argmax(ends - begins))
    begin, end = int(begins[best]), int(ends[best])
    return (begin, end) if end - begin >= SHORTEST_PASSAGE_QUARTERS else None


def _in_bars(piece: Piece, kind: str, ends: np.ndarray, begin: int, end: int) -> CopiedPassage:
    """A passage, given in quarters through all voices, in bars of its piece."""
    voice = int(np.searchsorted(ends, begin, side="right"))
    before = int(ends[voice - 1]) if voice else 0
    ticks = (np.array([begin, end]) - before) * piece.resolution - [0, 1]
    first, last = (bars_at(piece, ticks) + 1).tolist()
    pitched = [track.label for track in piece.tracks if len(track) and not track.is_drum]
    return CopiedPassage(end - begin, first, last, pitched[voice] if KINDS[kind] else "")
