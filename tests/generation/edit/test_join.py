"""Given notes come out as they went in; composed ones are added and never touch them."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from pathlib import Path
from typing import Any

import mido
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ritornello.errors import InputError
from ritornello.generation.edit.join import join, joint_resolution
from ritornello.music import io
from ritornello.music.piece import Metre, Piece, Tempo, Track
from ritornello.music.selection import without
from ritornello.note_model.encoding import notes
from tests.examples import band
from tests.strategies import note_lists, pieces

PIANO, VIOLIN, DRUMS = notes.part_of(10), notes.part_of(29), notes.part_of(0)
END_TICKS = 24 * 16


@st.composite
def composed_parts(draw: st.DrawFn) -> dict[int, Track]:
    """Composed tracks by part class, at 24 ticks a quarter."""
    return {
        part: Track(draw(note_lists(24, END_TICKS, is_drum=part == DRUMS)), is_drum=part == DRUMS)
        for part in draw(st.sets(st.sampled_from([PIANO, VIOLIN, DRUMS]), max_size=3))
    }


def quarters(table: np.ndarray, resolution: int) -> Counter[Any]:
    """Notes with their times in quarters, exact, and how often each is there."""
    return Counter(
        (Fraction(onset, resolution), Fraction(duration, resolution), pitch, velocity)
        for onset, duration, pitch, velocity in table.tolist()
    )


@settings(max_examples=40)
@given(pieces(), composed_parts())
def test_what_was_given_is_known_from_what_was_composed(
    piece: Piece, composed: dict[int, Track]
) -> None:
    joined = join(piece, composed, dict.fromkeys(composed, 0) if piece.tracks else {})
    found = [
        quarters(track.notes[mask], joined.piece.resolution)
        for track, mask in zip(joined.piece.tracks, joined.given, strict=True)
    ]
    given_ = [quarters(track.notes, piece.resolution) for track in piece.tracks]
    assert found == given_ + [Counter()] * (len(found) - len(given_))


@settings(max_examples=60)
@given(pieces(), composed_parts(), st.data())
def test_every_given_note_stays_and_only_parts_asked_for_are_added_to(
    piece: Piece, composed: dict[int, Track], data: st.DataObject
) -> None:
    homes = {
        part: data.draw(st.integers(0, len(piece.tracks) - 1))
        for part in composed
        if piece.tracks and data.draw(st.booleans())  # type: ignore[arg-type]
    }
    joined = join(piece, composed, homes).piece
    factor = joined.resolution // piece.resolution
    assert len(joined.tracks) == len(piece.tracks) + len(composed) - len(homes)
    for index, (before, after) in enumerate(zip(piece.tracks, joined.tracks, strict=False)):
        assert (after.name, after.program, after.is_drum) == (
            before.name,
            before.program,
            before.is_drum,
        )
        own = quarters(before.notes, piece.resolution)
        found = quarters(after.notes, joined.resolution)
        assert not own - found
        mine: Counter[Any] = Counter()
        for part, home in homes.items():
            mine += quarters(composed[part].notes, 24) if home == index else Counter()
        onsets = {(onset, pitch) for onset, _, pitch, _ in mine}
        assert {(onset, pitch) for onset, _, pitch, _ in found - own} <= onsets
    for name in ("tempos", "metres", "keys"):
        scaled = [change._replace(tick=change.tick * factor) for change in getattr(piece, name)]
        assert list(getattr(joined, name)) == scaled
    assert joined.title == piece.title
    assert joined.length_ticks >= piece.length_ticks * factor


@settings(max_examples=60)
@given(pieces(), st.data())
def test_a_midi_file_of_both_has_every_given_note_of_a_file_of_one(
    piece: Piece, data: st.DataObject
) -> None:
    composed = data.draw(composed_parts())
    joined = join(piece, composed, dict.fromkeys(composed, 0) if piece.tracks else {}).piece
    before, after = (
        io.FORMATS[0].read_bytes(io.FORMATS[0].write_bytes(some), "")[0] for some in (piece, joined)
    )
    given_notes: Counter[Any] = Counter()
    all_notes: Counter[Any] = Counter()
    for some, found in ((before, given_notes), (after, all_notes)):
        for track in some.tracks:
            found.update(quarters(track.notes, some.resolution))
    assert not given_notes - all_notes


@pytest.mark.parametrize(
    ("resolution", "joint"),
    [(480, 480), (96, 96), (24, 24), (1000, 3000), (220, 1320), (1, 24), (32767, 32767)],
)
def test_the_resolution_holds_both_where_a_midi_file_can(resolution: int, joint: int) -> None:
    piece = Piece((Track([(1, resolution, 60, 90)], name="melody"),), resolution)
    joined = join(piece, {PIANO: Track([(1, 2, 40, 80)])}, {}).piece
    assert (joint_resolution(resolution), joined.resolution) == (joint, joint)
    assert quarters(joined.tracks[0].notes, joint) == quarters(piece.tracks[0].notes, resolution)
    onset = Fraction(int(joined.tracks[1].notes["onset"][0]), joint)
    assert abs(onset - Fraction(1, 24)) <= Fraction(0 if joint % 24 == 0 else 1, 2 * joint)


def test_a_composed_note_ends_where_a_given_one_of_its_pitch_begins() -> None:
    piece = Piece((Track([(48, 24, 60, 90)], 40, name="Violin"),), 24)
    joined = join(piece, {VIOLIN: Track([(0, 96, 60, 70), (0, 96, 64, 70)], 40)}, {VIOLIN: 0}).piece
    assert [*joined.tracks[0]] == [(0, 48, 60, 70), (0, 96, 64, 70), (48, 24, 60, 90)]


def test_a_composed_note_struck_while_a_given_one_sounds_is_left_out_and_counted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    piece = Piece((Track([(0, 96, 60, 90), (24, 24, 60, 80)], name="Violin"),), 24)
    caplog.set_level("INFO")
    composed = {VIOLIN: Track([(0, 9, 60, 1), (72, 9, 60, 1), (72, 9, 61, 1), (96, 9, 60, 1)])}
    joined = join(piece, composed, {VIOLIN: 0}).piece
    assert [note[0:3:2] for note in joined.tracks[0]] == [(0, 60), (24, 60), (72, 61), (96, 60)]
    assert "Violin: 2 composed notes fell on given ones and were left out." in caplog.text


def test_the_piece_grows_and_keeps_its_maps_when_it_is_continued() -> None:
    piece = Piece(
        (Track([(0, 480, 60, 90)]),), 480, (Tempo(0, 90.5),), (Metre(0, 11, 8),), length_ticks=2640
    )
    joined = join(piece, {}, {}, length_ticks=2 * 132).piece
    assert joined == Piece(
        piece.tracks, 480, piece.tempos, piece.metres, piece.keys, length_ticks=5280
    )
    assert join(piece, {}, {}).piece == piece


def test_new_tracks_follow_the_given_ones_melody_first() -> None:
    composed = notes.decode_by_part(notes.encode(band()).fields)
    joined = join(Piece((Track([(0, 9, 60, 90)], 40, name="Solo"),), 480), composed, {}).piece
    assert [track.name for track in joined.tracks] == ["Solo", "piano", "bass", "drums"]
    assert [track.is_drum for track in joined.tracks] == [False, False, False, True]


def test_where_the_composed_notes_are_is_told_of_composed_parts_alone() -> None:
    song = Piece((Track([(0, 24, 60, 80)]), Track([(0, 24, 48, 80)])), 24)
    tune = Track([(96, 24, 72, 80)])
    joined = join(song, {VIOLIN: tune}, {PIANO: 0, VIOLIN: 1})
    assert joined.tracks == {VIOLIN: 1}
    assert join(song, {VIOLIN: tune}, {PIANO: 0}).tracks == {VIOLIN: 2}


def test_the_same_notes_make_equal_pieces_and_no_notes_make_none_longer() -> None:
    song = Piece((Track([(0, 24, 60, 80), (24, 24, 62, 80)]),), 24)
    tune = {VIOLIN: Track([(24, 24, 72, 80)])}
    assert join(song, tune, {}) == join(song, tune, {})
    assert join(Piece(()), {}, {}).piece.length_ticks == 0


def test_events_by_part_are_what_the_encoding_decodes() -> None:
    fields = notes.encode(band(seed=3)).fields
    assert [*notes.decode_by_part(fields).values()] == [*notes.decode(fields).tracks]
    assert [*notes.decode_by_part(fields)] == [PIANO, notes.part_of(2), DRUMS]
    assert notes.decode_by_part(fields[:0]) == {}


@settings(max_examples=40)
@given(pieces(), st.integers(0, 500), st.integers(1, 2000), st.data())
def test_a_gap_takes_just_the_notes_that_begin_in_it(
    piece: Piece, start: int, length: int, data: st.DataObject
) -> None:
    chosen = data.draw(st.sets(st.integers(0, max(0, len(piece.tracks) - 1)))) & {
        *range(len(piece.tracks))
    }
    rest = without(piece, start, start + length, chosen)
    assert rest.length_ticks == piece.length_ticks
    for index, (before, after) in enumerate(zip(piece.tracks, rest.tracks, strict=True)):
        kept = [
            note
            for note in before
            if index not in chosen or not start <= note.onset_ticks < start + length
        ]
        assert [*after] == kept


def test_a_gap_or_track_that_is_not_there_is_refused() -> None:
    with pytest.raises(InputError, match="from tick 9 to tick 9"):
        without(band(), 9, 9, [0])
    with pytest.raises(InputError, match="3 tracks; none has the index 3"):
        without(band(), 0, 9, [3])
    with pytest.raises(InputError, match="3 tracks; none has the index -1"):
        join(band(), {}, {PIANO: -1})


# --- real files, read by mido ------------------------------------------------------------------


def played(path: Path) -> set[tuple[Fraction, Fraction, int, int, bool]]:
    """Onset and duration in quarters, pitch, velocity and whether it is a drum, of each note."""
    file = mido.MidiFile(path, clip=True)
    found = set()
    for track in file.tracks:
        held: dict[tuple[int, int], tuple[int, int]] = {}
        tick = 0
        for message in track:
            tick += message.time
            if message.type not in ("note_on", "note_off"):
                continue
            onset, velocity = held.pop((message.channel, message.note), (0, 0))
            if velocity:
                times = Fraction(onset, file.ticks_per_beat), Fraction(tick, file.ticks_per_beat)
                drum = message.channel == 9
                found.add((times[0], times[1] - times[0], message.note, velocity, drum))
            if message.type == "note_on" and message.velocity:
                held[message.channel, message.note] = tick, message.velocity
    return found


@pytest.mark.data
@pytest.mark.parametrize(
    "folder",
    ["openscore_quartets_midi", "freedoom_midi", "mutopia_pd_midi", "openewld_pd", "groove_midi"],
)
def test_a_real_file_is_found_whole_in_the_joined_one(
    folder: str, data_dir: Path, tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    files = sorted((data_dir / folder).rglob("*.mid"))
    for number in rng.choice(len(files), 4, replace=False):
        original = io.read(files[number])
        steps = rng.integers(0, max(1, int(original.length_beats) * 4), 200) * 6
        rows = [(step, 12, int(rng.integers(30, 90)), 64) for step in steps.tolist()]
        composed = {PIANO: Track(rows), DRUMS: Track(rows, is_drum=True)}
        alone = io.write(original, tmp_path / f"{number}.mid")
        joined = join(original, composed, {PIANO: 0}).piece
        both = io.write(joined, tmp_path / f"{number}-joined.mid")
        given_notes, all_notes = played(alone), played(both)
        assert given_notes <= all_notes, files[number]
        assert len(given_notes) > 0.99 * len(played(files[number]))  # what a reader may repair
        onsets = {(Fraction(onset, 24), pitch) for onset, _, pitch, _ in rows}
        assert {(note[0], note[2]) for note in all_notes - given_notes} <= onsets
