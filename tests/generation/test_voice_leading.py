"""Voices that are led by the rules have none of the faults that are counted in music."""

from __future__ import annotations

from random import Random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ritornello.generation.voice_leading import VoiceLeading
from ritornello.metrics.voice_leading_faults import faults
from ritornello.note_model.encoding.notes import SIZES

BEAT = 24
RANGES = ((60, 79), (53, 74), (48, 67), (36, 60))
VOICES = (40, 41, 42, 43)
CLEAN = ("crossings", "parallel_fifths", "parallel_octaves", "wide_spacings")


def in_range(low: int, high: int) -> np.ndarray:
    legal = np.zeros(SIZES[2], bool)
    legal[low : high + 1] = True
    return legal


@given(
    melody=st.lists(st.integers(60, 79), min_size=2, max_size=12),
    draws=st.randoms(use_true_random=False),
)
def test_chords_sung_by_the_rules_have_no_faults(melody: list[int], draws: Random) -> None:
    voices = VoiceLeading(VOICES)
    rows = []
    for beat, pitch in enumerate(melody):
        voices.advance(beat * BEAT, VOICES[0], pitch, BEAT)
        row = [pitch]
        for part, (low, high) in zip(VOICES[1:], RANGES[1:], strict=True):
            legal = voices.apply_rules(in_range(low, high), part, beat * BEAT)
            row.append(draws.choice(np.flatnonzero(legal).tolist()))
            voices.advance(beat * BEAT, part, row[-1], BEAT)
        rows.append(row)
    found = faults(np.array(rows))
    assert {name: found[name] for name in CLEAN} == dict.fromkeys(CLEAN, 0)


def test_who_is_no_voice_and_who_has_no_choice_is_left_alone() -> None:
    voices = VoiceLeading(VOICES)
    voices.advance(0, VOICES[0], 60, BEAT)
    trombone = in_range(70, 72)
    assert voices.apply_rules(trombone, 7, 0) is trombone
    assert voices.apply_rules(trombone, VOICES[1], 0).sum() == 3, "all of them are above the melody"


def test_a_copy_goes_its_own_way() -> None:
    voices = VoiceLeading(VOICES)
    twin = voices.copy()
    voices.advance(0, VOICES[0], 60, BEAT)
    assert twin.apply_rules(in_range(70, 72), VOICES[1], 0).sum() == 3
    assert voices.apply_rules(in_range(55, 62), VOICES[1], 0).sum() == 6
    assert twin.apply_rules(in_range(55, 62), VOICES[1], 0).sum() == 8
