"""Rendered examples: perfect labels, whatever the seed, the songs and the number of processes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ritornello.corpus.store import Corpus, Entry, write_store
from ritornello.dsp.sound_files import read_audio
from ritornello.errors import ConfigError, InputError, RitornelloError
from ritornello.music.piece import Piece, Track
from ritornello.separate.rendered_stems import (
    SongBook,
    render_examples,
    render_stem_folders,
    save_examples,
    save_stem_folders,
)
from ritornello.separate.stem_examples import StemExamples
from ritornello.separate.stem_folders import PARTS, read_songs
from ritornello.separate.stem_player import RenderConfig, play
from tests.examples import band
from tests.strategies import pieces

SHORT = RenderConfig(rate_hz=11_025, seconds=1.0, seed=3)


def book(count: int = 4) -> SongBook:
    return SongBook.of_pieces([band(seed) for seed in range(count)])


def test_examples_are_the_same_alone_in_another_order_and_in_processes() -> None:
    alone = list(render_examples(book(), SHORT, count=4, workers=0))
    beside = list(render_examples(book(), SHORT, count=2, first=2, workers=2))
    for one, other in zip(alone[2:], beside, strict=True):
        np.testing.assert_array_equal(one.stems, other.stems)
        assert one.sources == other.sources
    assert not np.array_equal(alone[0].stems, alone[1].stems)


@given(st.integers(0, 2**32 - 1), st.floats(0, 1), st.floats(0, 1))
@settings(max_examples=15)
def test_levels_stay_in_bounds_at_every_strength(seed: int, mixed: float, effects: float) -> None:
    config = RenderConfig(rate_hz=8000, seconds=0.5, mixed=mixed, effects=effects, seed=seed)
    (example,) = render_examples(book(), config, count=1, workers=0)
    assert example.stems.shape == (4000, len(PARTS))
    assert np.isfinite(example.stems).all()
    for sound in (example.mix, *example.stems.T):
        assert np.abs(sound).max() <= 1
    assert np.abs(example.stems).max() > 0.01


@given(st.lists(pieces(bars=2), min_size=1, max_size=3), st.integers(0, 99))
@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow])
def test_any_songs_give_examples_or_a_clear_refusal(songs: list[Piece], seed: int) -> None:
    config = RenderConfig(rate_hz=8000, seconds=0.3, seed=seed)
    if not any(piece.note_count for piece in songs):
        with pytest.raises(InputError, match="has a note"):
            SongBook.of_pieces(songs)
        return
    (example,) = render_examples(SongBook.of_pieces(songs), config, count=1, workers=0)
    assert np.isfinite(example.stems).all()


def test_every_instrument_sounds_in_its_own_part_only() -> None:
    def only(program: int, is_drum: bool = False) -> SongBook:
        track = Track([(0, 480, 40, 100), (480, 480, 45, 100)], program, is_drum)
        return SongBook.of_pieces([Piece((track,))])

    for songs, part in (
        (only(33), "bass"), (only(43), "bass"), (only(0, True), "drums"),
        (only(0), "piano"), (only(4), "piano"), (only(25), "other"), (only(48), "other"),
    ):  # fmt: skip
        (example,) = render_examples(songs, SHORT, count=1, workers=0)
        assert [PARTS[i] for i in np.flatnonzero(example.stems.any(axis=0))] == [part]


def test_without_effects_a_part_is_heard_when_its_notes_say_so() -> None:
    quiet = Track([(960, 240, 60, 100)], 0, name="piano")
    beat = Track([(tick, 60, 36, 100) for tick in range(0, 1920, 480)], is_drum=True)
    songs = SongBook.of_pieces([Piece((quiet, beat))])
    config = RenderConfig(seconds=2.0, mixed=0, effects=0)
    score = songs.draw(config, 0)
    (piano,) = [line for line in score.lines if PARTS[line.part] == "piano"]
    sound = play(score).stems[:, PARTS.index("piano")]
    first = int(np.flatnonzero(np.abs(sound) > 0.01 * np.abs(sound).max())[0])
    assert first / config.rate_hz == pytest.approx(piano.notes[0, 0] / 44_100, abs=0.01)


def test_stems_of_mixed_examples_come_from_several_songs_and_others_from_one() -> None:
    mixed = RenderConfig(seconds=1.0, mixed=1.0)
    assert max(len(set(book().draw(mixed, number).sources)) for number in range(9)) > 1
    whole = RenderConfig(seconds=1.0, mixed=0.0)
    assert all(len(book().draw(whole, number).sources) == 1 for number in range(9))


def test_sides_of_a_corpus_and_names_left_out_are_kept_apart(tmp_path: Path) -> None:
    sides = ("train", "train", "valid")
    write_store(
        ((band(n), Entry(f"set/{n}.mid", "set", side)) for n, side in enumerate(sides)), tmp_path
    )
    corpus = Corpus.open(tmp_path)
    assert SongBook.of_corpus(corpus, "train").names == ["set/0.mid", "set/1.mid"]
    assert SongBook.of_corpus(corpus, "train", frozenset({"1.mid"})).names == ["set/0.mid"]
    assert SongBook.of_corpus(corpus, "valid").draw(SHORT, 0).sources[0] == "set/2.mid"


def test_saved_examples_are_those_rendered(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    saved = save_examples(
        book(), SHORT, tmp_path, count=2, workers=0, progress=lambda *done: told.append(done)
    )
    assert told == [(1, 2), (2, 2)]
    for index, example in enumerate(render_examples(book(), SHORT, count=2, workers=0)):
        np.testing.assert_allclose(saved.read(index), example.stems, atol=1 / 32767)
        assert saved.sources[index] == list(example.sources)
    part = StemExamples.open(tmp_path).read(1, 100, 50)
    np.testing.assert_array_equal(part, saved.read(1)[100:150])
    assert (saved.rate_hz, len(saved)) == (11_025, 2)


def test_stem_folders_are_read_back_and_sum_to_their_mix(tmp_path: Path) -> None:
    examples = list(render_examples(book(), SHORT, count=2, workers=0))
    save_stem_folders(iter(examples), tmp_path)
    found = read_songs(tmp_path, read_audio, rate_hz=SHORT.rate_hz)
    assert not found.rejected
    for song, example in zip(found.songs, examples, strict=True):
        np.testing.assert_allclose(song.stems, example.stems, atol=1e-5)
        np.testing.assert_allclose(song.mix, song.stems.sum(axis=1), atol=1e-5)


def test_a_folder_of_midi_becomes_songs_with_stems(tmp_path: Path) -> None:
    for seed in range(2):
        band(seed).save(tmp_path / "midi" / f"{seed}.mid")
    (tmp_path / "midi" / "broken.mid").write_bytes(b"no music")
    places = render_stem_folders(
        tmp_path / "midi", tmp_path / "stems", count=2, seconds=1.0, workers=0
    )
    found = read_songs(tmp_path / "stems", read_audio, rate_hz=44_100)
    assert [place.name for place in places] == [song.name for song in found.songs]
    assert all(len(song.mix) == 44_100 for song in found.songs)
    (tmp_path / "none").mkdir()
    with pytest.raises(InputError):
        render_stem_folders(tmp_path / "none", tmp_path / "more", workers=0)


def test_settings_without_meaning_are_refused() -> None:
    with pytest.raises(ConfigError, match="0 s at"):
        RenderConfig(seconds=0)
    with pytest.raises(ConfigError, match="100 Hz"):
        RenderConfig(rate_hz=100)
    with pytest.raises(ConfigError, match="0 to 1"):
        RenderConfig(mixed=2)


def test_a_missing_font_is_named_from_a_process_too(tmp_path: Path) -> None:
    config = RenderConfig(seconds=0.5, soundfonts=(str(tmp_path / "none.sf2"),))
    for workers in (0, 1):
        with pytest.raises(RitornelloError, match="cannot be read"):
            list(render_examples(book(), config, count=1, workers=workers))


def test_damaged_examples_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no stem examples"):
        StemExamples.open(tmp_path)
    save_examples(book(), SHORT, tmp_path, count=1, workers=0)
    (tmp_path / "about.json").write_text("{}", encoding="utf-8")
    with pytest.raises(InputError, match="damaged"):
        StemExamples.open(tmp_path)
