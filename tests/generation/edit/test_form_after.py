"""A song that goes on has a form: what came in it comes back, with something new between."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ritornello import api
from ritornello.errors import ConfigError
from ritornello.generation.edit.form_after import sections_after
from ritornello.music.piece import Metre, Piece, Track
from ritornello.plan.sections import END, INTRO, Section

BAR = 4 * 480
TUNE = [60, 62, 64, 65, 67, 65, 64, 62, 60, 64, 67, 72, 71, 67, 65, 62]
TUNE += [69, 69, 67, 69, 71, 69, 67, 65, 64, 65, 67, 69, 65, 64, 62, 59]


def song() -> Piece:
    """A tune over a bass and drums, eight bars of four beats."""
    lead = [(480 * beat, 400, pitch, 80) for beat, pitch in enumerate(TUNE)]
    bass = [(BAR * bar, BAR - 80, pitch - 24, 80) for bar, pitch in enumerate(TUNE[::4])]
    strokes = [(480 * beat, 60, 38 if beat % 2 else 36, 90) for beat in range(len(TUNE))]
    drums = Track(strokes, is_drum=True, name="drums")
    tracks = Track(lead, program=73, name="flute"), Track(bass, program=33, name="bass"), drums
    return Piece(tracks, resolution=480, length_ticks=8 * BAR)


def bars_of(piece: Piece, track: int) -> list[list[tuple[int, int]]]:
    """Onset in its bar and pitch of the notes of each bar at 480 ticks a quarter."""
    found: list[list[tuple[int, int]]] = [[] for _ in range(piece.bar_count)]
    for onset, _, pitch, _ in piece.at_resolution(480).tracks[track].notes.tolist():
        found[onset // BAR].append((onset % BAR, pitch))
    return found


@pytest.fixture(scope="module")
def composer() -> api.Composer:
    return api.Composer.load()


def again(piece: Piece) -> int:
    """How many times one of the three plays a bar of the song again behind it."""
    found = [bars_of(piece, track) for track in range(3)]
    return sum(bars[bar] in bars[:8] for bars in found for bar in range(8, piece.bar_count))


def test_a_section_that_is_asked_for_again_comes_back(composer: api.Composer) -> None:
    made = composer.continue_(song(), form="B 8, A 8", seed=3).piece
    assert made.bar_count == 24
    found = [bars_of(made, track) for track in range(3)]
    assert all(bars[:8] == bars_of(song(), track) for track, bars in enumerate(found))
    back = [sum(bars[16 + bar] == bars[bar] for bar in range(7)) for bars in found]
    assert sum(count >= 6 for count in back) >= 2  # as they were, or varied by one of the three
    assert all(bars[23] != bars[7] for bars in found)  # the last bar ends


def test_without_a_form_music_goes_on_from_bar_to_bar(composer: api.Composer) -> None:
    free, formed = (composer.continue_(song(), 16, form=f, seed=3).piece for f in ("none", None))
    assert again(free) + 8 < again(formed)


def test_what_new_notes_have_to_keep_is_kept(composer: api.Composer) -> None:
    made = composer.continue_(song(), 12, key="F# major", seed=3)
    new = made.only_new[0]
    pitches = {pitch % 12 for track in new.tracks[:2] for pitch in track.notes["pitch"].tolist()}
    assert pitches <= {6, 8, 10, 11, 1, 3, 5}
    with pytest.raises(ConfigError, match="keep to a key"):
        composer.continue_(song(), form="A 8", key="F# major")


def test_songs_whose_bars_are_read_as_others_go_on_without_a_form(composer: api.Composer) -> None:
    nine = replace(song(), metres=(Metre(0, 9, 4),), length_ticks=4 * 9 * 480)
    tune = replace(nine, tracks=nine.tracks[:1])
    assert composer.continue_(nine, 8, seed=1).piece.bar_count == 12
    assert composer.arrange(tune, ["drums"], seed=1).piece.bar_count == 4
    assert composer.vary(nine, ["drums"], seed=1).piece.bar_count == 4
    with pytest.raises(ConfigError, match="reads its metres as"):
        composer.continue_(nine, form="B 4, A 4")


@pytest.mark.parametrize(
    ("form", "bars", "found"),
    [("B 8, A 8", 12, "12 bars"), ("Quark", None, "No section"), ("A 4, intro 4", None, "intro")],
)
def test_a_form_that_cannot_be_is_one_message(
    composer: api.Composer, form: str, bars: int | None, found: str
) -> None:
    with pytest.raises(ConfigError, match=found):
        composer.continue_(song(), bars, form=form)


lengths = st.lists(
    st.tuples(st.sampled_from([INTRO, "A", "B", "C", "", END]), st.integers(1, 32)), min_size=1
)


@given(lengths, st.integers(1, 200), st.integers(0, 9))
def test_sections_go_on_to_the_last_bar_and_nothing_is_played_three_times_in_a_row(
    played: list[tuple[str, int]], bars: int, seed: int
) -> None:
    before: list[Section] = []
    for name, length in played:
        before.append(Section(name, before[-1].end if before else 0, length))
    after = sections_after(before, bars, np.random.default_rng(seed))
    assert [section.start for section in after] == [
        before[-1].end,
        *(section.end for section in after[:-1]),
    ]
    assert after[-1].end == before[-1].end + bars
    names = [before[-1].name, *(section.name for section in after)]
    assert all(len({*names[at : at + 3]}) > 1 for at in range(len(names) - 2))
    assert {*names[1:]}.isdisjoint({INTRO, END, ""})
