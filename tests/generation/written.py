"""Pieces that a model wrote by some rules, for tests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ritornello.generation.compose import begin, finished_piece, write
from ritornello.generation.rules import Rules
from ritornello.music.piece import Piece
from ritornello.note_model.engine.reference import Engine

_OF_WRITING = ("sampling", "collections", "watch", "hear")


def compose(engine: Engine, rules: Rules, *, seeds: Sequence[int], **settings: Any) -> list[Piece]:
    """A piece by the rules for each seed; settings are those of `begin` and of `write`."""
    of_writing = {name: settings.pop(name) for name in _OF_WRITING if name in settings}
    writers = begin(engine, rules, seeds=seeds, **settings)
    return [*map(finished_piece, write(engine, writers, **of_writing))]
