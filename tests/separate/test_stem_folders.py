"""Folders of stems: every stem finds its part, and whatever is odd is named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ritornello.corpus.listing import SIDES
from ritornello.dsp.sound_files import read_audio, write_audio
from ritornello.dsp.waveform import Waveform
from ritornello.errors import InputError
from ritornello.separate.stem_folders import PARTS, StemSong, read_songs, split_songs

RATE = 8000


def write(folder: Path, **levels: float) -> None:
    """A constant sound of one second and level for each file; "x_mp3" is x.mp3, else wav."""
    for name, level in levels.items():
        stem, _, kind = name.partition("_")
        samples = np.full((RATE, 1), level, np.float32)
        write_audio(Waveform(samples, RATE), folder / f"{stem}.{kind or 'wav'}")


def test_stems_are_mapped_to_parts_and_summed_to_the_mix(tmp_path: Path) -> None:
    write(tmp_path / "song", bass=0.1, drums_flac=0.2, keys=0.05, guitar=0.02, kazoo=0.03)
    found = read_songs(tmp_path, read_audio, rate_hz=RATE)
    (song,) = found.songs
    np.testing.assert_allclose(song.stems[100], [0.1, 0.2, 0.05, 0.05], atol=1e-5)
    np.testing.assert_allclose(song.mix, song.stems.sum(axis=1))
    assert song.solo_name == "guitar"
    assert found.unknown == {"kazoo": 1}
    assert "kazoo in 1" in found.describe()


def test_a_mix_and_a_solo_of_the_user_are_taken(tmp_path: Path) -> None:
    write(tmp_path / "song", bass=0.1, mix=0.4, solo=0.3)
    found = read_songs(tmp_path, read_audio, rate_hz=RATE)
    assert found.songs[0].mix[9] == pytest.approx(0.4, abs=1e-5)
    assert found.songs[0].solo[9] == pytest.approx(0.3, abs=1e-5)
    assert found.missing == {"drums": 1, "piano": 1, "other": 1}


def test_mp3_stems_are_read_and_songs_cut_and_resampled(tmp_path: Path) -> None:
    write(tmp_path / "song", bass_mp3=0.1, drums=0.1)
    found = read_songs(tmp_path, read_audio, rate_hz=4000, longest_seconds=0.5)
    assert found.songs[0].stems.shape == (2000, len(PARTS))
    assert found.songs[0].rate_hz == 4000


def test_unusable_songs_are_named_with_the_reason(tmp_path: Path) -> None:
    write(tmp_path / "good", bass=0.1)
    write(tmp_path / "mixed", mix=0.1)
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "bass.wav").write_bytes(b"no sound")
    found = read_songs(tmp_path, read_audio, rate_hz=RATE)
    assert [song.name for song in found.songs] == ["good"]
    assert found.rejected["mixed"] == "It has no stems."
    assert "cannot be read" in found.rejected["broken"]


def test_shorter_stems_are_silent_from_their_end_and_told(tmp_path: Path) -> None:
    """sigsep-mus-db #58, moises-db #8."""
    write(tmp_path / "uneven", bass=0.1)
    long = Waveform(np.full((2 * RATE, 1), 0.2, np.float32), RATE)
    write_audio(long, tmp_path / "uneven" / "drums.wav")
    found = read_songs(tmp_path, read_audio, rate_hz=RATE)
    assert len(found.songs[0].mix) == 2 * RATE
    np.testing.assert_allclose(found.songs[0].mix[-9:], 0.2, atol=1e-5)
    assert "uneven has files 1.00 s shorter" in found.describe()


def test_mixtures_of_musdb_and_hidden_files_of_a_mac_are_no_stems(tmp_path: Path) -> None:
    write(tmp_path / "song", bass=0.1, mixture=0.4)
    (tmp_path / "song" / "._bass.wav").write_bytes(b"Mac OS X")
    found = read_songs(tmp_path, read_audio, rate_hz=RATE)
    assert not found.unknown
    assert found.songs[0].mix[9] == pytest.approx(0.4, abs=1e-5)


def test_a_folder_without_songs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No song with stems"):
        read_songs(tmp_path, read_audio, rate_hz=RATE)


def songs(count: int, complete: int) -> list[StemSong]:
    made = []
    for number in range(count):
        stems = np.ones((4, len(PARTS)), np.float32)
        stems[:, 2] = number < complete
        made.append(StemSong(f"song{number}", stems[:, 0], stems[:, 0], "bass", stems, RATE))
    return made


@given(st.integers(3, 40), st.integers(0, 40), st.integers(0, 99))
def test_every_song_is_on_one_side_and_no_side_is_empty(
    count: int, complete: int, seed: int
) -> None:
    sides = split_songs(songs(count, complete), (9, 3, 3), seed)
    names = sorted(song.name for side in SIDES for song in sides[side])
    assert names == sorted(f"song{number}" for number in range(count))
    assert all(sides.values())


def test_fifteen_songs_are_split_nine_three_three_with_every_part_on_every_side() -> None:
    sides = split_songs(songs(15, 8), (9, 3, 3), seed=1)
    assert [len(sides[side]) for side in SIDES] == [9, 3, 3]
    assert all(any(song.stems[:, 2].any() for song in sides[side]) for side in SIDES)
    with pytest.raises(InputError, match="cannot be split"):
        split_songs(songs(2, 2), (9, 3, 3), seed=1)


@pytest.mark.data
def test_the_loops_sum_to_their_mix_and_lack_only_pianos(data_dir: Path) -> None:
    found = read_songs(data_dir / "stem_loops15", read_audio, rate_hz=RATE)
    assert len(found.songs) == 15
    assert not found.rejected
    assert not found.unknown
    assert found.missing == {"piano": 7}
