"""What composing takes where nobody asks is what is usual in the music that was learned from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch", reason="networks need the extra train")

from ritornello.music.piece import Metre, Piece, Tempo, Track
from ritornello.plan.analysis import analyse
from ritornello.plan.sections import Section
from ritornello.training import music_facts
from ritornello.training.music_facts import read_facts
from tests.examples import MemoryCorpus, band

EIGHTH = 12


def tune(form: str, seed: int, upbeat: bool = False) -> Piece:
    """A tune in 6/8 in sections of eight bars, one letter a section, each with notes of its own."""
    rng = np.random.default_rng(seed)
    sections = {name: rng.integers(60, 80, 48).tolist() for name in form}
    pitches = [61] * 6 * upbeat + [pitch for name in form for pitch in sections[name]]
    notes = [(EIGHTH * n, EIGHTH, pitch, 90) for n, pitch in enumerate(pitches)]
    return Piece((Track(notes, 0),), 24, (Tempo(0, 120.0),), (Metre(0, 6, 8),))


def test_a_form_that_most_tunes_share_is_the_usual_one() -> None:
    tunes = [tune("AABB", seed, upbeat=seed % 2 == 1) for seed in range(6)]
    facts = read_facts(MemoryCorpus([*tunes, tune("AABC", 7)], valid=0))
    assert [*facts.forms["band"]] == ["A 8, A 8, B 8, B 8"]
    assert facts.line_ups == [(("piano",), 7.0, "band", "6/8")]


def test_the_usual_form_of_tunes_with_an_upbeat_leaves_a_bar_for_it() -> None:
    def with_upbeat(seed: int) -> Piece:
        plain = tune("AABB", seed, upbeat=True)
        (track,) = plain.tracks
        return replace(plain, tracks=(replace(track, notes=track.notes[5:]),))

    facts = read_facts(MemoryCorpus([with_upbeat(seed) for seed in range(6)], valid=0))
    assert [*facts.forms["band"]] == ["intro 1, A 8, A 8, B 8, B 8"]


@pytest.mark.parametrize(
    ("sections", "form"),
    [
        ((("intro", 8), ("intro", 8), ("A", 8), ("A", 8)), ""),
        ((("intro", 1), ("A", 8), ("B", 8), ("end", 1)), "A 8, B 8"),
        ((("A", 8), ("end", 4), ("A", 8)), ""),
        ((("A", 4),), ""),
    ],
)
def test_forms_that_cannot_be_asked_for_are_left_out(
    sections: tuple[tuple[str, int], ...], form: str
) -> None:
    starts = np.cumsum([0, *(bars for _, bars in sections)]).tolist()
    stated = tuple(
        Section(name, at, bars) for (name, bars), at in zip(sections, starts, strict=False)
    )
    assert music_facts._bare_form(stated) == form


def test_a_second_tune_over_the_same_chords_is_another_section() -> None:
    def jig(seed: int) -> Piece:
        melody = tune("AABB", seed)
        bar = 6 * EIGHTH
        chords = [
            (bar * n + EIGHTH * place, EIGHTH, pitch, 70)
            for n in range(32) for place in (0, 3) for pitch in (43 + (0, 5, 7, 0)[n % 4], 55)
        ]  # fmt: skip
        return replace(melody, tracks=(*melody.tracks, Track(chords, 0)))

    pieces = [jig(seed) for seed in range(5)]
    assert {section.name for section in analyse(pieces[0]).sections} == {"A"}
    found = read_facts(MemoryCorpus(pieces, valid=0)).forms
    assert found == {"band": {"A 8, A 8, B 8, B 8": 5}}


def test_tunes_of_forms_of_their_own_have_all_those_in_which_something_comes_again() -> None:
    forms = ("AABB", "ABAB", "ABBA", "AAAB", "ABCD", "ABAC", "ABCC", "AABA")
    (found,) = read_facts(
        MemoryCorpus([tune(f, n) for n, f in enumerate(forms)], valid=0)
    ).forms.values()
    assert len(found) == 7
    assert {*found.values()} == {1}
    assert "A 8, B 8, A 8, end 8" in found
    assert "A 8, B 8, C 8, end 8" not in found
    others = MemoryCorpus([tune("ABCD", n) for n in range(2)], valid=0)
    assert read_facts(others).forms == {}


def test_a_metre_of_one_beat_is_not_taken_for_one() -> None:
    facts = read_facts(MemoryCorpus([band(seed, metre=(1, 4)) for seed in range(4)], valid=0))
    assert {metre for *_, metre in facts.line_ups} == {None}


def drummed(cycle: int, seed: int, bars: int = 16) -> Piece:
    """Drums that play the same again after so many bars; never where that is 0."""
    rng = np.random.default_rng(seed)
    places = [sorted(rng.choice(range(0, 96, 6), 5, replace=False)) for _ in range(bars)]
    notes = [
        (96 * bar + int(tick), 6, 36 + 2 * (n % 2), 90)
        for bar in range(bars)
        for n, tick in enumerate(places[bar % cycle if cycle else bar])
    ]
    tracks = (Track(notes, 0, is_drum=True),)
    return Piece(tracks, 24, (Tempo(0, 120.0),), (Metre(0, 4, 4),))


def test_how_long_drummers_hold_a_beat_is_counted() -> None:
    pieces = [drummed(cycle, n) for n, cycle in enumerate((0, 1, 1, 2, 4))]
    pieces.append(drummed(1, 9, bars=4))  # too short to say
    facts = read_facts(MemoryCorpus(pieces, valid=0))
    assert facts.held_beats == {"band": {"1": 2, "0": 1, "2": 1, "4": 1}}
    assert read_facts(MemoryCorpus([tune("AABB", 1)], valid=0)).held_beats == {}


def test_the_grid_of_pieces_is_counted() -> None:
    rng = np.random.default_rng(0)
    piece = tune("AABB", 1)
    notes = piece.tracks[0].notes.copy()
    notes["onset"] += rng.integers(-5, 6, len(notes)).clip(-notes["onset"])
    played = replace(piece, tracks=(replace(piece.tracks[0], notes=notes),))
    facts = read_facts(MemoryCorpus([piece, piece, played], valid=0))
    assert facts.feels == {"band": {"eighths": 2, "free": 1}}


def at(bpm: float, metre: tuple[int, int] = (6, 8), *changes: Tempo) -> Piece:
    piece = replace(tune("AABB", int(bpm)), metres=(Metre(0, *metre),))
    return replace(piece, tempos=(Tempo(0, bpm), *changes))


def test_tempos_are_counted_by_metre_where_pieces_keep_them() -> None:
    pieces = [at(120), at(120), at(96.3), at(60, (3, 4)), at(90, (6, 8), Tempo(1000, 45.0))]
    facts = read_facts(MemoryCorpus(pieces, valid=0))
    assert facts.tempos == {"band": {"6/8": {"96": 1, "120": 2}, "3/4": {"60": 1}}}
    rubato = [at(60 + n, (4, 4), Tempo(1000, 45.0)) for n in range(3)]
    assert read_facts(MemoryCorpus([*rubato, at(120)], valid=0)).tempos == {}


def test_a_slow_ending_and_hardly_another_tempo_keep_it() -> None:
    length = tune("AABB", 0).length_ticks
    ending, breath = Tempo(length - 72, 60.0), Tempo(96, 122.0)
    facts = read_facts(MemoryCorpus([at(120, (6, 8), breath, ending)], valid=0))
    assert facts.tempos == {"band": {"6/8": {"120": 1}}}
