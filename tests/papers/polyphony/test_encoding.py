"""Frames have one spelling each, and the context of a frame knows nothing but the past."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ritornello.papers.polyphony import encoding as frames

LAGS = (2, 4)
_PITCHES = st.integers(frames.LOWEST_PITCH, frames.LOWEST_PITCH + frames.PITCHES - 1)
_SETS = st.lists(st.sets(_PITCHES, max_size=6).map(sorted), min_size=2, max_size=12)
_VOICES = st.lists(st.lists(_PITCHES | st.just(-1), min_size=4, max_size=4), min_size=2, max_size=9)


@given(_SETS)
def test_a_set_comes_back_from_its_spelling(piece: list[list[int]]) -> None:
    roll = frames.encode_sets(piece)
    slots = frames.spell(roll)
    assert (frames.decode(slots, len(roll), 1) == roll).all()
    assert len(slots.target) == sum(map(len, piece)) + len(piece)


@given(_VOICES)
def test_a_chorale_frame_comes_back_from_its_spelling(piece: list[list[int]]) -> None:
    roll = frames.encode_voices(piece)
    slots = frames.spell(roll)
    assert (frames.decode(slots, len(roll), 4) == roll).all()
    assert len(slots.target) == 4 * len(piece)


@given(_SETS)
def test_a_spelling_is_legal_and_its_prefix_is_what_came_before(piece: list[list[int]]) -> None:
    slots = frames.spell(frames.encode_sets(piece))
    assert slots.legal[np.arange(len(slots.target)), slots.target].all()
    for slot, frame in enumerate(slots.frame):
        earlier = slots.target[(slots.frame == frame) & (np.arange(len(slots.frame)) < slot)]
        assert np.flatnonzero(slots.prefix[slot, 0]).tolist() == earlier.tolist()
        above = np.arange(frames.CLASSES) > (earlier.max() if len(earlier) else -1)
        assert (slots.legal[slot] == above).all()


@settings(max_examples=50)
@given(_SETS, st.data())
def test_the_context_does_not_change_with_the_future(
    piece: list[list[int]], data: st.DataObject
) -> None:
    roll = frames.encode_sets(piece)
    known = data.draw(st.integers(1, len(roll)))
    whole, part = frames.context(roll, LAGS), frames.context(roll[:known], LAGS)
    assert (whole.sources[: known - 1] == part.sources).all()
    assert (whole.scalars[: known - 1] == part.scalars).all()
    assert (whole.sources <= np.arange(len(roll) - 1)[:, None]).all()


def test_a_passage_that_returns_is_found_with_what_followed() -> None:
    theme = [[60], [62], [64], [65]]
    roll = frames.encode_sets([*theme, [72], *theme])
    sources = frames.context(roll, LAGS).sources
    # After the second D the frame that followed the first one, and after the second F the C.
    first_match = sources[:, frames.RECENT + len(LAGS)]
    assert first_match[6] == 2
    assert first_match[7] == 3


@pytest.mark.parametrize("encode", [frames.encode_sets, frames.encode_voices])
def test_a_frame_of_one_pitch_is_where_it_belongs(encode: Callable[..., Any]) -> None:
    roll = encode([[21, -1, -1, -1] if encode is frames.encode_voices else [21], [108] * 4])
    assert roll[0, 0, 0]
    assert roll[0].sum() == 1
    assert roll[1, 0, frames.PITCHES - 1]
