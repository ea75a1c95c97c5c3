"""Accompanists of a band hold a rhythm of its style through a section, and lead on at its end."""

from __future__ import annotations

from itertools import groupby, pairwise

import numpy as np
import pytest

from ritornello.generation.composer import Composer
from ritornello.generation.rules import Rules
from ritornello.music.piece import Note, Piece, Track
from ritornello.plan.held_rhythms import HeldStroke, draw_rhythms
from ritornello.plan.style_usages import usages_of

BAND = ("drums", "bass", "piano", "flute")


@pytest.fixture(scope="module")
def composer() -> Composer:
    return Composer.load()


def struck(piece: Piece, name: str) -> list[tuple[int, ...]]:
    """The ticks of each bar of 4/4 at which a part begins notes, 24 a quarter."""
    (track,) = (track for track in piece.at_resolution(24).tracks if track.name == name)
    onsets = np.unique(track.notes["onset"])
    return [tuple((onsets[onsets // 96 == bar] % 96).tolist()) for bar in range(piece.bar_count)]


def strokes(piece: Piece, name: str) -> dict[int, list[Note]]:
    """The notes of a part by the tick at which they begin, 24 a quarter."""
    (track,) = (track for track in piece.at_resolution(24).tracks if track.name == name)
    return {tick: [*chord] for tick, chord in groupby(track, key=lambda note: note.onset_ticks)}


@pytest.mark.parametrize(("style", "seed"), [("reggae", 1), ("pop", 2), ("latin", 3)])
def test_a_bass_holds_a_rhythm_of_its_style(composer: Composer, style: str, seed: int) -> None:
    usages = usages_of(f"band_{style}")
    assert usages is not None
    known = {tuple(s.onset_ticks for s in bar) for _, bar in usages.rhythms[4, 4]["bass"]}
    piece = composer.compose(collection=style, metre=(4, 4), parts=BAND, form="A 8, B 8", seed=seed)
    bars = struck(piece, "bass")
    for section in (bars[:7], bars[8:15]):
        assert {*section} <= known
        assert 1 <= len({*section}) <= 2
    ends = {tuple(tick for tick in ticks if tick < 48) for ticks in known}
    assert tuple(tick for tick in bars[7] if tick < 48) in ends


@pytest.mark.parametrize(("style", "seed"), [("pop", 4), ("soul", 5), ("ballad", 6)])
def test_strokes_sound_as_long_and_have_as_many_notes_as_those_of_the_style(
    composer: Composer, style: str, seed: int
) -> None:
    usages = usages_of(f"band_{style}")
    assert usages is not None
    known = {
        (stroke.onset_ticks, stroke.duration_ticks, size)
        for _, bar in usages.rhythms[4, 4]["piano"]
        for stroke in bar
        for size in range(stroke.least, stroke.most + 1)
    }
    piece = composer.compose(collection=style, metre=(4, 4), parts=BAND, form="A 8, B 8", seed=seed)
    fits = [
        (tick % 96, max(note.duration_ticks for note in chord), len(chord)) in known
        for tick, chord in strokes(piece, "piano").items()
        if tick // 96 % 8 < 7  # the last bar of a section leads on
    ]
    assert np.mean(fits) > 0.85


def test_a_chord_is_struck_again_where_the_style_does(composer: Composer) -> None:
    """Of real pianos in bands half of the strokes in a bar are the chord of the one before."""
    pieces = composer.compose_many(24, collection="pop", parts=BAND, form="A 8", seed=1)
    again = []
    for piece in pieces:
        found = [*strokes(piece, "piano").items()]
        again += [
            [note.pitch for note in one] == [note.pitch for note in other]
            for (first, one), (second, other) in pairwise(found)
            if first // 96 == second // 96
        ]
    assert 0.15 < np.mean(again) < 0.85


def test_sections_of_other_names_often_have_other_rhythms() -> None:
    bars = [(0,), (0, 48), (12, 36, 60, 84)]
    rhythms = [
        (1.0, tuple(HeldStroke(onset, 12, 1, 1, False) for onset in onsets)) for onsets in bars
    ]
    drawn = [
        draw_rhythms(["A", "B", "A"], {0: rhythms}, np.random.default_rng(seed))
        for seed in range(200)
    ]
    assert all({*one} == {("A", 0), ("B", 0)} for one in drawn)
    differ = np.mean([one["A", 0] != one["B", 0] for one in drawn])
    assert 0.3 < differ < 0.6


def test_who_breaks_chords_does_so_in_all_sections() -> None:
    single, chord = HeldStroke(0, 24, 1, 1, False), HeldStroke(0, 24, 3, 3, False)
    usual = [(1.0, (single,)), (1.0, (single, single)), (1.0, (chord,)), (1.0, (chord, single))]
    kinds = set()
    for seed in range(20):
        drawn = draw_rhythms("ABCD", {0: usual}, np.random.default_rng(seed))
        bars = [bar for held in drawn.values() for bar in held]
        assert len({chord in bar for bar in bars}) == 1
        kinds.add(chord in bars[0])
    assert kinds == {True, False}


def test_who_accompanies_a_singer_holds_a_rhythm_up_to_the_ends_of_phrases(
    composer: Composer,
) -> None:
    usages = usages_of("openscore_lieder_midi")
    assert usages is not None
    known = {tuple(s.onset_ticks for s in bar) for _, bar in usages.rhythms[4, 4]["piano"]}
    piece = composer.compose(
        collection="song", parts=("voice", "piano"), metre=(4, 4), form="A 8, B 8", seed=2
    )
    bars = struck(piece, "piano")
    assert all(bars[bar] in known for bar in (0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14))


def test_who_is_asked_for_a_density_strikes_as_often_as_asked(composer: Composer) -> None:
    rules = Rules(collection="rock", parts=BAND, densities={"bass": 0.5})
    pieces = composer.compose_many(4, rules, form="A 8, A 8", seed=1, best_of=1)
    basses = [track for piece in pieces for track in piece.tracks if track.name == "bass"]
    assert 0.3 < np.mean([len(bass) for bass in basses]) / pieces[0].length_beats < 0.8
    # The others hold theirs.
    assert all(1 <= len({*struck(piece, "piano")[:7]} - {()}) <= 2 for piece in pieces)


def test_a_band_beside_a_tune_holds_its_rhythms(composer: Composer) -> None:
    steps = (72, 74, 76, 77, 79, 77, 76, 74) * 8
    flute = Track(
        [(tick * 24, 24, pitch, 90) for tick, pitch in enumerate(steps)], 73, name="flute"
    )
    song = Piece((flute,), 24, length_ticks=64 * 24)
    made = composer.arrange(song, ("piano", "bass", "drums"), seed=1, form="A 8, B 8").piece
    for name in ("piano", "bass"):
        bars = struck(made, name)
        for section in (bars[:7], bars[8:15]):
            assert 1 <= len({*section} - {()}) <= 2


def test_a_piece_without_an_ending_keeps_its_rhythms_up_to_its_last_bar(composer: Composer) -> None:
    pieces = composer.compose_many(
        4, collection="country", metre=(4, 4), parts=BAND, form="A 8, B 3", ending=False, seed=1
    )
    for piece in pieces:
        assert piece.bar_count == 11
        assert all(ticks[:1] == (0,) for ticks in struck(piece, "bass")[8:])


def test_an_endless_band_holds_its_rhythms(composer: Composer) -> None:
    """Of basses of real bands 92 of 100 bars have the rhythm of the bar before."""
    bars: list[set[int]] = [set() for _ in range(32)]
    for note in composer.session(parts=BAND, collection="pop", metre=(4, 4), seed=1):
        if note.onset_ticks >= 32 * 96:
            break
        if note.part == "bass":
            bars[note.onset_ticks // 96].add(note.onset_ticks % 96)
    alike = [one == other for one, other in pairwise(bars)]
    assert np.mean(alike) > 0.6


def test_who_strikes_chords_doubles_no_pitch_class_where_the_style_does_not(
    composer: Composer,
) -> None:
    """Of 40 real bands no chord of a piano or a guitar that accompanies does."""
    pieces = composer.compose_many(6, collection="soul", parts=BAND, form="A 8, B 8", seed=1)
    chords = [
        {note.pitch % 12 for note in chord}
        if len({note.pitch % 12 for note in chord}) == len(chord)
        else None
        for piece in pieces
        for tick, chord in strokes(piece, "piano").items()
        if len(chord) > 1 and tick // 96 % 8 < 7
    ]
    assert len(chords) > 100
    assert None not in chords
    assert sum(len(chord or ()) == 4 for chord in chords) > 20
