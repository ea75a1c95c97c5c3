"""Our note model as a partner of given notes: what they tell it, and what it writes with them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ritornello.errors import InputError
from ritornello.generation.composer import Composer
from ritornello.generation.partner import Result
from ritornello.music.grid import on_grid
from ritornello.music.piece import Piece
from ritornello.note_model import checkpoint
from ritornello.note_model.checkpoint import Checkpoint
from ritornello.note_model.encoding import notes, tasks
from ritornello.note_model.encoding.notes import PART, decode_by_part
from ritornello.note_model.encoding.sequences import sequences
from ritornello.note_model.likelihood import evaluate

_UNKNOWN = "study"  # a collection that a model need not have


# --- what given notes tell ------------------------------------------------------------------------


class ConditioningGain(NamedTuple):
    """Nats a composed note, all fields and of the pitch, on the same notes.

    heard, heard_pitch: the given notes are there, past and future, as far as the model looks.
    alone, alone_pitch: they are not; the composed notes are all there is.
    """

    notes: int
    heard: float
    alone: float
    heard_pitch: float
    alone_pitch: float


def conditioning_gain(model: Path, pieces: Sequence[Piece], task: str) -> ConditioningGain:
    """Score composed parts with the given parts and without; told line-up, key and length.

    Both are exact codes of the same notes; their difference is what the given notes tell.

    Args:
        model: a file or the folder that training wrote.
        pieces: those of a single part are left out.
        task: "arrange", "harmonise" or "vary" of `note_model.encoding.tasks.TASKS`, drawn as
            `ritornello.note_model.likelihood.evaluate` draws it.

    Raises:
        InputError: if no piece has two parts. CheckpointError: if there is no such model.
    """
    known = checkpoint.load(checkpoint.find(model))
    whole = [piece for piece in (on_grid(piece)[0] for piece in pieces) if len(piece.tracks) > 1]
    apart = [_composed_parts(piece, task, number, known) for number, piece in enumerate(whole)]
    heard, alone = (
        evaluate(known, [(_UNKNOWN, piece) for piece in kind], controls="given", task=asked)
        for kind, asked in ((whole, task), (apart, "compose"))
    )
    return ConditioningGain(
        heard["notes"],
        heard["nats_per_note"],
        alone["nats_per_note"],
        heard["fields"]["pitch"],
        alone["fields"]["pitch"],
    )


def _composed_parts(piece: Piece, task: str, number: int, known: Checkpoint) -> Piece:
    """The parts that `evaluate` has composed in the piece of a number."""
    rng = np.random.default_rng(number)
    rows = sequences(piece, None, len(known.collections), rng=rng, task=task)
    parts = rows.fields[:, PART]
    chosen = np.unique(parts[(rows.counts == tasks.COMPOSED) & notes.is_note(parts)]).tolist()
    tracks = decode_by_part(rows.fields)
    return replace(piece, tracks=tuple(tracks[part] for part in tracks if part in chosen))


# --- what is written with them --------------------------------------------------------------------


@dataclass(frozen=True)
class Answers:
    """What a model made of songs.

    Attributes:
        answered: indices of the songs that something was written for.
        pieces: these songs with what was written; their own tracks come first.
        warnings: how the model hears each of them otherwise than it is written.
        refused: how many others there are.
    """

    answered: tuple[int, ...]
    pieces: tuple[Piece, ...]
    warnings: tuple[tuple[str, ...], ...]
    refused: int


def continue_songs(model: Path, songs: Sequence[Piece], bars: int, *, seed: int) -> Answers:
    """Let a model go on after songs from bar to bar, the end left open; see `arrange_songs`."""
    composer = Composer.load(model)
    return _answers(
        songs,
        lambda index: composer.continue_(
            songs[index], bars, form="none", ending=False, seed=seed + index
        ),
    )


def arrange_songs(
    model: Path, songs: Sequence[Piece], add: Sequence[Sequence[str]], *, seed: int
) -> Answers:
    """Let a model put parts beside songs.

    Args:
        model: a file or the folder that training wrote. songs: whose notes are given.
        add: names of instruments for each song.
        seed: of the first song; each has the next.

    Raises:
        CheckpointError: if there is no such model.
    """
    composer = Composer.load(model)
    return _answers(
        songs, lambda index: composer.arrange(songs[index], add[index], seed=seed + index)
    )


def _answers(songs: Sequence[Piece], answer: Callable[[int], Result]) -> Answers:
    """What came of asking for each song, by its index; songs that are refused are counted."""
    results: dict[int, Result] = {}
    with _unsaid_warnings():
        for index in range(len(songs)):
            try:
                results[index] = answer(index)
            except InputError:
                continue
    pieces = tuple(result.piece for result in results.values())
    warnings = tuple(result.warnings for result in results.values())
    return Answers(tuple(results), pieces, warnings, len(songs) - len(results))


@contextmanager
def _unsaid_warnings() -> Iterator[None]:
    """A context in which what a model reads otherwise than written is not logged.

    A report counts it in the results; for hundreds of songs it would be as many lines of a console.
    """
    log = logging.getLogger("ritornello.generation")
    before = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(before)
