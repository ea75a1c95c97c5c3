"""Wishes act: density by part, loudness, scales of one's own; a variation stays what it was."""

from __future__ import annotations

import numpy as np
import pytest

from ritornello.errors import ConfigError
from ritornello.generation.compose import write
from ritornello.generation.edit import verbs
from ritornello.generation.edit.plans import finish
from ritornello.generation.rules import Rules
from ritornello.generation.writer import Writer
from ritornello.music.piece import Piece, Track
from ritornello.note_model.engine.reference import Engine
from tests.generation.written import compose

SCALE = (0, 2, 3, 7, 8)


@pytest.mark.parametrize("asked", [0.5, 1.5, 4.0])
def test_a_part_is_as_dense_as_asked(engine: Engine, asked: float) -> None:
    rules = Rules(bars=8, metre="4/4", parts=("piano", "bass"), densities={"piano": asked})
    (piece,) = compose(engine, rules, seeds=[3])
    piano = next(track for track in piece.tracks if track.label.lower() == "piano")
    leeway = max(3, 2 * asked) + asked * 4  # and the last bar holds a chord alone
    assert abs(len(piano) - asked * 32) <= leeway


@pytest.mark.parametrize("asked", [30, 64, 110])
def test_a_piece_is_as_loud_as_asked(engine: Engine, asked: float) -> None:
    (piece,) = compose(engine, Rules(bars=4, parts=("piano",), loudness=asked), seeds=[1])
    assert abs(float(piece.tracks[0].notes["velocity"].mean()) - asked) < 2


@pytest.mark.parametrize(
    ("asked", "velocity"), [("soft", 49), ("mf", 80), (" Loud ", 96), ("ff", 112), ("70", 70)]
)
def test_loudness_is_asked_for_in_words_and_marks(asked: str, velocity: int) -> None:
    assert Rules(loudness=asked).loudness == velocity


@pytest.mark.parametrize("scale", [SCALE, "0 2 3 7 8", "8, 7, 3, 2, 0", "C D Eb G Ab"])
def test_a_scale_of_ones_own_is_kept(engine: Engine, scale: str | tuple[int, ...]) -> None:
    rules = Rules(bars=4, parts=("piano", "bass", "drums"), scale=scale)
    assert rules.scale == SCALE
    (piece,) = compose(engine, rules, seeds=[2])
    pitched = [track.notes["pitch"] % 12 for track in piece.tracks if not track.is_drum]
    assert set(np.concatenate(pitched).tolist()) <= {*SCALE}


@pytest.mark.parametrize("players", [("violin", "viola", "cello"), ("piano", "bass")])
def test_the_bass_of_a_chord_is_played_where_it_is_stated(
    engine: Engine, players: tuple[str, ...]
) -> None:
    rules = Rules(bars=4, parts=players, chords="C/E Am/G", ending=False)
    (piece,) = compose(engine, rules, seeds=[3])
    low = min(piece.tracks, key=lambda track: track.instrument)
    bar, beat = 4 * piece.resolution, piece.resolution
    for onset, _, pitch, _ in low.notes.tolist():
        if onset % beat == 0:
            assert pitch % 12 == (4, 7)[onset // bar % 2]


@pytest.mark.parametrize(
    "asked",
    [
        {"scale": "0 2 13"},
        {"scale": "blue"},
        {"scale": ()},
        {"loudness": 0},
        {"loudness": "hushed"},
        {"loudness": "200"},
    ],
)
def test_what_is_no_scale_or_loudness_is_refused(asked: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        Rules(**asked)  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", range(3))
def test_a_variation_keeps_its_scale_and_its_density(engine: Engine, seed: int) -> None:
    rows = [(beat * 24, 24, (69, 72, 76, 74)[beat % 4], 80) for beat in range(32)]
    song = Piece((Track(rows, 73),), 24)
    plan = verbs.vary_job(song, [0], rules=Rules())
    writer = Writer.start(plan.job, np.random.default_rng(seed))
    write(engine, [writer])
    notes = finish(plan, writer).piece.tracks[0].notes
    assert set((notes["pitch"] % 12).tolist()) <= {9, 0, 4, 2}
    assert 24 <= len(notes) <= 40
