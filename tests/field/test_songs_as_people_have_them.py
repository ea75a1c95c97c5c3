"""Songs with minutes of nothing at the end, kits in several tracks, charts with stated basses."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest

from ritornello import Composer
from ritornello.generation.edit.kit_tracks import key_owners
from ritornello.generation.edit.verbs import vary_job
from ritornello.generation.rules import Rules
from ritornello.generation.writer import Writer
from ritornello.music.piece import Piece, Text, Track
from ritornello.music.slicing import bar_edges
from ritornello.note_model.encoding.notes import DRUM_PITCH, PART, PITCH, RESOLUTION

BEAT = 480
BAR = 4 * BEAT
LEAD = Track([(beat * BEAT, BEAT, 60 + beat % 5, 80) for beat in range(32)], 56, name="Lead")
KICK = Track([(beat * BEAT, 60, 36, 90) for beat in range(0, 32, 2)], is_drum=True, name="Kick")
SNARE = Track([(beat * BEAT, 60, 38, 90) for beat in range(1, 32, 2)], is_drum=True, name="Snare")
HATS = Track([(half * 240, 60, 42, 70) for half in range(64)], is_drum=True, name="Hats")
KIT = Piece((KICK, SNARE, HATS, LEAD))
WITH_A_TAIL = Piece((LEAD,), length_ticks=68 * BAR)


@pytest.fixture(scope="module")
def composer() -> Composer:
    return Composer.load()


def test_a_song_with_an_empty_minute_goes_on_where_its_music_ends(composer: Composer) -> None:
    result = composer.continue_(WITH_A_TAIL, bars=4, seed=1)
    piece = result.piece.at_resolution(BEAT)
    new = piece.tracks[0].notes["onset"][~result.given[0][0]]
    assert 8 * BAR <= new.min() < 10 * BAR
    assert piece.bar_count == 12
    assert any("60 empty bars" in warning and "bar 9" in warning for warning in result.warnings)


def test_voices_do_not_sing_through_an_empty_minute(composer: Composer) -> None:
    for result in (
        composer.harmonise(WITH_A_TAIL, voices=("bass",), seed=1),
        composer.arrange(WITH_A_TAIL, add=("bass",), seed=1),
    ):
        assert result.piece.at_resolution(BEAT).tracks[-1].notes["onset"].max() < 8 * BAR
        assert any("60 empty bars" in warning for warning in result.warnings)


def test_a_bar_of_rest_at_the_end_stays(composer: Composer) -> None:
    song = Piece((LEAD,), length_ticks=9 * BAR, markers=(Text(9 * BAR, "End"),))
    result = composer.arrange(song, add=("bass",), seed=1)
    assert result.piece.bar_count == 9
    assert [marker.text for marker in result.piece.markers] == ["End"]
    assert not any("empty" in warning for warning in result.warnings)


@pytest.mark.parametrize("seed", range(3))
def test_a_kit_in_several_tracks_goes_on_in_each(composer: Composer, seed: int) -> None:
    result = composer.continue_(KIT, bars=4, seed=seed)
    kick, snare, hats, _ = result.piece.tracks
    assert set(snare.notes["pitch"].tolist()) <= {37, 38, 39, 40, 41, 43, 45, 47, 48, 50}
    assert {42, 44, 46, *range(49, 60)} >= set(hats.notes["pitch"].tolist())
    assert not {38, 42} & set(kick.notes["pitch"].tolist())
    new = sum(int((~given).sum()) for given in result.given[0][:3])
    assert new > len(kick) - int(result.given[0][0].sum())  # not all of it in the first


@pytest.mark.parametrize("seed", range(3))
def test_hats_written_anew_are_hats(composer: Composer, seed: int) -> None:
    result = composer.vary(KIT, parts=("Hats",), seed=seed)
    assert set(result.piece.tracks[2].notes["pitch"].tolist()) <= {42, 44, 46}
    assert list(result.piece.at_resolution(BEAT).tracks[0]) == list(KICK)


@pytest.mark.parametrize("seed", range(1, 4))
def test_kick_and_snare_are_written_below_hats_that_are_given(
    composer: Composer, seed: int
) -> None:
    result = composer.fill(KIT, (5, 8), parts=("Kick", "Snare"), seed=seed)
    piece = result.piece.at_resolution(BEAT)
    new = [(~given).sum() for given in result.given[0]]
    assert new[0] >= 4
    assert new[1] >= 4
    assert list(piece.tracks[2]) == list(HATS)
    struck = piece.tracks[0].notes["onset"][~result.given[0][0]]
    assert set(struck.tolist()) & set(HATS.notes["onset"].tolist())  # on a tick of theirs


@pytest.mark.parametrize("part", ["Kick", "Snare"])
def test_a_drum_written_anew_is_not_left_silent(composer: Composer, part: str) -> None:
    result = composer.vary(KIT, parts=(part,), seed=1)
    track = result.piece.tracks[("Kick", "Snare").index(part)]
    edges = bar_edges(result.piece)
    played = np.searchsorted(edges, track.notes["onset"], side="right")
    assert (
        np.diff([0, *np.unique(played), 9]).max() <= 4
    )  # rests of two bars, and what is left of those around them


def test_who_rested_long_enough_plays_before_the_given_note_of_its_part() -> None:
    job = vary_job(KIT, [0], rules=Rules()).job
    writer = Writer.start(job, np.random.default_rng(0))
    (drums,) = job.composed_parts
    hat = DRUM_PITCH + 42
    for onset, fields in job.given.events:
        if fields[PART] != drums or fields[PITCH] != hat:
            continue
        while writer.tracker.next_given != (onset, fields):  # other parts, and the snare
            assert writer.tracker.next_given is not None
            then, (_, part, pitch, duration, velocity) = writer.tracker.next_given
            writer.write((then - writer.tracker.onset_ticks, part, pitch, duration, velocity))
        shift = onset - writer.tracker.onset_ticks
        if shift:  # else the snare came, and a kick goes before it
            legal = writer.masks.pitches(shift, drums)
            assert legal[:hat].any()  # a kick may come first
            if onset < 4 * RESOLUTION:
                assert legal[hat]
            if onset >= 2 * 4 * RESOLUTION:
                assert not legal[hat]  # after two bars without a kick one must come
        _, part, pitch, duration, velocity = fields
        writer.write((shift, part, pitch, duration, velocity))


def test_who_owns_a_drum_key() -> None:
    everyone = key_owners(KIT, [0, 1, 2, 3])
    assert [everyone[key] for key in (35, 36, 38, 40, 42, 46, 51, 45, 75)] == [
        *(0, 0, 1, 1, 2, 2, 2, 1, 0)
    ]
    assert {*key_owners(KIT, [2])} == {42, 44, 46}
    assert key_owners(KIT, [3]) == {}
    assert key_owners(Piece((KICK, LEAD)), [0, 1]) == {}


def test_a_bass_plays_the_bass_that_is_written(composer: Composer) -> None:
    heard = 0
    for seed in range(4):
        piece = composer.compose(
            bars=8, chords="C/E Am/G F G", parts=("piano", "bass"), ending=False, seed=seed
        )
        (bass,) = (track for track in piece.tracks if track.label == "bass")
        edges = bar_edges(piece)
        for note in bass:
            bar = int((edges <= note.onset_ticks).sum()) - 1
            if note.onset_ticks % piece.resolution == 0 and bar % 4 < 2:
                assert note.pitch % 12 == (4, 7)[bar % 4]
                heard += 1
    assert heard


def test_chords_beyond_the_last_bar_are_told(
    composer: Composer, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "ritornello"):
        composer.compose(bars=2, chords="C F G Am", parts=("piano",))
    assert "the last 2 are beyond" in caplog.text
    result = composer.continue_(Piece((LEAD,)), bars=1, chords="C F G Am", seed=1)
    assert any("beyond" in warning for warning in result.warnings)


def test_as_many_chords_as_bars_are_not_told(
    composer: Composer, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    with caplog.at_level(logging.WARNING, "ritornello"):
        composer.compose(bars=4, chords="C F", parts=("piano",)).save(tmp_path / "a.mid")
    assert "beyond" not in caplog.text
