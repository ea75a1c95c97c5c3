"""A tune answers itself: bars of it have the rhythm of earlier ones, with notes of their own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ritornello.generation.composer import Composer
from ritornello.generation.current_rhythms import CurrentRhythms
from ritornello.generation.job import Job, whole_piece
from ritornello.generation.rules import Rules
from ritornello.generation.tune import Tune
from ritornello.music.piece import Note, Piece

BAND = ("saxophone", "piano", "bass", "drums")
BAR = 96


@pytest.fixture(scope="module")
def composer() -> Composer:
    return Composer.load()


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[Tune]:
    """The tunes of the pieces that are composed, in order."""
    found: list[Tune] = []
    answering = Tune.answering

    def listen(*arguments: object, **options: object) -> Tune:
        found.append(answering(*arguments, **options))  # type: ignore[arg-type]
        return found[-1]

    monkeypatch.setattr(Tune, "answering", listen)
    return found


def tune(piece: Piece, start: int, end: int) -> list[Note]:
    (track,) = (t for t in piece.at_resolution(24).tracks if t.name == "saxophone")
    return [note for note in track if start <= note.onset_ticks < end]


@pytest.mark.parametrize(("style", "seed"), [("pop", 1), ("rock", 2), ("dance", 3), ("soul", 4)])
def test_a_bar_that_answers_has_the_rhythm_of_the_earlier_bar(
    composer: Composer, told: list[Tune], style: str, seed: int
) -> None:
    piece = composer.compose(
        collection=style, parts=BAND, metre=(4, 4), form="A 8, B 8, end 2", seed=seed, best_of=1
    )
    (heard,) = told
    assert len(heard.answers) >= 2
    other_notes = 0
    for start, end, back in heard.answers:
        assert back in (2 * BAR, 4 * BAR, 8 * BAR)
        before, after = tune(piece, start - back, end - back), tune(piece, start, end)
        if before:
            assert [n.onset_ticks for n in after] == [n.onset_ticks + back for n in before]
            other_notes += [n.pitch for n in after] != [n.pitch for n in before]
    assert other_notes


def test_tunes_whose_density_is_asked_for_do_not_answer(
    composer: Composer, told: list[Tune]
) -> None:
    composer.compose(collection="pop", parts=BAND, form="A 8, B 8", density=4.0, best_of=1)
    assert not told


def answering_job(*answers: tuple[int, int, int]) -> Job:
    return replace(whole_piece(Rules(8, parts=BAND)), tune=replace(Tune.free(7), answers=answers))


def test_the_rhythm_is_known_as_soon_as_the_earlier_bar_is_over() -> None:
    rhythms = CurrentRhythms(answering_job((2 * BAR, 3 * BAR, 2 * BAR)))
    assert rhythms.holds
    for onset, duration in ((0, 24), (36, 12), (72, 6)):
        assert not rhythms.advance(onset, 7, duration)
        assert not rhythms.advance(onset, 9, 48)  # somebody else
    assert not rhythms.is_held(7)
    twin = rhythms.copy()
    assert rhythms.advance(BAR, 9, 24)
    assert rhythms.is_held(7)
    assert not twin.is_held(7)
    ticks = [2 * BAR, 2 * BAR + 36, 2 * BAR + 72]
    assert [tick for tick in range(4 * BAR) if rhythms.due(tick) == {7}] == ticks
    strokes = [rhythms.stroke(7, tick) for tick in ticks]
    assert [stroke.duration_ticks for stroke in strokes if stroke] == [24, 12, 6]
    assert rhythms.next_of(7, 2 * BAR) == ticks[1]
    assert rhythms.next_ticks(BAR) == ticks[:1]


@pytest.mark.parametrize("onset", [2 * BAR, 2 * BAR + 12])
def test_a_bar_that_has_begun_is_left_free(onset: int) -> None:
    rhythms = CurrentRhythms(answering_job((2 * BAR, 3 * BAR, 2 * BAR)))
    rhythms.advance(0, 7, 24)
    assert not rhythms.advance(onset, 9, 24)


def test_a_bar_after_a_silent_one_is_left_free() -> None:
    rhythms = CurrentRhythms(
        answering_job((2 * BAR, 3 * BAR, 2 * BAR), (3 * BAR, 4 * BAR, 2 * BAR))
    )
    rhythms.advance(BAR, 7, 24)
    assert not rhythms.is_held(7)
    assert rhythms.advance(2 * BAR, 7, 24)
    assert [tick for tick in range(5 * BAR) if rhythms.due(tick)] == [3 * BAR]


def test_tunes_of_bands_answer_as_often_as_real_ones(composer: Composer) -> None:
    shares = []
    for seed in range(6):
        piece = composer.compose(
            collection="pop", parts=BAND, metre=(4, 4), bars=32, seed=seed, best_of=1
        )
        bars = [
            tuple(n.onset_ticks % BAR for n in tune(piece, BAR * bar, BAR * (bar + 1)))
            for bar in range(32)
        ]
        shares.append(np.mean([a == b for a, b in zip(bars[4:], bars, strict=False) if a and b]))
    assert np.mean(shares) >= 0.3  # .25 by itself, real pop .40
