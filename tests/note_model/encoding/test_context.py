"""Computed inputs: the whole piece at once and one event at a time agree."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ritornello.music.io import read
from ritornello.music.piece import Metre, Piece
from ritornello.note_model.encoding import context, notes, tasks
from ritornello.note_model.encoding.bar_grid import BARS_LEFT_UNKNOWN, Grid
from ritornello.note_model.encoding.bar_plan import GROUPS, BarPlan
from ritornello.note_model.encoding.context import CONTEXT_COLUMN, ECHO, MEMORY, PLACE
from ritornello.note_model.encoding.tasks import TASKS
from ritornello.note_model.encoding.tracker import Tracker
from ritornello.plan.analysis import analyse
from tests.examples import band
from tests.strategies import pieces


def assert_tracker_agrees(piece: Piece, name: str, seed: int, most: int = 3000) -> None:
    encoded = notes.encode(piece)
    told = BarPlan.of(analyse(piece), GROUPS[seed % 8 :]) if seed % 4 else None
    rng = np.random.default_rng(seed)
    task = tasks.task(name, encoded, rng, end_given=bool(seed % 2))
    seen = tasks.look_ahead(encoded, task, chords=bool(seed % 3))
    inputs = context.compute(encoded, task.known, seen, told)
    tracker = Tracker(Grid(encoded.metres, encoded.length_ticks), seen, told)
    for index, event in enumerate(encoded.fields[:most].tolist()):
        shift, part, pitch, *_ = event
        start, length = tracker.bar
        assert start <= tracker.onset_ticks < start + length
        assert tracker.context() == inputs.context[index].tolist()
        assert list(tracker.place(shift)) == inputs.place[index].tolist()
        assert list(tracker.memory(shift, part)) == inputs.memory[index].tolist()
        assert list(tracker.echo(part, pitch)) == inputs.echo[index].tolist()
        tracker.advance(tuple(event))


@settings(max_examples=60)
@given(pieces(bars=6), st.sampled_from([*TASKS]), st.integers(0, 99))
def test_tracker_equals_the_whole_piece(piece: Piece, task: str, seed: int) -> None:
    if piece.note_count:
        assert_tracker_agrees(piece, task, seed)


@pytest.mark.data
def test_tracker_equals_the_whole_piece_on_real_music(data_dir: Path) -> None:
    for name in ("freedoom_midi", "openscore_quartets_midi"):
        path = sorted((data_dir / name).rglob("*.mid"))[3]
        for seed, task in enumerate(TASKS):
            assert_tracker_agrees(read(path), task, seed, most=600)


@settings(max_examples=40)
@given(pieces(), st.sampled_from([*TASKS]), st.integers(0, 99))
def test_every_input_is_a_class_of_its_column(piece: Piece, name: str, seed: int) -> None:
    if not piece.note_count:
        return
    encoded = notes.encode(piece)
    task = tasks.task(name, encoded, np.random.default_rng(seed), end_given=True)
    inputs = context.compute(encoded, task.known, tasks.look_ahead(encoded, task, chords=True))
    tables = ((inputs.context, context.CONTEXT), (inputs.place, PLACE),
              (inputs.memory, MEMORY), (inputs.echo, ECHO))  # fmt: skip
    for table, sizes in tables:
        assert (table >= 0).all()
        assert (table < np.array([*sizes.values()])).all()


def test_the_lookback_foretells_a_repeated_bar() -> None:
    encoded = notes.encode(band(bars=8))
    inputs = context.compute(encoded)
    first = CONTEXT_COLUMN["shift_4_bars_ago"]
    told = inputs.context[:, first : first + 3]  # shift, part, pitch
    later = encoded.onsets_ticks >= 4 * 96
    later[-1] = False  # the end of the piece is no repetition
    later[np.flatnonzero(later)[0]] = False  # its lookback starts before the piece
    np.testing.assert_array_equal(told[later], encoded.fields[later, :3])


def test_a_copied_tracker_goes_its_own_way() -> None:
    events = [tuple(row) for row in notes.encode(band()).fields.tolist()]
    tracker = Tracker(Grid(band().metres, 8 * 96))
    for event in events[:40]:
        tracker.advance(event)
    twin = tracker.copy()
    before = twin.context()
    for event in events[40:60]:
        tracker.advance(event)
    assert twin.context() == before
    for event in events[40:60]:
        twin.advance(event)
    assert twin.context() == tracker.context()


def test_music_without_an_end_is_counted_like_music_with_one() -> None:
    metres = (Metre(0, 4, 4), Metre(96 * 3, 7, 8))
    endless, long = Grid(metres, None), Grid(metres, 96 * 3 + 84 * 6000)
    left = list(PLACE).index("bars_left")
    for tick in (0, 95, 96 * 3, 96 * 3 + 84 * 17 + 5, 96 * 3 + 84 * 5500 + 83):
        place, rest, length = endless.locate_one(tick)
        expected, expected_rest, expected_length = long.locate_one(tick)
        assert place[:left] == expected[:left]
        assert (rest, length) == (expected_rest, expected_length)
        assert place[left] == BARS_LEFT_UNKNOWN
