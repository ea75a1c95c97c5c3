"""Nothing of a piece is lost in JSON, and what is no piece is refused in words."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ritornello.errors import RitornelloError
from ritornello.music.piece import Piece
from ritornello.studio.piece_json import piece_from_json, piece_to_json
from tests.strategies import full_pieces

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)


@settings(max_examples=40)
@given(full_pieces())
def test_a_piece_comes_back_from_json(piece: Piece) -> None:
    assert piece_from_json(json.loads(json.dumps(piece_to_json(piece)))) == piece


@settings(max_examples=200)
@given(
    st.dictionaries(
        st.sampled_from(["tracks", "tempos", "metres", "keys", "resolution", "chords", "title"]),
        anything,
    )
    | st.builds(lambda track: {"tracks": [track]}, anything)
    | st.builds(lambda notes: {"tracks": [{"notes": notes}]}, anything)
    | anything
)
def test_whatever_is_no_piece_is_refused_or_read(value: object) -> None:
    try:
        piece_from_json(value)
    except RitornelloError:
        return


@pytest.mark.parametrize(
    "notes", [[[0, 1]], [[-1, 2, 60, 80]], [[0, 0, 60, 80]], [[0, 1, 128, 80]], [["a", 1, 2, 3]]]
)
def test_notes_that_cannot_be_are_refused(notes: list[list[object]]) -> None:
    with pytest.raises(RitornelloError):
        piece_from_json({"tracks": [{"notes": notes}]})
