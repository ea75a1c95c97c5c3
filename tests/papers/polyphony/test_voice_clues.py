"""What is told before a note of a voice is the same in every key and knows nothing that follows."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ritornello.papers.polyphony import encoding as frames
from ritornello.papers.polyphony.voice_clues import VoiceClues

VOICES = 4
_PITCHES = st.integers(45, 80)
_FRAMES = st.lists(
    st.lists(_PITCHES | st.just(-1), min_size=VOICES, max_size=VOICES), min_size=2, max_size=24
)


def _clues(piece: list[list[int]]) -> VoiceClues:
    found = frames.context(frames.encode_voices(piece), (2, 4)).clues
    assert found is not None
    return found


@settings(max_examples=60)
@given(_FRAMES, _FRAMES, st.data())
def test_clues_tell_nothing_of_the_note_itself_and_of_what_follows(
    piece: list[list[int]], other: list[list[int]], data: st.DataObject
) -> None:
    frame = data.draw(st.integers(1, len(piece) - 1))
    voice = data.draw(st.integers(0, VOICES - 1))
    changed = [*piece[:frame], piece[frame][:voice] + other[0][voice:], *other[1:]]
    one, two = _clues(piece), _clues(changed)
    assert one.table == two.table
    for name in ("rows", "tones"):
        before, after = getattr(one, name), getattr(two, name)
        assert (before[: frame - 1] == after[: frame - 1]).all()
        assert (before[frame - 1, : voice + 1] == after[frame - 1, : voice + 1]).all()
    assert one.rows.min() >= 0
    assert one.rows.max() < one.table


@settings(max_examples=40)
@given(_FRAMES, st.integers(-6, 6))
def test_clues_are_the_same_in_every_key(piece: list[list[int]], shift: int) -> None:
    # A voice that has not sung yet is told as one that holds some note of the keyboard.
    piece = [[60, 57, 53, 48], *piece]
    moved = [[pitch + shift if pitch >= 0 else -1 for pitch in frame] for frame in piece]
    one, two = _clues(piece), _clues(moved)
    assert (one.rows == two.rows).all()
    np.testing.assert_allclose(one.tones, two.tones, atol=1e-5)


def test_a_step_that_followed_before_is_told_in_another_key() -> None:
    tune = [60, 62, 64, 60, 65]
    melody = [*tune, 50, *(pitch + 3 for pitch in tune[:-1])]
    found = [_clues([[pitch, 50, 45, 40] for pitch in end]).rows[-1, 0] for end in (
        [*melody, 68], [*melody, 70], [*melody[:-1], 64, 68]
    )]  # fmt: skip
    assert (found[0] == found[1]).all()
    assert (found[0] != found[2]).any()
