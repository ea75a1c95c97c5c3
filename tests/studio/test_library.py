"""A library keeps every version, takes up older libraries, and leaves newer ones alone."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from ritornello.errors import InputError, OutputError
from ritornello.music.piece import Piece, Track
from ritornello.studio.database import DATABASE_FILE, MIGRATIONS, Database
from ritornello.studio.library_folder import Library
from ritornello.studio.song_library import MissingError, SongLibrary, StateError


def a_piece(pitch: int = 60) -> Piece:
    return Piece((Track([(0, 480, pitch, 80)]),), title="A song")


@pytest.fixture
def songs(tmp_path: Path) -> Iterator[SongLibrary]:
    with closing(Database(tmp_path / DATABASE_FILE)) as database:
        yield SongLibrary(database)


def test_undo_goes_to_the_parent_and_redo_comes_back(songs: SongLibrary) -> None:
    first = songs.add(a_piece(), "upload")
    second = songs.add(a_piece(62), "edit", parent=first["id"])
    third = songs.add(a_piece(64), "edit", parent=second["id"])
    song = first["song"]
    assert songs.song(song)["head"] == third["id"]
    assert songs.undo(song)["head"] == second["id"]
    assert songs.undo(song)["head"] == first["id"]
    with pytest.raises(StateError, match="nothing to undo"):
        songs.undo(song)
    assert songs.redo(song)["head"] == second["id"]
    other = songs.add(a_piece(65), "edit", parent=second["id"])
    songs.undo(song)
    assert songs.redo(song)["head"] == other["id"]
    assert len(songs.song(song)["versions"]) == 4
    assert songs.piece(third["id"]) == a_piece(64)


def test_two_edits_of_one_version_are_both_kept(songs: SongLibrary) -> None:
    first = songs.add(a_piece(), "upload")
    mine = songs.add(a_piece(62), "edit", parent=first["id"])
    theirs = songs.add(a_piece(64), "edit", parent=first["id"])
    assert {mine["parent"], theirs["parent"]} == {first["id"]}


def test_a_removed_song_can_be_restored(songs: SongLibrary) -> None:
    song = songs.add(a_piece(), "upload")["song"]
    songs.change_song(song, deleted=True)
    assert not songs.songs()
    songs.change_song(song, deleted=False)
    assert [each["id"] for each in songs.songs()] == [song]


def test_a_version_of_another_song_is_no_head(songs: SongLibrary) -> None:
    one, other = songs.add(a_piece(), "upload"), songs.add(a_piece(), "upload")
    with pytest.raises(StateError):
        songs.change_song(one["song"], head=other["id"])
    with pytest.raises(MissingError):
        songs.change_song(one["song"], head="nothing")


def test_a_library_is_opened_again_with_all_that_is_in_it(tmp_path: Path) -> None:
    library = Library(tmp_path)
    version = library.songs.add(a_piece(), "upload")
    library.close()
    library = Library(tmp_path)
    assert library.songs.piece(version["id"]) == a_piece()
    library.close()


def test_every_older_library_is_brought_up_to_date(tmp_path: Path) -> None:
    for version in range(len(MIGRATIONS)):
        path = tmp_path / f"{version}.db"
        older = sqlite3.connect(path)
        for script in MIGRATIONS[:version]:
            older.executescript(script)
        older.execute(f"PRAGMA user_version = {version}")
        if version:
            older.execute(f"PRAGMA application_id = {0x5269746F}")
        older.commit()
        older.close()
        with closing(Database(path)) as database:
            SongLibrary(database).add(a_piece(), "upload")


def test_a_newer_library_is_refused_and_stays_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / DATABASE_FILE
    Database(path).close()
    newer = sqlite3.connect(path)
    newer.execute("PRAGMA user_version = 99")
    newer.close()
    before = path.read_bytes()
    with pytest.raises(InputError, match="version 99"):
        Database(path)
    assert path.read_bytes() == before


def test_a_file_that_is_no_library_is_refused(tmp_path: Path) -> None:
    path = tmp_path / DATABASE_FILE
    path.write_bytes(b"not a database, but long enough to look like something" * 30)
    with pytest.raises(InputError, match="not a library"):
        Database(path)


def test_a_library_is_open_in_one_studio_at_a_time(tmp_path: Path) -> None:
    library = Library(tmp_path)
    with pytest.raises(OutputError, match="open with this library already"):
        Library(tmp_path)
    library.close()
    Library(tmp_path).close()
