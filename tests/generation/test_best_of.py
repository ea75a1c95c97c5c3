"""The best of candidates: by whole pieces or section by section, under the same rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from experiments.generated.judge import violations
from ritornello.errors import ConfigError
from ritornello.generation.best_of import compose_best, section_ends
from ritornello.generation.compose import begin
from ritornello.generation.composer import Composer
from ritornello.generation.job import whole_piece
from ritornello.generation.note_feed import NewNote, NoteFeed
from ritornello.generation.preference.n_best import Selection
from ritornello.generation.rules import Rules
from ritornello.music.io.midi_write import write_bytes
from ritornello.music.piece import Piece
from ritornello.note_model.engine.reference import Engine
from ritornello.plan.bar_strokes import Strokes
from ritornello.plan.song_form import form_plan, parse_form
from tests.generation.written import compose

RULES = Rules(16, parts=("piano", "bass"), key="D minor", polyphony={"all": 3})


def notes_of(pieces: Sequence[Piece], first_bar: int, end_bar: int | None) -> np.ndarray:
    """Many notes are good."""
    found = [Strokes.of(piece) for piece in pieces]
    return np.array([
        int(((each.bar >= first_bar) & (each.bar < (end_bar or each.bars))).sum())
        for each in found
    ])  # fmt: skip


def best(engine: Engine, choice: Selection, seeds: Sequence[int]) -> list[Piece]:
    return compose_best(engine, begin(engine, RULES, seeds=choice.seeds_for(seeds)), choice)


def test_whole_pieces_are_those_that_are_written_alone(engine: Engine) -> None:
    choice = Selection(4, notes_of)
    found = best(engine, choice, [3, 8])
    for seed, piece in zip([3, 8], found, strict=True):
        alone = compose(engine, RULES, seeds=choice.seeds_for([seed]))
        most = max(alone, key=lambda each: each.note_count)
        assert piece.note_count == most.note_count
        assert piece == most


def test_chosen_section_by_section_they_are_better_than_alone_and_keep_the_rules(
    engine: Engine,
) -> None:
    seeds = range(4)
    alone = compose(engine, RULES, seeds=seeds)
    by_section = best(engine, Selection(4, notes_of, by_section=True), seeds)
    assert sum(p.note_count for p in by_section) > 1.2 * sum(p.note_count for p in alone)
    for piece in by_section:
        assert not violations(write_bytes(piece), RULES)
    assert best(engine, Selection(4, notes_of, by_section=True), [2]) == [by_section[2]]


@pytest.mark.parametrize(
    ("candidates", "early", "going"),
    [(2, [], 1), (3, [], 2), (8, [], 2), (9, [5], 3), (16, [8], 4)],
)
def test_a_quarter_of_the_candidates_goes_on_from_the_middle_of_a_section_and_half_of_many_earlier(
    engine: Engine, candidates: int, early: list[int], going: int
) -> None:
    judged: list[tuple[int, int | None]] = []

    def scores(pieces: Sequence[Piece], first_bar: int, end_bar: int | None) -> np.ndarray:
        judged.append((len(pieces), end_bar))
        return notes_of(pieces, first_bar, end_bar)

    best(engine, Selection(candidates, scores, by_section=True), [1])
    sizes = [candidates, *early, going]
    bars = [2, 4, 8] if early else [4, 8]
    sections = [
        (size, start + bar) for start in (0, 8) for size, bar in zip(sizes, bars, strict=True)
    ]
    assert judged == sections


def test_candidates_are_compared_where_sections_end() -> None:
    job = whole_piece(Rules(30))
    assert section_ends(job, by_section=False) == [30]
    assert section_ends(job, by_section=True) == [8, 16, 24, 30]
    plan = form_plan(parse_form("intro 2, A 8, B 16, end 2"))
    job = replace(whole_piece(Rules(28)), plan=plan)
    assert section_ends(job, by_section=True) == [10, 28]


def test_the_best_of_some_is_another_piece_under_the_same_rules() -> None:
    composer = Composer.load()
    rules = Rules(16, parts=("flute", "piano", "bass"), tempo_bpm=100)
    plain = composer.compose_many(4, rules, best_of=1)
    chosen = composer.compose_many(4, rules, best_of=3)
    assert plain[0] == composer.compose(rules)
    assert chosen[0] == composer.compose(rules, best_of=3)
    assert chosen != plain
    for piece in chosen:
        assert not violations(write_bytes(piece), rules)
        assert [mark.text for mark in piece.markers] == ["A", "B"]


@pytest.mark.parametrize("best_of", [0, 65])
def test_too_many_or_no_candidates_are_refused(best_of: int) -> None:
    with pytest.raises(ConfigError, match=f"from 1 to 64; found {best_of}"):
        Composer.load().compose(bars=2, best_of=best_of)


@pytest.mark.parametrize(
    ("asked", "usual"),
    [
        ({"bars": 8, "parts": ("piano", "bass")}, 8),
        ({"form": "A 4, B 4", "parts": ("piano",)}, 8),
        ({"bars": 8, "parts": ("piano", "bass"), "n": 16}, 1),
        ({"bars": 121, "parts": ("piano", "bass")}, 1),
    ],
)
def test_the_best_of_eight_is_kept_where_it_takes_two_seconds(
    asked: dict[str, Any], usual: int, usual_candidates: None
) -> None:
    composer = Composer.load()
    asked = {"n": 1, "seed": 2, **asked}
    found = composer.compose_many(**asked)
    assert found == composer.compose_many(**asked, best_of=usual)
    assert found != composer.compose_many(**asked, best_of=9 - usual)


def test_who_listens_hears_what_is_kept() -> None:
    heard: list[NewNote] = []
    feed = NoteFeed(heard.extend, returning_too=True)
    pieces = Composer.load().compose_many(
        2, form="A 4, B 4, A 4", parts=("piano", "bass"), seed=1, best_of=3, hear=feed
    )
    for number, piece in enumerate(pieces):
        notes = [note for note in heard if note.variation == number]
        assert len(notes) == piece.note_count
