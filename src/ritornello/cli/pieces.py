"""What the commands that write music share: the work, the files, the words about them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ritornello.cli.options import AS_USUAL, SOUNDS, Making
from ritornello.cli.show import out, print_json, progress, say
from ritornello.cli.streams import is_stream, write_to
from ritornello.errors import ConfigError
from ritornello.json_values import JsonObject

if TYPE_CHECKING:
    import numpy as np

    from ritornello.api import Attempt, Composer
    from ritornello.generation.originality.index import TrainingIndex
    from ritornello.music.piece import Piece


@dataclass(frozen=True)
class Written:
    """A piece that a command wrote.

    Attributes:
        piece: all of it.
        given: which notes are of the song, bool [notes] for each track; None without a song.
        warnings: how the song was heard otherwise than it is written.
        only_new: the piece to save in place of all of it, where the new notes alone are wanted.
    """

    piece: Piece
    given: Sequence[np.ndarray] | None = None
    warnings: tuple[str, ...] = ()
    only_new: Piece | None = None

    @property
    def new_onsets(self) -> list[np.ndarray]:
        """Onsets of the notes of each track that are not of the song, in ticks, int64 [notes]."""
        onsets = [track.notes["onset"] for track in self.piece.tracks]
        if self.given is None:
            return onsets
        return [each[~old] for each, old in zip(onsets, self.given, strict=True)]

    @property
    def new_bars(self) -> tuple[int, int] | None:
        """First and last bar where a new note begins, counted from 1; None without a song."""
        from ritornello.music.piece_facts import new_bars

        return None if self.given is None else new_bars(self.piece, self.given)

    def new_music(self) -> Piece:
        """The bars with new notes, with all that plays in them."""
        from ritornello.music.selection import within
        from ritornello.music.slicing import bar_edges

        bars = self.new_bars
        if bars is None:
            return self.piece
        first, last = bars
        edges = bar_edges(self.piece).tolist()
        return within(self.piece, edges[first - 1], edges[last])


Watch = Callable[[int, int], None]
# Writes so many pieces, with one seed after another from one on.
Write = Callable[["Composer", int, int, Watch], list[Written]]


@dataclass(frozen=True)
class _Made:
    """What was written, the seed it is named by, and how original it is where that was asked."""

    written: Written
    seed: int
    attempt: Attempt | None = None


def write_pieces(making: Making, what: str, stem: str, write: Write) -> None:
    """Write pieces, save each where `Making.targets` says, and tell.

    Args:
        making: how.
        what: one of them is called.
        stem: of the names of the files.
        write: writes the pieces.

    Raises:
        ConfigError: if no piece or no format is asked for.
        OutputError: if a file cannot be written; one that is there is seen before any work.
    """
    from ritornello import api
    from ritornello.generation.rules import check_count

    start = time.monotonic()
    check_count(making.number)
    seed = making.seed_or_any()
    seeds = range(seed, seed + making.number)
    if is_stream(making.output):
        _write_stream(making, seed, write)
        return
    targets = making.targets(stem, seeds)
    for path in (path for paths in targets for path in paths):
        api.refuse_target(path, stems=making.stems, overwrite=making.overwrite)
    made = _make(making, seeds, write)
    rows = []
    with progress("Writing") as watch:
        for index, (each, paths) in enumerate(zip(made, targets, strict=True)):
            watch(index, making.number)
            files = [file for path in paths for file in _save(each.written, path, making)]
            rows.append(_facts(each, files))
    seconds = time.monotonic() - start
    if making.json:
        print_json({"model": making.model, "seconds": round(seconds, 2), "pieces": rows})
    else:
        _print(what, rows, seconds)


def _write_stream(making: Making, seed: int, write: Write) -> None:
    """Write one piece to standard output; what is told goes to standard error."""
    endings = ["mid"] if making.formats == AS_USUAL.formats else making.endings()
    if making.number > 1 or len(endings) > 1 or making.stems or making.json:
        raise ConfigError(
            "Standard output holds one piece in one format.",
            where="-o -",
            next_step="Write it as in: ritornello compose -f mid -o - > song.mid",
        )
    start = time.monotonic()
    with write_to(making.output, endings[0]) as path:
        (made,) = _make(making, range(seed, seed + 1), write)
        _save(made.written, path, making)
    say(f"Done in {time.monotonic() - start:.1f} seconds, with seed {seed}.")


def _make(making: Making, seeds: range, write: Write) -> list[_Made]:
    """The pieces; where they must be original, each is the best of some tries."""
    from ritornello import api

    index = api.training_index(making.model) if making.original else None
    composer = api.Composer.load(making.model)
    with progress("Composing") as watch:
        if index is None:
            pieces = write(composer, seeds[0], len(seeds), watch)
            return [_Made(piece, seed) for piece, seed in zip(pieces, seeds, strict=True)]
        made = []
        for done, seed in enumerate(seeds):
            watch(done, len(seeds))
            made.append(_most_original(composer, seed, write, index))
        return made


def _most_original(composer: Composer, seed: int, write: Write, index: TrainingIndex) -> _Made:
    """One piece; what counts are the bars with new notes."""
    from ritornello import api

    tries: dict[int, Written] = {}

    def make(tried: int) -> Piece:
        (tries[tried],) = write(composer, tried, 1, lambda done, total: None)
        return tries[tried].new_music()

    attempt = api.most_original(make, index, seed=seed)
    return _Made(tries[attempt.seed], seed, attempt)


def _save(written: Written, path: Path, making: Making) -> list[Path]:
    from ritornello import api

    piece, given = written.piece, written.given
    if written.only_new is not None:
        piece, given = written.only_new, None
    if making.stems and path.suffix[1:] in SOUNDS:
        return api.render(piece, path, stems=True, overwrite=making.overwrite)
    return [api.save(piece, path, given=given, overwrite=making.overwrite)]


# --- words ------------------------------------------------------------------------------------


def _facts(made: _Made, files: list[Path]) -> JsonObject:
    """What a person or a program wants to know of a piece."""
    from ritornello.music.piece_facts import facts_of

    piece, attempt = made.written.piece, made.attempt
    facts = {"seed": made.seed, "files": [str(path) for path in files], **facts_of(piece)}
    if made.written.given is not None:
        facts |= _facts_of_a_song(made.written, made.written.given)
    if attempt is not None:
        facts["original"] = {
            "within_limit": attempt.within_limit,
            "tries": attempt.tries,
            "seed": attempt.seed,
            **attempt.originality.as_facts(),
        }
    return facts


def _facts_of_a_song(written: Written, given: Sequence[np.ndarray]) -> dict[str, Any]:
    """What was given and what is new, by part."""
    from ritornello.music.piece_facts import part_names

    names = part_names(written.piece)
    return {
        "given": {
            name: int(old.sum()) for name, old in zip(names, given, strict=True) if old.any()
        },
        "new": {
            name: len(onsets)
            for name, onsets in zip(names, written.new_onsets, strict=True)
            if len(onsets)
        },
        "new_bars": written.new_bars,
        "warnings": written.warnings,
    }


def _print(what: str, rows: list[JsonObject], seconds: float) -> None:
    for row in rows:
        key = f"{row['key']}, " if row["key"] else ""
        minutes, rest = divmod(round(row["seconds"]), 60)
        out.print(
            f"{what} {row['seed']}: {key}{round(row['tempo_bpm'], 1):g} bpm, {row['metre']}, "
            f"{row['bars']} bars, {minutes}:{rest:02d}",
            style="bold",
        )
        for line in _notes(row):
            out.print(f"  {line}", markup=False)
        if tried := row.get("original"):
            tries = "1 try" if tried["tries"] == 1 else f"{tried['tries']} tries"
            kept = "copies no two bars" if tried["within_limit"] else "copies least, but too much"
            out.print(f"  {kept} of the training music ({tries})")
        for path in row["files"]:
            out.print(f"  {path}", markup=False)
    first, last = rows[0]["seed"], rows[-1]["seed"]
    seeds = f"seed {first}" if first == last else f"seeds {first} to {last}"
    say(f"Done in {seconds:.1f} seconds, with {seeds}.")


def _notes(row: JsonObject) -> list[str]:
    """Who plays how many notes; where a song was given, also which of them are new."""
    if "given" not in row:
        return [f"notes: {_count_words(row['parts'])}"]
    if row["new_bars"] is None:
        return [f"given: {_count_words(row['given'])}", "new: nothing"]
    first, last = row["new_bars"]
    bars = f"bar {first}" if first == last else f"bars {first} to {last}"
    return [f"given: {_count_words(row['given'])}", f"new, {bars}: {_count_words(row['new'])}"]


def _count_words(parts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} ({count})" for name, count in parts.items()) or "nothing"
