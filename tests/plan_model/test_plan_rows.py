"""Plans as rows: one spelling, and the same plan again but for what classes round."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings

from ritornello.music.piece import Piece
from ritornello.plan.analysis import analyse
from ritornello.plan.plan import OPEN
from ritornello.plan.players import Player
from ritornello.plan.song_form import form_plan, parse_form
from ritornello.plan_model.network_inputs import inputs, mode_of_key
from ritornello.plan_model.past import HEADS, LEGAL, PLAYER, TRUNK
from ritornello.plan_model.plan_rows import (
    BEGINS,
    FIELDS,
    LABEL,
    LABEL_NEW,
    LABEL_SAME,
    SIZES,
    plan_of,
    rows_of,
)
from tests.plan.songs import phrase, song
from tests.strategies import pieces


@settings(max_examples=60)
@given(pieces(bars=12))
def test_rows_are_read_as_they_were_written(piece: Piece) -> None:
    if not piece.note_count:
        return
    plan = analyse(piece)
    rows = rows_of(plan)
    again = plan_of(rows, plan.metres, plan.key)
    for name in ("back", "close", "chords", "plays", "feel"):
        np.testing.assert_array_equal(getattr(again, name), getattr(plan, name))
    assert [s.bars for s in again.sections] == [s.bars for s in plan.sections]
    twice = rows_of(again)
    np.testing.assert_array_equal(twice.fields, rows.fields)
    np.testing.assert_array_equal(twice.plays, rows.plays)


def test_sections_are_named_by_how_long_ago_they_were() -> None:
    plan = form_plan(parse_form("verse 2, chorus 2, verse 2, verse 2, bridge 2, chorus 2"))
    rows = rows_of(plan)
    begins = rows.fields[:, BEGINS] == 1
    assert begins.tolist() == [True, False] * 6
    assert rows.fields[begins, LABEL].tolist() == [
        LABEL_NEW, LABEL_NEW, LABEL_SAME + 1, LABEL_SAME, LABEL_NEW, LABEL_SAME + 2,
    ]  # fmt: skip
    others = [name for name in FIELDS if name not in ("begins", "label")]
    assert all((rows.fields[:, FIELDS.index(name)] == OPEN).all() for name in others)


def test_a_transposed_piece_has_the_same_rows() -> None:
    piece = song(phrase(1), phrase(2))
    here, there = rows_of(analyse(piece)), rows_of(analyse(piece.transposed(3)))
    np.testing.assert_array_equal(here.fields, there.fields)


@settings(max_examples=60)
@given(pieces(bars=12))
def test_what_is_true_is_legal_and_every_input_is_a_class_of_its_column(piece: Piece) -> None:
    if not piece.note_count:
        return
    plan = analyse(piece)
    found = inputs(rows_of(plan), mode_of_key(plan.key))
    bars = np.arange(len(found))
    assert (found.candidates[bars, found.fields[:, FIELDS.index("back")]] & LEGAL).all()
    assert found.legal_begins[bars, found.fields[:, BEGINS]].all()
    start = found.fields[:, BEGINS] == 1
    assert found.legal_labels[start][np.arange(start.sum()), found.fields[start, LABEL]].all()
    tables = [(found.trunk, TRUNK), (found.players, PLAYER)]
    tables += [(found.heads[name], HEADS[name]) for name in FIELDS]
    for table, sizes in tables:
        if table.size:
            assert (table >= 0).all()
            assert (table < np.array(sizes)).all()
    assert len(SIZES) == len(FIELDS)


def test_a_bar_knows_the_same_place_of_the_section_before() -> None:
    piece = song(phrase(1), phrase(2), phrase(1))
    rows = rows_of(analyse(piece))
    found = inputs(rows, 0)
    same_name, nearest = 2, 4
    assert found.candidates[20, 16] & same_name  # the first A, four bars in
    assert found.candidates[20, 16] & nearest
    assert not (found.candidates[20, 8] & same_name)  # B
    assert [Player(p.instrument, p.desk) for p in rows.players] == list(rows.players)
