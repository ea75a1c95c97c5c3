"""A drummer who goes on or fills a gap plays what was played; no given note changes."""

from __future__ import annotations

import numpy as np
import pytest

from ritornello import api
from ritornello.music.piece import Piece, Track

BAR = 4 * 480
BEAT = [(0, 36), (240, 42), (480, 38), (720, 42), (960, 36), (1200, 42), (1440, 38), (1680, 42)]
OTHER = [(0, 36), (480, 38), (600, 36), (960, 42), (1440, 38)]


def drummed(bars: list[list[tuple[int, int]]]) -> Piece:
    """A song of a bass and drums, whose strokes are given bar by bar."""
    strokes = [
        (bar * BAR + tick, 60, key, 90) for bar, beat in enumerate(bars) for tick, key in beat
    ]
    bass = [(bar * BAR + 480 * beat, 400, 40, 80) for bar in range(len(bars)) for beat in range(4)]
    drums = Track(strokes, is_drum=True, name="drums")
    tracks = Track(bass, program=33, name="bass"), drums
    return Piece(tracks, resolution=480, length_ticks=BAR * len(bars))


def bars_of(piece: Piece) -> list[list[tuple[int, int]]]:
    """The strokes of each bar at 480 ticks a quarter."""
    drums = piece.at_resolution(480).tracks[1].notes
    places = zip(drums["onset"].tolist(), drums["pitch"].tolist(), strict=True)
    found: list[list[tuple[int, int]]] = [[] for _ in range(piece.bar_count)]
    for onset, key in places:
        found[onset // BAR].append((onset % BAR, key))
    return found


@pytest.fixture(scope="module")
def composer() -> api.Composer:
    return api.Composer.load()


@pytest.mark.parametrize("song", [[BEAT] * 8, [BEAT, OTHER] * 4, [BEAT] * 7 + [OTHER]])
def test_the_beat_of_the_song_goes_on_with_a_fill_and_a_last_bar_of_its_own(
    composer: api.Composer, song: list[list[tuple[int, int]]]
) -> None:
    made = composer.continue_(drummed(song), 12, seed=1)
    bars = bars_of(made.piece)
    assert bars[:8] == song
    expected = song[:2]
    for bar in range(8, 19):
        wanted = expected[bar % 2]
        if bar == 15:  # a fill in its second half
            first = [stroke for stroke in wanted if stroke[0] < BAR // 2]
            assert [stroke for stroke in bars[bar] if stroke[0] < BAR // 2] == first
        else:
            assert bars[bar] == wanted
    assert sum(own.sum() for own in made.given[0]) == sum(map(len, song)) + 32


def test_who_holds_no_beat_or_is_asked_for_less_goes_on_freely(composer: api.Composer) -> None:
    rng = np.random.default_rng(0)
    loose = [
        sorted({(int(tick) * 120, int(rng.integers(36, 52))) for tick in rng.integers(0, 16, 6)})
        for _ in range(8)
    ]
    after = bars_of(composer.continue_(drummed(loose), 8, seed=1).piece)[8:]
    assert not any(bar in loose for bar in after if bar)
    asked = composer.continue_(drummed([BEAT] * 8), 8, densities={"drums": 1.0}, seed=1)
    assert sum(bar == BEAT for bar in bars_of(asked.piece)[8:]) <= 2


def test_a_stroke_a_little_before_the_gap_is_not_struck_twice(composer: api.Composer) -> None:
    early = [*BEAT, (BAR - 5, 36)]  # read on the bar line, where the beat has it too
    song = drummed([BEAT] * 7 + [early] + [BEAT] * 8)
    made = composer.fill(song, (9, 12), seed=1)
    assert [bar[:4] for bar in bars_of(made.piece)[9:11]] == [BEAT[:4]] * 2


def test_a_gap_in_the_drums_holds_the_beat_around_it_and_ends_with_a_fill(
    composer: api.Composer,
) -> None:
    song = drummed([BEAT, OTHER] * 8)
    made = composer.fill(song, (7, 12), parts=["drums"], seed=1)
    bars = bars_of(made.piece)
    expected = bars_of(song)
    assert bars[:11] == expected[:11]
    assert bars[12:] == expected[12:]
    first = [stroke for stroke in expected[11] if stroke[0] < BAR // 2]
    assert [stroke for stroke in bars[11] if stroke[0] < BAR // 2] == first
    given = made.given[0][1]
    onsets = made.piece.tracks[1].notes["onset"] * 480 // made.piece.resolution // BAR
    assert not given[(onsets >= 6) & (onsets < 12)].any()
    assert given[(onsets < 6) | (onsets >= 12)].all()


def test_a_gap_in_a_section_that_was_there_before_takes_up_its_drums(
    composer: api.Composer,
) -> None:
    """A is drummed otherwise than B, and the gap begins with the second A."""
    song = drummed([*[BEAT] * 8, *[OTHER] * 8, *[BEAT] * 8])
    tune = [
        (bar * BAR + 240 * eighth, 200, 60 + (7 * (bar % 16) * (eighth + 1) + eighth) % 13, 80)
        for bar in range(24)
        for eighth in range(8)
    ]
    piece = Piece(
        (Track(tune, program=73, name="flute"), song.tracks[1]),
        resolution=480,
        length_ticks=song.length_ticks,
    )
    bars = bars_of(composer.fill(piece, (17, 22), parts=["drums"], seed=1).piece)
    assert bars[16:21] == [BEAT] * 5
