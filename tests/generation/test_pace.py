"""Density asked for is density got, in pieces and in endless music, whatever happened before."""

from __future__ import annotations

from itertools import takewhile

import pytest

from ritornello.generation.composer import Composer
from ritornello.generation.pace import Pace

BEATS = 32


@pytest.fixture(scope="module")
def composer() -> Composer:
    return Composer.load()


@pytest.mark.parametrize("parts", [("piano",), ("flute", "bass", "drums")])
@pytest.mark.parametrize("density", [0.5, 1.5, 4.0])
def test_what_is_asked_is_got(composer: Composer, parts: tuple[str, ...], density: float) -> None:
    pieces = composer.compose_many(
        2, seed=1, bars=BEATS // 4, metre="4/4", density=density, parts=parts
    )
    for piece in pieces:
        assert piece.note_count / BEATS == pytest.approx(density, rel=0.35)


def test_endless_music_keeps_it_when_it_is_asked_for_late(composer: Composer) -> None:
    music = composer.session(parts=("piano",), metre="4/4", seed=3)
    for _ in range(40):
        next(music)
    music.change(density=1.0)
    start = next(music).onset_ticks + 96
    later = [*takewhile(lambda note: note.onset_ticks < start + 768, music)]
    counted = sum(note.onset_ticks >= start for note in later)
    assert counted / 32 == pytest.approx(1.0, rel=0.4)


def test_what_was_missed_is_not_all_made_up_for() -> None:
    pace = Pace(2.0, 0)
    pace.take(24 * 100)  # after a hundred beats of silence
    assert pace.due_ticks >= 24 * 98
    pace.take(-10)
    assert pace.due_ticks < 24 * 99


def test_bars_that_somebody_does_not_play_are_not_made_up_for() -> None:
    pace = Pace(2.0, 0, (0, 24 * 100))
    pace.take(24)
    assert pace.latest_ticks(24 * 100) == Pace(2.0, 24 * 100).latest_ticks(24 * 100)
    pace.take(24 * 100)
    assert pace.due_ticks == 24 * 100 + 12


@pytest.mark.parametrize("closeness", [None, 0.0, 0.5])
def test_a_variation_is_as_dense_as_what_it_replaces(
    composer: Composer, closeness: float | None
) -> None:
    # A piano that is written as a whole holds a rhythm of its style instead.
    parts = ("flute", "violin") if closeness is None else ("piano", "guitar")
    song = composer.compose(bars=16, parts=parts, seed=3)
    for part, track in enumerate(song.tracks):
        made = composer.vary(song, [part + 1], closeness=closeness, seed=1).pieces[0]
        assert made.tracks[part].notes.size == pytest.approx(track.notes.size, rel=0.25)


def test_who_plays_thinly_still_strikes_the_last_chord(composer: Composer) -> None:
    pieces = composer.compose_many(
        40, seed=1, bars=4, metre="6/8", densities={"guitar": "low"}, parts=("guitar",), form="none"
    )
    for piece in pieces:
        assert piece.tracks[0].notes["onset"][-1] == piece.bar_starts_ticks()[-1]
