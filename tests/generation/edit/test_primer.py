"""Any music can be heard; every difference is said in words; what is heard fits the encoding."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ritornello.errors import InputError
from ritornello.generation.edit.instrument_substitution import substitute_instrument
from ritornello.generation.edit.primer import fit, quantise_to_notation
from ritornello.music import io
from ritornello.music.instruments import DRUMS, INSTRUMENTS, parse_instrument
from ritornello.music.piece import Metre, Piece, Tempo, Track
from ritornello.note_model.encoding import notes
from tests.examples import band
from tests.strategies import pieces

ALL = frozenset(range(len(INSTRUMENTS)))
LINE = [(0, 24, 60, 80), (24, 24, 62, 80)]


def known(*names: str) -> frozenset[int]:
    return frozenset(map(parse_instrument, names))


def counted(numerator: int, denominator: int, resolution: int = 24, bars: int = 2) -> Piece:
    """Two bars, or more, of a metre, with a note on each bar line."""
    metre = Metre(0, numerator, denominator)
    bar = metre.bar_ticks(resolution)
    line = [(bar * number, 1, 60, 80) for number in range(bars)]
    return Piece((Track(line, name="Oboe"),), resolution, metres=(metre,), length_ticks=bars * bar)


def heard_parts(piece: Piece) -> set[int]:
    parts = notes.encode(piece).fields[:, notes.PART]
    return set(parts[notes.is_note(parts)].tolist())


def heard_lines(piece: Piece, end_ticks: int) -> set[int]:
    """Its bar lines at 24 ticks a quarter, before an end at the same."""
    lines = (piece.bar_starts_ticks() * 48 + piece.resolution) // (2 * piece.resolution)
    return {*lines[lines < end_ticks].tolist()}


# --- for all music -----------------------------------------------------------------------------


@settings(max_examples=80)
@given(pieces(max_tracks=8), st.sets(st.integers(0, len(INSTRUMENTS) - 1)))
def test_the_encoding_hears_each_track_as_the_part_that_is_told(
    piece: Piece, learned: set[int]
) -> None:
    assume(piece.note_count)
    fitted = fit(piece, known_instruments=frozenset(learned))
    assert [part == -1 for part in fitted.parts] == [not len(track) for track in piece.tracks]
    assert heard_parts(fitted.piece) == {*fitted.parts} - {-1}
    assert len(fitted.piece.tracks) == len({*fitted.parts} - {-1})
    assert fitted.piece.note_count == piece.note_count
    for track, part in zip(piece.tracks, fitted.parts, strict=True):
        if part >= 0:
            assert (notes.instrument_of(part) == DRUMS) == track.is_drum
    for track in fitted.piece.tracks:
        who = INSTRUMENTS[track.instrument]
        assert track.notes["pitch"].min() >= who.low - 12
        assert track.notes["pitch"].max() <= who.high + 12


METRES = st.builds(lambda n, power: (n, 2**power), st.integers(1, 255), st.integers(0, 6))


@settings(max_examples=150)
@given(
    st.sampled_from([1, 5, 17, 24, 96, 480, 1000, 32767]),
    st.lists(st.tuples(METRES, st.integers(0, 3), st.booleans()), min_size=1, max_size=4),
)
def test_wherever_a_bar_begins_one_is_heard_to_begin(
    resolution: int, spans: list[tuple[tuple[int, int], int, bool]]
) -> None:
    metres, tick = [], 0
    for counts, bars, cut in spans:
        metres.append(Metre(tick, *counts))
        tick += max(1, bars * metres[-1].bar_ticks(resolution) - cut)
    piece = Piece((Track([(0, 1, 60, 80)]),), resolution, metres=tuple(metres), length_ticks=tick)
    heard = fit(piece).piece
    encoded = notes.encode(heard)
    starts = replace(heard, length_ticks=encoded.length_ticks).bar_starts_ticks()
    lines = heard_lines(piece, encoded.length_ticks)
    assert lines <= {*starts.tolist()}
    assert np.diff(starts).max(initial=1) <= 192
    if all(96 * numerator / denominator <= 192 for _, numerator, denominator in piece.metres):
        assert {*starts.tolist()} == lines


# --- each warning, with its words --------------------------------------------------------------


def test_music_that_the_model_knows_is_heard_as_it_is_without_a_word() -> None:
    fitted = fit(band(), known_instruments=known("piano", "bass", "drums"))
    assert fitted.piece == band()
    assert fitted.warnings == ()
    assert fit(band()).warnings == ()


def test_a_piece_without_notes_is_refused_with_a_next_step() -> None:
    with pytest.raises(InputError, match="no notes") as caught:
        fit(Piece((Track([]),), title="Silence"))
    assert caught.value.where == "Silence"
    assert "ritornello compose" in caught.value.next_step


def test_an_unknown_instrument_is_heard_as_its_nearest_kin() -> None:
    piece = Piece((Track(LINE, 104, name="Sitar"), Track(LINE, 0), Track(LINE, 107)), 24)
    fitted = fit(piece, known_instruments=known("guitar", "piano"))
    assert fitted.warnings == (
        "tracks 1 'Sitar', 3 'plucked': plucked is not among the instruments the model has "
        "learned; read as guitar.",
    )
    guitar = parse_instrument("guitar")
    assert fitted.parts == (notes.part_of(guitar), notes.part_of(10), notes.part_of(guitar, 1))


def test_what_nothing_known_is_like_is_heard_as_it_is() -> None:
    piece = Piece((Track([(0, 6, 36, 80)], is_drum=True, name="Kit"),), 24)
    fitted = fit(piece, known_instruments=known("piano"))
    assert fitted.piece.tracks == piece.tracks
    assert fitted.warnings == (
        "track 1 'Kit': drums is not among the instruments the model has learned, nor is any "
        "like it; read as it is.",
    )


@pytest.mark.parametrize("alone", sorted(ALL - {DRUMS}))
def test_one_known_instrument_can_stand_in_for_every_other(alone: int) -> None:
    assert {substitute_instrument(instrument, {alone}) for instrument in ALL - {DRUMS}} == {alone}
    assert substitute_instrument(DRUMS, {alone}) == DRUMS
    assert substitute_instrument(alone, ALL) == alone


def test_pitches_far_out_of_range_are_heard_octaves_nearer_and_counted() -> None:
    low = [(24 * step, 24, 40, 80) for step in range(14)]
    piece = Piece((Track([*low, (0, 24, 60, 80)], 40, name="Violin"), Track(LINE, 58)), 24)
    fitted = fit(piece)
    assert fitted.warnings == ("track 1 'Violin': 14 notes below G2 are read an octave higher.",)
    assert {*fitted.piece.tracks[0].notes["pitch"].tolist()} == {52, 60}
    far = Piece((Track([(0, 9, 0, 80), (9, 9, 127, 80)], 40), Track(LINE, 0, True)), 24)
    assert fit(far).warnings == (
        "track 1 'violin': 1 note below G2 is read up to 4 octaves higher.",
        "track 1 'violin': 1 note above A#7 is read up to 2 octaves lower.",
    )


def test_a_track_without_a_name_is_called_by_its_own_instrument() -> None:
    piece = Piece((Track([(0, 24, 2, 80)], 104),), 24)
    assert fit(piece, known_instruments=known("guitar")).warnings == (
        "track 1 'plucked': plucked is not among the instruments the model has learned; read as "
        "guitar.",
        "track 1 'plucked': 1 note below E1 is read up to 3 octaves higher.",
    )


def test_strange_drum_keys_are_named_as_keys() -> None:
    piece = Piece((Track([(0, 6, 1, 80), (6, 6, 22, 80)], is_drum=True, name="Kit"),), 24)
    assert fit(piece).warnings == (
        "track 1 'Kit': 1 note below key 15 is read up to 2 octaves higher.",
    )


def test_a_fifth_part_of_an_instrument_shares_the_last() -> None:
    tracks = [Track([(24 * number, 24, 60, 80)], 40, name=f"V{number}") for number in range(6)]
    fitted = fit(Piece((tracks[0], Track([]), *tracks[1:]), 24))
    assert fitted.warnings == (
        "tracks 6 'V4', 7 'V5': a model reads 4 parts of violin; read as one with the last of "
        "them.",
    )
    first = notes.part_of(parse_instrument("violin"))
    assert fitted.parts == (first, -1, first + 1, first + 2, first + 3, first + 3, first + 3)
    assert [len(track) for track in fitted.piece.tracks] == [1, 1, 1, 3]


def test_drum_tracks_are_heard_as_one() -> None:
    piece = Piece(
        (Track(LINE, is_drum=True, name="Kit"), Track(LINE, is_drum=True, name="Clap")), 24
    )
    fitted = fit(piece)
    assert fitted.warnings == ("track 2 'Clap': read as one with the drums before.",)
    assert fitted.parts == (1, 1)


TOO_LONG = "a bar of {} is too long to count; it is read as {}."


@pytest.mark.parametrize(
    ("counts", "sentence"),
    [
        ((11, 4), TOO_LONG.format("11/4", "4/4 + 4/4 + 3/4")),
        ((9, 4), TOO_LONG.format("9/4", "3 x 3/4")),
        ((13, 4), TOO_LONG.format("13/4", "4/4 + 4/4 + 5/4")),
        ((18, 8), TOO_LONG.format("18/8", "3 x 6/8")),
        ((3, 1), TOO_LONG.format("3/1", "3 x 2/2")),
        ((8, 8), "8/8 is read as 4/4, which lasts as long."),
        ((6, 16), "6/16 is read as 3/8, which lasts as long."),
        ((11, 8), "11/8 is counted, but a model hardly knows it."),
    ],
)
def test_odd_metres(counts: tuple[int, int], sentence: str) -> None:
    assert fit(counted(*counts)).warnings == (f"bars 1-2: {sentence}",)


def test_the_metres_of_a_long_bar_follow_one_another() -> None:
    heard = fit(counted(11, 4)).piece
    assert heard.metres == (Metre(0, 4, 4), Metre(192, 3, 4), Metre(264, 4, 4), Metre(456, 3, 4))
    assert notes.encode(heard).length_ticks == 2 * 264


def test_music_to_be_continued_is_counted_on_in_its_metre() -> None:
    piece = counted(11, 4)
    longer = replace(piece, length_ticks=3 * 264)
    assert fit(longer).piece.bar_starts_ticks().tolist() == [
        start + offset for start in (0, 264, 528) for offset in (0, 96, 192)
    ]


def test_a_metre_off_the_grid_keeps_its_bar_lines() -> None:
    fitted = fit(counted(3, 64, resolution=480, bars=4))
    assert fitted.warnings[0] == (
        "bars 1-4: 3/64 does not fit the ticks; its bar lines are read to the nearest of them."
    )
    assert fitted.piece.bar_starts_ticks().tolist() == [0, 5, 9, 14]


def test_bars_of_one_warning_are_told_together() -> None:
    metres = (Metre(0, 8, 8), Metre(96, 4, 4), Metre(192, 8, 8), Metre(384, 4, 4))
    piece = Piece((Track(LINE),), 24, metres=metres, length_ticks=480)
    assert fit(piece).warnings == ("bars 1, 3-4: 8/8 is read as 4/4, which lasts as long.",)
    assert fit(piece).piece.metres == (Metre(0, 4, 4),)


@pytest.mark.parametrize("resolution", [480, 1000])
def test_a_quantised_performance_lies_on_the_ticks_and_is_not_told_so(resolution: int) -> None:
    quintuplets = [(resolution * place // 5, resolution // 10, 60, 80) for place in range(40)]
    assert fit(quantise_to_notation(Piece((Track(quintuplets),), resolution))).warnings == ()


@pytest.mark.parametrize("resolution", [96, 480, 1000])
def test_notes_between_the_ticks_are_counted(resolution: int) -> None:
    on = [(resolution * beat // 2, 10, 60, 80) for beat in range(20)]
    off = [(resolution * beat + resolution * 100 // 960, 10, 64, 80) for beat in range(5)]
    assert fit(Piece((Track(on),), resolution)).warnings == ()
    played = fit(Piece((Track(on), Track(off)), resolution))
    assert played.warnings == (
        "5 of 25 notes lie between the 24ths of a quarter that a model counts; read rounded to "
        "them.",
    )
    assert fit(Piece((Track(on), Track(off[:2])), resolution)).warnings == ()


def test_a_tempo_beyond_the_classes_is_named() -> None:
    piece = replace(band(), tempos=(Tempo(0, 400), Tempo(96, 120), Tempo(200, 5), Tempo(300, 12)))
    assert fit(piece).warnings == (
        "bar 1: a tempo faster than 320 bpm is read as 320 bpm.",
        "bars 3-4: a tempo slower than 20 bpm is read as 20 bpm.",
    )


# --- real files --------------------------------------------------------------------------------


@pytest.mark.data
@pytest.mark.parametrize(
    "folder",
    ["openscore_orchestra_midi", "freedoom_midi", "mutopia_pd_midi", "groove_midi"],
)
def test_real_files_are_heard_bar_by_bar(folder: str, data_dir: Path) -> None:
    files = sorted((data_dir / folder).rglob("*.mid"))
    for number in np.random.default_rng(1).choice(len(files), 4, replace=False):
        piece = io.read(files[number])
        fitted = fit(piece)
        assert heard_parts(fitted.piece) == {*fitted.parts} - {-1}, files[number]
        starts = {*fitted.piece.bar_starts_ticks().tolist()}
        assert heard_lines(piece, fitted.piece.length_ticks) <= starts, files[number]


def test_a_performance_is_heard_as_its_score_and_a_score_as_it_is() -> None:
    score = band(3, bars=4).at_resolution(480)
    assert quantise_to_notation(score) == score
    rng = np.random.default_rng(0)
    played = []
    for track in score.tracks:
        table = track.notes.copy()
        table["onset"] = np.maximum(0, table["onset"] + rng.integers(-25, 26, len(table)))
        played.append(replace(track, notes=table))
    heard = quantise_to_notation(replace(score, tracks=tuple(played)))
    for track, written in zip(heard.tracks, score.tracks, strict=True):
        told = np.sort(track.notes["onset"]), np.sort(written.notes["onset"])
        assert np.mean(told[0] == told[1]) > 0.8
