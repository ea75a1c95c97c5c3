"""A folder in the layout of the clean Lakh subset gives songs with genres, and names the others."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from ritornello.errors import InputError
from ritornello.music import io
from ritornello.music.piece import Piece, Track
from ritornello.papers.lakh_lstm.lakh import GENRES, read_lakh

TRACKS = ("TRAAAAA128F0000001", "TRAAAAB128F0000002", "TRAAAAC128F0000003", "TRAAAAD128F0000004")


def song(folder: Path, artist: str, title: str, pitch: int) -> str:
    """Write a song; its md5."""
    path = folder / "clean_midi" / artist / f"{title}.mid"
    path.parent.mkdir(parents=True, exist_ok=True)
    io.write(Piece((Track([(0, 480, pitch, 80)]),)), path)
    return hashlib.md5(path.read_bytes()).hexdigest()


def genres(folder: Path, *lines: str) -> None:
    header = ["# MSD Genre Annotations", "#", "# TRACK_ID\tMAJORITY_GENRE [MINORITY_GENRE]"]
    (folder / "msd_tagtraum_cd1.cls").write_text("\n".join([*header, *lines]) + "\n")


def test_the_thirteen_genres() -> None:
    assert len(set(GENRES)) == 13


def test_songs_are_matched_by_their_bytes(tmp_path: Path) -> None:
    loved = song(tmp_path, "ABBA", "Waterloo", 60)
    blues = song(tmp_path, "B.B. King", "The Thrill", 61)
    metal = song(tmp_path, "Somebody", "Loud", 62)
    plain = song(tmp_path, "Nobody", "Genreless", 63)
    song(tmp_path, "Nobody", "Unmatched", 64)
    genres(tmp_path, f"{TRACKS[0]}\tPop_Rock", f"{TRACKS[1]}\tBlues\tRnB", f"{TRACKS[2]}\tMetal")
    matches = {
        TRACKS[3]: {plain: 0.7, loved: 0.6},
        TRACKS[0]: {loved: 0.9},
        TRACKS[1]: {blues: 0.8},
        TRACKS[2]: {metal: 0.8},
    }
    (tmp_path / "match_scores.json").write_text(json.dumps(matches))
    found = read_lakh(tmp_path)
    assert [(each.artist, each.title, each.track, each.genre) for each in found.songs] == [
        ("ABBA", "Waterloo", TRACKS[0], "Pop_Rock"),
        ("B.B. King", "The Thrill", TRACKS[1], "Blues"),
    ]
    assert found.left_out == {
        "clean_midi/Nobody/Genreless.mid": "its track has no genre",
        "clean_midi/Nobody/Unmatched.mid": "matches no track",
        "clean_midi/Somebody/Loud.mid": "the genre Metal is none of the 13",
    }
    assert sum(found.reasons.values()) == 3


def test_songs_are_matched_by_their_names(tmp_path: Path) -> None:
    song(tmp_path, "Beyoncé", "Halo", 60)
    song(tmp_path, "Beyoncé", "Halo.1", 61)
    genres(tmp_path, f"{TRACKS[0]}\tNew_Age")
    (tmp_path / "unique_tracks.txt").write_text(
        f"{TRACKS[0]}<SEP>SOAAAAA12A0000001<SEP>BEYONCE<SEP>Halo!\nnot a line of this file\n"
    )
    found = read_lakh(tmp_path)
    assert [(each.title, each.genre) for each in found.songs] == [("Halo", "New Age")] * 2


def test_what_is_missing_is_named_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"No MIDI file .*\n.*clean_midi"):
        read_lakh(tmp_path)
    song(tmp_path, "A", "B", 60)
    with pytest.raises(InputError, match=r"no genre file .*\n.*msd_tagtraum_cd1.cls"):
        read_lakh(tmp_path)
    genres(tmp_path)
    with pytest.raises(InputError, match="No genre of any track"):
        read_lakh(tmp_path)
    genres(tmp_path, f"{TRACKS[0]}\tJazz")
    with pytest.raises(InputError, match=r"match_scores.json nor unique_tracks.txt"):
        read_lakh(tmp_path)


@pytest.mark.parametrize("text", ["{", "[1]", '{"T": 3}', '{"T": {"m": "x"}}', "\udcff"])
def test_damaged_matches_are_refused_with_their_name(text: str, tmp_path: Path) -> None:
    song(tmp_path, "A", "B", 60)
    genres(tmp_path, f"{TRACKS[0]}\tJazz")
    (tmp_path / "match_scores.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(InputError, match=r"match_scores.json: The matches cannot be read"):
        read_lakh(tmp_path)
