"""Reading and writing by a file's ending, and what is refused before it does harm."""

from __future__ import annotations

from pathlib import Path

import pytest

from ritornello.errors import InputError, OutputError
from ritornello.music import io
from ritornello.music.piece import Piece, Track

PIECE = Piece(tracks=(Track([(0, 480, 60, 80)]),))


def test_unknown_endings_list_the_known_ones(tmp_path: Path) -> None:
    path = tmp_path / "tune.doc"
    path.touch()
    with pytest.raises(InputError, match=r"\.abc"):
        io.read(path)
    with pytest.raises(OutputError, match=r"\.mid"):
        io.write(PIECE, tmp_path / "tune.png")
    with pytest.raises(OutputError, match=r"\.doc is no format"):
        io.write(PIECE, path)


def test_missing_empty_and_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        io.read(tmp_path / "none.mid")
    (tmp_path / "empty.mid").touch()
    with pytest.raises(InputError, match="empty"):
        io.read(tmp_path / "empty.mid")
    (tmp_path / "folder.mid").mkdir()
    with pytest.raises(InputError, match="folder"):
        io.read(tmp_path / "folder.mid")


def test_a_file_over_the_limit_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "huge.mid"
    with path.open("wb") as file:
        file.truncate(io.MAX_FILE_BYTES + 1)
    with pytest.raises(InputError, match="64"):
        io.read(path)


def test_a_million_notes_and_ten_hours_are_the_limit(tmp_path: Path) -> None:
    row = [(tick, 1, 60, 80) for tick in range(1000)]
    many = Piece(tracks=tuple(Track(row) for _ in range(1001)), resolution=24)
    with pytest.raises(InputError, match="1,001,000 notes"):
        io.check_size(many, "many")
    long = Piece(tracks=PIECE.tracks, length_ticks=480 * 120 * 60 * 11)
    path = io.write(long, tmp_path / "long.mid")
    with pytest.raises(InputError, match=r"11\.0 hours"):
        io.read(path)


def test_writing_never_replaces_silently(tmp_path: Path) -> None:
    path = io.write(PIECE, tmp_path / "tune.mid")
    with pytest.raises(OutputError, match="--overwrite"):
        io.write(Piece(tracks=()), path)
    assert io.read(path).note_count == 1
    io.write(Piece(tracks=()), path, overwrite=True)
    assert io.read(path).note_count == 0


BOOK = b"X:1\nT:One\nK:C\nCDEF|\n\nX:7\nT:Two\nK:C\nz|\n\nX:7\nT:Three\nK:G\nGABc|\n"


@pytest.fixture
def book(tmp_path: Path) -> Path:
    path = tmp_path / "book.abc"
    path.write_bytes(BOOK)
    return path


def test_a_book_is_read_by_its_first_piece_and_says_how_many_there_are(book: Path) -> None:
    piece, told = io.read_with_repairs(book)
    assert piece.title == "One"
    assert told[0] == "The book holds 3 tunes; this is the first."


def test_an_address_names_a_piece_of_a_book_by_its_place(book: Path) -> None:
    assert io.read(f"{book}#3").title == "Three"
    assert io.file_of(f"{book}#3") == book
    assert io.read_with_repairs(f"{book}#1")[1] == ()
    with pytest.raises(InputError, match="has no notes"):
        io.read(f"{book}#2")
    for number in (0, 4):
        with pytest.raises(InputError, match=f"holds 3 tunes; found a request for number {number}"):
            io.read(f"{book}#{number}")


def test_a_file_of_the_very_name_comes_before_an_address(tmp_path: Path) -> None:
    path = io.write(PIECE, tmp_path / "song#2.mid")
    assert io.read(path) == PIECE
    with pytest.raises(InputError, match=r"\.mid#2 is no format"):
        io.read(tmp_path / "song.mid#2")


def test_each_piece_of_a_book_is_listed_and_read(book: Path, tmp_path: Path) -> None:
    single = io.write(PIECE, tmp_path / "song.mid")
    addresses = [*io.list_addresses(book), *io.list_addresses(single)]
    assert addresses == [f"{book}#1", f"{book}#2", f"{book}#3", str(single)]
    found = list(io.read_each([*addresses, tmp_path / "none.abc"]))
    titles = [None if isinstance(item, InputError) else item[0].title for item in found]
    assert titles == ["One", None, "Three", "", None]
