"""Sections of a take: what comes back is found though it is not played as it was."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ritornello.accompany.heard_sections import (
    FEWEST_BARS,
    calm,
    heard_sections,
    sections_of_rounds,
)
from ritornello.music.note_tables import note_table
from ritornello.music.piece import Piece, Track
from ritornello.plan.sections import Section
from ritornello.plan.song_form import form_text, parse_form

BAR, RESOLUTION = 96, 24
VERSE = ("Am", (45, 60, 64)), ("F", (41, 60, 65)), ("C", (48, 60, 64)), ("G", (43, 59, 62))
CHORUS = ("Dm", (50, 62, 65)), ("Bb", (46, 62, 65)), ("Eb", (51, 63, 67)), ("F7", (53, 63, 69))


def take(form: str, seed: int = 0, velocities: dict[str, int] | None = None) -> Piece:
    """Eight bars for each letter: of A strums on beats, of B eighths; each time a little else."""
    rng = np.random.default_rng(seed)
    rows = []
    for place, letter in enumerate(form):
        chords, step = (VERSE, 24) if letter == "A" else (CHORUS, 12)
        for bar in range(8):
            start = (8 * place + bar) * BAR
            for tick in range(0, BAR, step):
                if rng.random() < 0.15:
                    continue  # not heard
                for pitch in chords[bar % 4][1]:
                    if rng.random() < 0.8:
                        wrong = 12 if rng.random() < 0.05 else 0
                        loud = (velocities or {}).get(letter, 80)
                        rows.append((start + tick, step, pitch + wrong, loud))
    return Piece((Track(note_table(rows), 24),), RESOLUTION, length_ticks=8 * len(form) * BAR)


@pytest.mark.parametrize("form", ["ABAB", "AABA", "ABA"])
@pytest.mark.parametrize("seed", [0, 1])
def test_what_comes_back_has_the_letter_it_had(form: str, seed: int) -> None:
    found = heard_sections(take(form, seed))
    letters = "".join(section.name * section.bars for section in found)
    expected = "".join(letter * 8 for letter in form)
    # An A that comes twice may be one of sixteen bars, and the last a little other.
    agreeing = np.mean([one == other for one, other in zip(letters, expected, strict=True)])
    assert agreeing > 0.8


def test_a_short_take_is_one_section() -> None:
    (only,) = heard_sections(take("A"))
    assert (only.name, only.start, only.bars) == ("A", 0, 8)
    assert FEWEST_BARS > 8
    assert heard_sections(replace(take("A"), length_ticks=2 * BAR, tracks=())) == ()


def test_a_soft_section_is_calm() -> None:
    piece = take("ABA", velocities={"A": 90, "B": 55})
    found = heard_sections(piece)
    calmness = dict(zip([section.name for section in found], calm(piece, found), strict=True))
    assert calmness["A"] == 0
    assert calmness["B"] == 1


def sparse_take(bars: int, played: float, seed: int) -> Piece:
    """A player who plays another chord in some bars and rests in the others."""
    rng = np.random.default_rng(seed)
    rows = [
        (bar * BAR + 24 * int(rng.integers(4)), 24, int(rng.integers(48, 72)), 80)
        for bar in range(bars)
        if rng.random() < played
    ]
    return Piece((Track(note_table(rows), 24),), RESOLUTION, length_ticks=bars * BAR)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_rests_of_a_player_do_not_cut_a_take_to_pieces(seed: int) -> None:
    """A band that follows breaths begins something new every few bars, and never comes back."""
    found = heard_sections(sparse_take(96, 0.5, seed))
    assert np.mean([section.bars == 8 for section in found]) > 0.5
    assert min(section.bars for section in found) >= 4
    assert len({section.name for section in found}) <= len(found) / 2 + 2


def test_sections_in_which_the_player_rests_share_a_letter() -> None:
    verse = take("AB")
    resting = replace(verse, length_ticks=2 * verse.length_ticks)
    letters = {section.name for section in heard_sections(resting) if section.start >= 16}
    assert len(letters) == 1


def test_a_short_beginning_belongs_to_the_section_after_it() -> None:
    notes = take("ABAB").tracks[0].notes.copy()
    notes["onset"] += 2 * BAR
    late = Piece((Track(notes, 24),), RESOLUTION, length_ticks=34 * BAR)
    assert all(section.bars >= 4 for section in heard_sections(late))


@pytest.mark.parametrize(
    ("form", "bars", "expected"),
    [
        ("A 8, B 8", 41, "A 8, B 8, A 8, B 8, A 8, end 1"),
        ("A 8, B 8", 35, "A 8, B 8, A 8, B 10, end 1"),
        ("intro 4, A 8, end 4", 33, "A 4, B 8, C 4, A 4, B 8, C 4, end 1"),
        ("A 4", 17, "A 8, A 8, end 1"),
        ("A 8, B 8", 13, "A 8, B 4, end 1"),
    ],
)
def test_a_take_that_comes_round_has_its_form_again(form: str, bars: int, expected: str) -> None:
    assert form_text(sections_of_rounds(parse_form(form), bars)) == expected


def test_a_last_chord_is_not_calm() -> None:
    piece = take("AB")
    once = (Section("A", 0, 8), Section("B", 8, 7), Section("end", 15, 1))
    assert calm(piece, once)[-1] == 0
