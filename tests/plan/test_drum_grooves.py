"""Beats that are stated: as drummers hold them, one for a section."""

from __future__ import annotations

import numpy as np
import pytest

from ritornello.plan.drum_grooves import STATED_KEYS, Beat, Groove, draw_grooves

METRES = {(4, 4): 96, (3, 4): 72, (6, 8): 72, (2, 4): 48}
FORM = ("intro", "verse", "chorus", "verse", "bridge", "chorus", "end")


def drawn(metre: tuple[int, int], songs: int = 300) -> list[Groove]:
    found = [draw_grooves(FORM, metre, np.random.default_rng(seed)) for seed in range(songs)]
    return [groove for one in found for groove in one.values() if groove is not None]


@pytest.mark.parametrize("metre", METRES)
def test_beats_lie_in_the_bar_and_are_of_keys_that_are_stated(metre: tuple[int, int]) -> None:
    for groove in drawn(metre, 50):
        for bar in range(3):
            strokes = groove.beat(bar).strokes()
            assert groove.beat(bar).keys <= STATED_KEYS
            assert all(0 <= tick < METRES[metre] for tick, _, _ in strokes)
            assert len({stroke[:2] for stroke in strokes}) == len(strokes)


def test_the_snare_falls_on_two_and_four_about_as_often_as_in_music() -> None:
    grooves = drawn((4, 4))
    backbeat = [{24, 72} <= set(groove.beat(0).snare) for groove in grooves]
    stated = len(grooves) / (300 * len(set(FORM)))
    assert 0.29 <= np.mean(backbeat) * stated <= 0.45


def test_a_section_that_comes_again_has_its_beat_and_most_have_that_of_the_song() -> None:
    for seed in range(20):
        found = draw_grooves(FORM, (4, 4), np.random.default_rng(seed))
        assert set(found) == set(FORM)
        assert len({id(groove) for groove in found.values()}) <= 5


def test_other_metres_are_left_to_who_plays() -> None:
    found = draw_grooves(FORM, (7, 8), np.random.default_rng(1))
    assert set(found.values()) == {None}


def test_sections_of_other_names_take_turns_with_the_grooves_of_a_drummer() -> None:
    one, other = (Groove((Beat((0,), (24,), (tick,), 42),)) for tick in (0, 12))
    differ = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        found = draw_grooves(["A", "B", "A", "C"], (4, 4), rng, [(one, other)])
        assert set(found) == {"A", "B", "C"}
        assert set(found.values()) <= {one, other}
        differ += found["A"] != found["B"]
    assert 20 <= differ < 36  # mostly
    alone = draw_grooves(["A", "B"], (4, 4), np.random.default_rng(1), [(one,)])
    assert alone == {"A": one, "B": one}
