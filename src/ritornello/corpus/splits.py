"""Pieces to training, validation and test splits, by work, deterministically.

A split by file would put the violin part in training and its score in validation. So pieces are
split in groups, and no group is on two sides:

1. near copies (see `ritornello.corpus.duplicates`), always;
2. works: pieces of one folder whose names differ only in a last ``__`` field, in numbers and in
   the words of `_PART_WORDS` (``sonata-1``, ``sonata-2``; ``quartet-score``, ``quartet-viola``),
   and folders below a collection that hold two to `_WORK_FILES` pieces. A series of more than a
   quarter of its collection is how the folder is numbered, not a work.

The side of a group comes, first rule that speaks: from an explicit split, from a folder called
train, valid or test (heldout) above the file, or from a hash of the group's name and the seed.
The hash makes the split independent of what else is in the folder: a piece that was in
validation yesterday is not trained on tomorrow because a file was added. In small folders alone
more are held out where those that the hash holds out have next to no notes.
"""

from __future__ import annotations

import csv
import hashlib
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from ritornello.corpus.listing import SIDES as SIDES
from ritornello.corpus.listing import SPLIT_FOLDERS
from ritornello.corpus.scan import FileReport, ScanResult
from ritornello.errors import ConfigError, InputError
from ritornello.music.io import file_of

LEFT_OUT = "left out"
_WORK_FILES = 4
_SERIES_SHARE = 0.25
_LEAST_HELD, _MOST_HELD = 0.3, 4  # of the share that is wanted; times that, and part of the works
_PART_WORDS = frozenset(
    re.findall(
        r"\w+",
        """score part parts full piano violin viola cello violoncello violone bass flute oboe
        clarinet bassoon horn trumpet trombone timpani guitar organ voice voices soprano alto
        tenor basso continuo choir strings mov movement mvt version ver copy
        i ii iii iv v vi vii viii""",
    )
)


def assign_splits(
    scan: ScanResult,
    *,
    explicit: Mapping[str, str] | None = None,
    seed: int = 0,
    valid_share: float = 0.1,
    test_share: float = 0.0,
) -> dict[str, str]:
    """The side of every used piece.

    Args:
        scan: what is in the folder.
        explicit: path -> "train", "valid" or "test"; by default what `find_explicit` finds.
        seed: another seed, another split.
        valid_share, test_share: of the groups that no explicit rule places, 0 to 1.

    Returns:
        path -> "train", "valid", "test" or "left out". Left out are pieces that an explicit split
        puts on the training side although a near copy is held out: the held-out side stays as
        published, and training gives up the copy.

    Raises:
        ConfigError: if the shares make no sense or a side is unknown.
    """
    if valid_share < 0 or test_share < 0 or valid_share + test_share >= 1:
        raise ConfigError(
            f"Shares of {valid_share:g} for validation and {test_share:g} for test leave nothing "
            "to train on.",
            next_step="Give shares from 0 up, together below 1.",
        )
    explicit = _with_copies(find_explicit(scan) if explicit is None else explicit, scan)
    near: dict[str, list[FileReport]] = defaultdict(list)
    for item in scan.used:
        near[item.group or item.path].append(item)
    sides: dict[str, str] = {}
    free: dict[str, list[list[FileReport]]] = defaultdict(list)
    work_of = _works(scan.used)
    for members in near.values():
        said = {explicit[item.path] for item in members if item.path in explicit}
        if said:
            held = max(said, key=SIDES.index)
            for item in members:
                sides[item.path] = held if explicit.get(item.path, held) == held else LEFT_OUT
        else:
            free[work_of[members[0].path]].append(members)
    shares = {"test": test_share, "valid": valid_share}
    groups = _joined(free, work_of)
    for group, side in _by_hash(groups, seed, shares, placed=set(sides.values())):
        sides.update((item.path, side) for item in group)
    return sides


def _joined(
    free: Mapping[str, list[list[FileReport]]], work_of: Mapping[str, str]
) -> dict[str, list[FileReport]]:
    """Near-copy groups joined where any of their members are of one work."""
    parent: dict[str, str] = {}

    def root(name: str) -> str:
        while parent.setdefault(name, name) != name:
            name = parent[name]
        return name

    for lists in free.values():
        for members in lists:
            for item in members[1:]:
                one, other = sorted((root(work_of[members[0].path]), root(work_of[item.path])))
                parent[other] = one
    groups: dict[str, list[FileReport]] = defaultdict(list)
    for lists in free.values():
        for members in lists:
            groups[root(work_of[members[0].path])].extend(members)
    return groups


def _by_hash(
    groups: Mapping[str, list[FileReport]],
    seed: int,
    shares: Mapping[str, float],
    placed: set[str],
) -> Iterable[tuple[list[FileReport], str]]:
    """A side for each group.

    Args:
        placed: sides that have pieces already. If nothing else teaches, one group does, and if
            nothing else validates and two groups or more teach, one of them validates.
    """
    place = {name: _fraction(f"{seed}:{name}") for name in groups}
    sides = {}
    for name, fraction in place.items():
        test = fraction < shares["test"]
        valid = fraction < shares["test"] + shares["valid"]
        sides[name] = "test" if test else "valid" if valid else "train"
    ranked = sorted(groups, key=lambda name: (place[name], name))
    if ranked and "train" not in placed | set(sides.values()):
        sides[ranked[-1]] = "train"
    taught = [name for name in ranked if sides[name] == "train"]
    if shares["valid"] and "valid" not in placed | set(sides.values()) and len(taught) > 1:
        sides[taught[0]] = "valid"
    if shares["valid"] and "valid" not in placed:
        for name in _held_out_too(groups, ranked, sides, _LEAST_HELD * shares["valid"]):
            sides[name] = "valid"
    return ((members, sides[name]) for name, members in groups.items())


def _held_out_too(
    groups: Mapping[str, list[FileReport]],
    ranked: list[str],
    sides: Mapping[str, str],
    least: float,
) -> list[str]:
    """Groups to hold out beside those that are, where these have hardly a note to judge by.

    Args:
        ranked: names of the groups, in the order in which they are held out.
        least: share of the notes to hold out; groups of many times that stay.
    """
    notes = {name: sum(item.notes for item in members) for name, members in groups.items()}
    total = sum(notes.values())
    held = sum(notes[name] for name in ranked if sides[name] == "valid")
    taught = [name for name in ranked if sides[name] == "train"]
    found: list[str] = []
    for name in taught[: len(taught) // _MOST_HELD]:
        if held >= least * total:
            break
        if notes[name] <= _MOST_HELD * least * total:
            found.append(name)
            held += notes[name]
    return found


def _fraction(text: str) -> float:
    """A number in [0, 1) that only the text decides."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") / 2**64


def _works(items: Iterable[FileReport]) -> dict[str, str]:
    """path -> name of its work."""
    items = list(items)
    folders = Counter(str(PurePosixPath(item.path).parent) for item in items)
    names = {}
    for item in items:
        path = PurePosixPath(item.path)
        if file_of(item.path) != Path(item.path):  # each piece of a book is a work
            names[item.path] = item.path
            continue
        inside = len(path.parts) > 2 and path.parts[-2].lower() not in SPLIT_FOLDERS
        if inside and 2 <= folders[str(path.parent)] <= _WORK_FILES:
            names[item.path] = str(path.parent)
        else:
            names[item.path] = f"{_shared_folder(path)}/{_work_name(path.stem)}"
    sizes = Counter((item.collection, names[item.path]) for item in items)
    totals = Counter(item.collection for item in items)
    for item in items:
        series = sizes[item.collection, names[item.path]]
        if series > max(1, _SERIES_SHARE * totals[item.collection]):
            names[item.path] = item.path
    return names


def _shared_folder(path: PurePosixPath) -> str:
    # train/x.mid and valid/x.mid are one work in two places.
    return "/".join(part for part in path.parts[:-1] if part.lower() not in SPLIT_FOLDERS)


def _work_name(stem: str) -> str:
    """The stem without its last ``__`` field, numbers at its end and names of parts."""
    fields = stem.lower().split("__")
    kept = "__".join(fields[:-1]) if len(fields) > 1 else stem.lower()
    words = [word for word in re.split(r"[\s_.,()\-]+", kept) if word]
    while len(words) > 1 and (
        re.fullmatch(r"[a-z]?\d+[a-z]?", words[-1]) or re.sub(r"\d+$", "", words[-1]) in _PART_WORDS
    ):
        words.pop()
    return " ".join(words)


# --- explicit splits --------------------------------------------------------------------------


def find_explicit(scan: ScanResult) -> dict[str, str]:
    """path -> side, from what lies in the folder; a later rule is overruled by an earlier one.

    1. ``splits.json`` in the folder: {collection: {side: [paths inside the collection]}};
    2. ``info.csv`` in the folder or a first-level sub-folder, with columns ``midi_filename`` and
       ``split``, as the Groove MIDI Dataset has it;
    3. folders called train, valid, validation, test or heldout.

    Raises:
        InputError: if such a file is damaged.
        ConfigError: if it names an unknown side.
    """
    found = {}
    for item in scan.files:
        for part in PurePosixPath(item.path).parts[:-1]:
            if part.lower() in SPLIT_FOLDERS:
                found[item.path] = SPLIT_FOLDERS[part.lower()]
    for table in sorted([*scan.folder.glob("info.csv"), *scan.folder.glob("*/info.csv")]):
        found.update(_read_info(table, scan.folder))
    if (scan.folder / "splits.json").is_file():
        found.update(read_splits(scan.folder / "splits.json"))
    for item in scan.files:  # what is said of a book is said of its pieces
        book = file_of(item.path).as_posix()
        if book != item.path and book in found:
            found.setdefault(item.path, found[book])
    return found


def read_splits(path: Path) -> dict[str, str]:
    """An explicit split file: {collection: {side: [paths inside the collection]}}.

    A collection called "" or "." is the folder itself.

    Raises:
        InputError: if the file cannot be read or has another layout.
        ConfigError: if it names an unknown side.
    """
    step = 'Write it as {"collection": {"train": ["a.mid"], "valid": ["b.mid"]}}.'
    try:
        content: Any = json.loads(path.read_text(encoding="utf-8"))
        return {
            str(PurePosixPath(collection, name)): _side(side, path)
            for collection, sides in content.items()
            for side, names in sides.items()
            for name in names
        }
    except OSError as error:
        raise InputError(f"Cannot be read ({error.strerror}).", where=str(path)) from None
    except (ValueError, AttributeError, TypeError) as error:
        raise InputError(f"Not a split file ({error}).", where=str(path), next_step=step) from None


def _read_info(table: Path, folder: Path) -> dict[str, str]:
    with open(table, newline="", encoding="utf-8", errors="replace") as stream:
        rows = list(csv.DictReader(stream))
    base = table.parent.relative_to(folder)
    return {
        (base / row["midi_filename"]).as_posix(): _side(row["split"], table)
        for row in rows
        if row.get("midi_filename") and row.get("split")
    }


def _side(name: str, where: Path) -> str:
    side = SPLIT_FOLDERS.get(name.lower())
    if side is None:
        raise ConfigError(
            f"{name!r} is not a side of a split.",
            where=str(where),
            next_step=f"Sides: {', '.join(SPLIT_FOLDERS)}.",
        )
    return side


def _with_copies(explicit: Mapping[str, str], scan: ScanResult) -> dict[str, str]:
    """A used file also stands for its rejected copies, so it is held out if one of them is."""
    sides = dict(explicit)
    for path, side in explicit.items():
        if side not in SIDES:
            raise ConfigError(
                f"{side!r} is not a side of a split.",
                where=path,
                next_step=f"Sides: {', '.join(SIDES)}.",
            )
    for item in scan.rejected:
        kept = item.rejection.copy_of if item.rejection else ""
        if kept and item.path in explicit:
            said = [explicit[item.path]] + ([sides[kept]] if kept in sides else [])
            sides[kept] = max(said, key=SIDES.index)
    return sides
