"""Every note is read once before any is read again, however many processes share the rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ritornello.note_model.encoding.notes import VELOCITIES, VELOCITY
from ritornello.training.batches import ReadAhead, Rows
from ritornello.training.reading_order import ReadingOrder
from tests.examples import MemoryCorpus, band


def order(notes: list[int], longest: int = 100, **options: Any) -> ReadingOrder:
    names = options.pop("names", ["all"] * len(notes))
    shares = options.pop("shares", None)
    pieces = np.arange(10, 10 + len(notes))
    return ReadingOrder(
        pieces, np.array(notes), names, shares, longest, seed=options.pop("seed", 0)
    )


@given(
    st.lists(st.integers(1, 900), min_size=1, max_size=12),
    st.integers(0, 5),
    st.integers(0, 3),
)
def test_an_epoch_has_every_event_of_every_piece_once(
    notes: list[int], seed: int, epoch: int
) -> None:
    made = order(notes, seed=seed)
    (count,) = made.epoch_excerpts
    read = {10 + index: np.zeros(length, int) for index, length in enumerate(notes)}
    for number in range(epoch * count, (epoch + 1) * count):
        excerpt = made[number]
        assert excerpt.epoch == epoch
        events = excerpt.events(notes[excerpt.piece - 10])
        assert events.stop - events.start <= 101
        read[excerpt.piece][events] += 1
    assert all((times == 1).all() for times in read.values())


def test_pieces_are_cut_elsewhere_in_each_epoch() -> None:
    made = order([1000])
    (count,) = made.epoch_excerpts
    edges = [{made[epoch * count + at].start for at in range(count)} for epoch in range(5)]
    assert all(edges[0] & other == {0.0} for other in edges[1:])


def test_shares_are_of_notes_though_excerpts_differ_in_length() -> None:
    names = ["short"] * 50 + ["long"] * 5
    made = order([10] * 50 + [1000] * 5, names=names, shares={"short": 0.2, "long": 0.8})
    read = dict.fromkeys(("short", "long"), 0.0)
    for number in range(20_000):
        excerpt = made[number]
        length = 10 if excerpt.piece < 60 else 1000
        read["short" if length == 10 else "long"] += (excerpt.end - excerpt.start) * length
    assert read["short"] / sum(read.values()) == pytest.approx(0.2, abs=0.01)


def test_collections_without_a_share_are_left_out() -> None:
    made = order([10] * 4, names=["a", "a", "b", "c"], shares={"a": 1.0, "b": 0.0})
    assert {made[number].piece for number in range(100)} == {10, 11}


@pytest.mark.parametrize("processes", [1, 2, 3])
def test_processes_share_an_epoch_without_a_note_lost_or_doubled(processes: int) -> None:
    music = MemoryCorpus([band(seed, bars=4 + seed % 3) for seed in range(14)])
    batch, notes = 6, 0
    for process in range(processes):
        own = range(batch * process // processes, batch * (process + 1) // processes)
        rows = Rows(
            music, shares=None, batch=batch, chunk=16, seed=1, tasks=False, augment=False, own=own
        )
        counted = np.zeros(len(own), int)
        while (rows.drawn <= 2).any():  # two excerpts of each row are all twelve
            read, _ = rows.next()
            counted += (read.fields[..., VELOCITY] < VELOCITIES).sum(0) * (rows.drawn <= 2)
        notes += int(counted.sum())
    assert notes == int(music.note_counts[music.indices("train")].sum())


def test_what_is_read_ahead_is_not_counted_as_read() -> None:
    def rows() -> Rows:
        music = MemoryCorpus([band(seed) for seed in range(6)])
        return Rows(music, shares=None, batch=2, chunk=16, seed=0)

    plain, ahead = rows(), ReadAhead(rows())
    for _ in range(12):
        batch, starts = plain.next()
        reading = ahead.next()
        assert (starts == reading.starts).all()
        assert (batch.fields == reading.batch.fields).all()
        assert (plain.drawn == reading.drawn).all()
        assert (plain.offset == reading.offset).all()
