"""Our note model as a partner of given notes: what they tell it, and what it writes with them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ritornello.errors import InputError
from ritornello.generation.edit import verbs
from ritornello.generation.edit.join import by_part
from ritornello.generation.edit.perform import perform
from ritornello.generation.edit.plans import Plan
from ritornello.generation.rules import Rules
from ritornello.music.grid import on_grid
from ritornello.music.piece import Piece
from ritornello.note_model import checkpoint
from ritornello.note_model.checkpoint import Checkpoint
from ritornello.note_model.encoding import notes, tasks
from ritornello.note_model.encoding.ngrams import known_instruments
from ritornello.note_model.encoding.notes import PART
from ritornello.note_model.encoding.sequences import sequences
from ritornello.note_model.engine import open_engine
from ritornello.note_model.likelihood import evaluate

_UNKNOWN = "study"  # a collection that a model need not have


# --- what given notes tell ------------------------------------------------------------------------


class Hearing(NamedTuple):
    """Nats a composed note, all fields and of the pitch, on the same notes.

    heard, heard_pitch: the given notes are there, past and future, as far as the model looks.
    alone, alone_pitch: they are not; the composed notes are all there is.
    """

    notes: int
    heard: float
    alone: float
    heard_pitch: float
    alone_pitch: float


def hearing(model: Path, pieces: Sequence[Piece], task: str) -> Hearing:
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
    apart = [_composed(piece, task, number, known) for number, piece in enumerate(whole)]
    heard, alone = (
        evaluate(known, [(_UNKNOWN, piece) for piece in kind], controls="given", task=asked)
        for kind, asked in ((whole, task), (apart, "compose"))
    )
    return Hearing(
        heard["notes"],
        heard["nats_per_note"],
        alone["nats_per_note"],
        heard["fields"]["pitch"],
        alone["fields"]["pitch"],
    )


def _composed(piece: Piece, task: str, number: int, known: Checkpoint) -> Piece:
    """The parts that `evaluate` has composed in the piece of a number."""
    rng = np.random.default_rng(number)
    rows = sequences(piece, None, len(known.collections), rng=rng, task=task)
    parts = rows.fields[:, PART]
    chosen = np.unique(parts[(rows.counts == tasks.COMPOSED) & notes.is_note(parts)]).tolist()
    tracks = by_part(rows.fields)
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


def continued(model: Path, songs: Sequence[Piece], bars: int, *, seed: int) -> Answers:
    """Let a model go on after songs, the end left open; arguments as of `arranged`."""
    rules = Rules(ending=False)
    jobs = [partial(verbs.continue_job, song, bars, rules=rules) for song in songs]
    return _answers(model, jobs, seed)


def arranged(
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
    jobs = [
        partial(verbs.arrange_job, song, names, rules=Rules())
        for song, names in zip(songs, add, strict=True)
    ]
    return _answers(model, jobs, seed)


def _answers(model: Path, jobs: Sequence[Callable[..., Plan]], seed: int) -> Answers:
    made = checkpoint.load(checkpoint.find(model))
    known = known_instruments(made.baseline) if made.baseline else None
    plans = {}
    for index, job in enumerate(jobs):
        try:
            plans[index] = job(known=known)
        except InputError:
            continue
    pieces = perform(
        open_engine(made),
        [*plans.values()],
        [seed + index for index in plans],
        collections=made.collections,
    )
    warnings = tuple(plan.warnings for plan in plans.values())
    return Answers(tuple(plans), pieces, warnings, len(jobs) - len(plans))
