"""The index finds what the whole training music would show, and holds nothing to rebuild it."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ritornello.errors import CheckpointError
from ritornello.generation.originality.copying import Passages, copying
from ritornello.generation.originality.index import TrainingIndex
from ritornello.music.grid import on_grid
from ritornello.music.io import read
from ritornello.music.piece import Metre, Piece, Track
from tests.examples import band


def tune(seed: int, quarters: int = 64, program: int = 0, metre: tuple[int, int] = (4, 4)) -> Piece:
    """A melody like no other, two notes a quarter."""
    rng = np.random.default_rng(seed)
    pitches = rng.integers(50, 74, 2 * quarters).tolist()
    notes = [(12 * number, 12, pitch, 80) for number, pitch in enumerate(pitches)]
    return Piece((Track(notes, program),), 24, metres=(Metre(0, *metre),))


def quoting(piece: Piece, source: Piece, bar: int, source_bar: int, bars: int, up: int) -> Piece:
    """A one-part piece with bars of another put in the place of its own; bars from 1."""
    (own,), (other,) = piece.tracks, source.transposed(up).tracks
    place, start, length = 96 * (bar - 1), 96 * (source_bar - 1), 96 * bars
    kept = own.notes[(own.notes["onset"] < place) | (own.notes["onset"] >= place + length)]
    there = (other.notes["onset"] >= start) & (other.notes["onset"] < start + length)
    quoted = other.notes[there].copy()
    quoted["onset"] += place - start
    return replace(piece, tracks=(replace(own, notes=np.concatenate([kept, quoted])),))


TAUGHT = [tune(seed) for seed in range(6)]
INDEX = TrainingIndex.build(TAUGHT)


# --- what is found --------------------------------------------------------------------------------


@given(
    st.integers(0, 5), st.integers(1, 9), st.integers(1, 9), st.integers(2, 6), st.integers(-9, 9)
)
@settings(max_examples=20)
def test_a_transposed_quotation_is_found_with_its_bars(
    source: int, bar: int, source_bar: int, bars: int, up: int
) -> None:
    piece = quoting(tune(99), TAUGHT[source], bar, source_bar, bars, up)
    found = INDEX.measure(piece)
    for longest in (found.texture.longest, found.parts.longest):
        # A false find beside it, one in 2048, makes it longer.
        assert longest is not None
        assert longest.first_bar in (bar - 1, bar)
        assert longest.last_bar in (bar + bars - 1, bar + bars)
        assert 4 * bars <= longest.quarters <= 4 * bars + 2
    exact = copying([piece], Passages(TAUGHT)).shares
    for quarters in (4, 8):
        over = found.texture.shares[quarters] - exact[quarters]
        assert 0 <= over < 3 / 50, "nothing is missed"


def test_four_bars_five_semitones_higher() -> None:
    piece = quoting(tune(99), TAUGHT[2], bar=7, source_bar=3, bars=4, up=5)
    longest = INDEX.measure(piece).texture.longest
    assert longest is not None
    assert (longest.quarters, longest.first_bar, longest.last_bar) == (16, 7, 10)


def test_a_quoted_part_is_found_among_others_and_named() -> None:
    quote = quoting(tune(99), TAUGHT[0], bar=5, source_bar=2, bars=3, up=-4).tracks[0]
    bass = tune(98, program=33).tracks[0]
    piece = replace(
        tune(99), tracks=(replace(bass, name="bass"), replace(quote, name="flute"), drums())
    )
    found = INDEX.measure(piece)
    assert found.texture.longest is None
    assert found.parts.longest == (12, 5, 7, "flute")


def drums() -> Track:
    return Track([(24 * n, 6, 36, 90) for n in range(64)], is_drum=True)


def test_bars_are_those_of_the_piece_at_its_own_resolution_and_metre() -> None:
    piece = quoting(tune(99, metre=(3, 4)), TAUGHT[1], bar=4, source_bar=1, bars=3, up=2)
    longest = INDEX.measure(piece.at_resolution(480)).texture.longest
    # The quotation is quarters 12 to 24: bars of three quarters, 5 to 8.
    assert longest is not None
    assert (longest.quarters, longest.first_bar, longest.last_bar) == (12, 5, 8)


def test_a_passage_does_not_run_from_one_part_into_the_next() -> None:
    halves = [quoting(tune(90 + n, 16), TAUGHT[n], 1 + 2 * (1 - n), 1, 2, 0) for n in (0, 1)]
    both = replace(halves[0], tracks=tuple(half.tracks[0] for half in halves))
    assert INDEX.measure(both).parts.longest_quarters == 8


def test_what_was_taught_is_found_whole_and_nothing_is_missed() -> None:
    taught = [band(seed) for seed in range(4)]
    index = TrainingIndex.build(taught)
    for piece in taught:
        found = index.measure(piece.transposed(3))
        assert found.texture.shares == {4: 1, 8: 1}
        assert found.parts.shares[4] == 1
        assert found.texture.longest is not None
        assert found.texture.longest.first_bar == 1


def test_noise_is_original() -> None:
    found = [INDEX.measure(tune(1000 + number)) for number in range(60)]
    for kind in ("texture", "parts"):
        copied = [getattr(each, kind) for each in found]
        assert np.mean([each.shares[4] for each in copied]) <= 0.002
        assert all(each.shares[8] == 0 for each in copied)
        assert all(each.longest is None for each in copied)


@pytest.mark.parametrize("piece", [Piece(()), Piece((drums(),), 24)], ids=["empty", "drums"])
def test_music_without_pitches_has_nothing_to_look_for(piece: Piece) -> None:
    found = INDEX.measure(piece)
    assert found.texture.windows == {4: 0, 8: 0}
    assert math.isnan(found.texture.shares[4])
    assert found.texture.longest is None
    assert TrainingIndex.build([piece]).measure(TAUGHT[0]).texture.shares == {4: 0, 8: 0}


def test_held_out_music_is_measured_for_comparison() -> None:
    quote = quoting(tune(99), TAUGHT[0], 3, 3, 4, 0)
    index = TrainingIndex.build(TAUGHT, held_out=[quote, tune(98), Piece((drums(),), 24)])
    assert index.held_out["pieces"] == 2
    texture = index.held_out["texture"]
    assert texture["shares"]["8"] == pytest.approx(9 / (2 * 57), abs=1e-4)
    assert texture["longest_quarters_median"] == 8
    assert texture["longest_quarters_highest"] == 16
    assert TrainingIndex.build(TAUGHT).held_out == {}


# --- the file -------------------------------------------------------------------------------------


def test_an_index_is_written_and_read(tmp_path: Path) -> None:
    index = TrainingIndex.build(TAUGHT, held_out=[tune(99)], music="abc")
    index.save(tmp_path / "index.safetensors")
    again = TrainingIndex.load(tmp_path / "index.safetensors")
    assert (again.key, again.held_out, again.music) == (index.key, index.held_out, "abc")
    assert again.measure(TAUGHT[3]) == index.measure(TAUGHT[3])
    index.save(tmp_path / "same.safetensors")
    first, second = (tmp_path / name for name in ("index.safetensors", "same.safetensors"))
    assert first.read_bytes() == second.read_bytes()


def test_the_file_is_too_small_to_hold_the_music_and_knows_no_order(tmp_path: Path) -> None:
    TrainingIndex.build(TAUGHT).save(tmp_path / "one.safetensors")
    TrainingIndex.build(TAUGHT[::-1]).save(tmp_path / "two.safetensors")
    one, two = (tmp_path / f"{name}.safetensors" for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes(), "the order of pieces is not in it"
    hashes = TrainingIndex.build(TAUGHT[:3]).sets["texture", 4].members
    other = TrainingIndex.build(TAUGHT[1:4]).sets["texture", 4].members
    assert len(np.intersect1d(hashes, other)) < 5, "another training set has another key"


@pytest.mark.parametrize("content", [b"", b"noise" * 100, None])
def test_a_file_that_is_no_index_is_refused(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "originality.safetensors"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CheckpointError, match="ritornello train"):
        TrainingIndex.load(path)


def test_another_way_of_hashing_is_another_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    INDEX.save(tmp_path / "index.safetensors")
    monkeypatch.setattr("ritornello.generation.originality.index._hashing", lambda: "another")
    with pytest.raises(CheckpointError, match="another version"):
        TrainingIndex.load(tmp_path / "index.safetensors")


# --- real music -----------------------------------------------------------------------------------


@pytest.mark.data
def test_the_shipped_index_knows_what_was_taught_and_hardly_what_was_not(data_dir: Path) -> None:
    from ritornello.api import training_index

    index = training_index()
    folder = data_dir / "open_hymnal_midi"
    pieces = [on_grid(read(path))[0] for path in sorted(folder.rglob("*.mid"))[::12]]
    found = [index.measure(piece).texture for piece in pieces]
    whole = [each.shares == {4: 1, 8: 1} for each in found]
    assert np.mean(whole) > 0.8, "nine in ten were taught"
    unknown = [each.shares[8] for each, known in zip(found, whole, strict=True) if not known]
    assert np.mean(unknown) < 0.2
    assert index.held_out["texture"]["shares"]["8"] < 0.005
