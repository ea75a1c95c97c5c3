"""Music swings where it is asked to, and where what is given swings: every off-beat of it."""

from __future__ import annotations

import numpy as np
import pytest

from ritornello.errors import ConfigError
from ritornello.generation.compose import write
from ritornello.generation.edit import verbs
from ritornello.generation.edit.plans import finish
from ritornello.generation.rules import Rules
from ritornello.generation.writer import Writer as NoteWriter
from ritornello.music.piece import Piece, Track
from ritornello.note_model.engine.reference import Engine
from ritornello.plan.swing import even_swing
from tests.generation.written import compose


def places(piece: Piece, tracks: list[Track]) -> set[int]:
    """Where in a quarter notes begin, in its twelfths."""
    onsets = np.concatenate([track.notes["onset"] for track in tracks])
    return set((onsets % piece.resolution * 12 // piece.resolution).tolist())


def given_band() -> Piece:
    rows = [(tick, 12, 40 + tick // 12 % 5, 90) for tick in range(0, 8 * 96, 12)]
    straight = Piece((Track(rows, 33),), 24)
    played = even_swing(straight, 2.0).play(straight.tracks[0], 24)
    return Piece((played,), 24)


@pytest.mark.parametrize("seed", range(3))
def test_a_piece_that_is_asked_to_swing_does(engine: Engine, seed: int) -> None:
    rules = Rules(bars=4, metre="4/4", parts=("piano", "bass"), swing=2.0)
    (piece,) = compose(engine, rules, seeds=[seed])
    assert places(piece, [*piece.tracks]) <= {0, 4, 8, 10}
    assert piece.bar_count == 4


@pytest.mark.parametrize("seed", range(3))
def test_who_joins_a_band_that_swings_swings(engine: Engine, seed: int) -> None:
    song = given_band()
    for plan in (
        verbs.arrange_job(song, ["saxophone", "drums"], rules=Rules()),
        verbs.continue_job(song, 4, rules=Rules()),
        verbs.fill_job(song, 3, 4, rules=Rules()),
    ):
        writer = NoteWriter.start(plan.job, np.random.default_rng(seed))
        write(engine, [writer])
        made = finish(plan, writer)
        new = [
            Track(track.notes[~given])
            for track, given in zip(made.piece.tracks, made.given, strict=True)
        ]
        assert places(made.piece, new) <= {0, 4, 8, 10}
        kept = made.piece.tracks[0].notes[made.given[0]]["onset"]
        assert set(kept.tolist()) <= set(song.tracks[0].notes["onset"].tolist())


@pytest.mark.parametrize("asked", [{"swing": 0.5}, {"swing": 4}, {"swing": 2, "metre": "6/8"}])
def test_a_swing_that_cannot_be_is_refused(asked: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        Rules(**asked)  # type: ignore[arg-type]
