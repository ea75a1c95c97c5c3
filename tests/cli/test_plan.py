"""`ritornello plan`: what a piece does is printed, drawn and written, and bad input is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from ritornello.api import load_plan, plan_of
from ritornello.files import save
from ritornello.music.piece import Piece, Track
from tests.cli.conftest import Outcome
from tests.plan.songs import phrase, song


def test_sections_of_a_song_are_printed(command: Callable[..., Outcome], tmp_path: Path) -> None:
    save(song(phrase(1), phrase(2), phrase(1)), tmp_path / "song.mid")
    done = command("plan", "song.mid")
    assert done.code == 0
    rows = [line.split() for line in done.out.splitlines()]
    assert [(row[0], row[1]) for row in rows[1:]] == [("A", "1-8"), ("B", "9-16"), ("A", "17-24")]
    assert "8 again" in done.out
    assert "flute" in done.out


def test_a_plan_is_written_read_and_drawn(command: Callable[..., Outcome], tmp_path: Path) -> None:
    save(song(phrase(1), phrase(2), phrase(1)), tmp_path / "song.mid")
    for name in ("plan.toml", "plan.svg", "plan.png"):
        done = command("plan", "song.mid", "-o", name)
        assert done.code == 0
        assert done.out.rstrip().endswith(name)
        assert (tmp_path / name).stat().st_size > 500
    again = load_plan(tmp_path / "plan.toml")
    assert [section.name for section in again.sections] == ["A", "B", "A"]
    assert command("plan", "song.mid", "-o", "plan.toml").code == 1
    assert command("plan", "song.mid", "-o", "plan.toml", "--overwrite").code == 0


def test_a_plan_for_programs(command: Callable[..., Outcome], tmp_path: Path) -> None:
    piece = song(phrase(1), phrase(1))
    save(piece, tmp_path / "song.mid")
    found = json.loads(command("plan", "song.mid", "--json").out)
    assert found["bars"] == plan_of(piece).bars == 16
    assert found["rows"][8]["close"] == "again"
    assert found["rows"][8]["returns_to"] == 1
    assert found["players"] == ["drums", "bass", "piano", "flute"]


def test_what_cannot_be_is_said(command: Callable[..., Outcome], tmp_path: Path) -> None:
    save(Piece((Track([], 0),)), tmp_path / "empty.mid")
    save(song(phrase(1)), tmp_path / "song.mid")
    (tmp_path / "notes.txt").write_text("no music")
    for words, part in (
        (("plan", "empty.mid"), "empty.mid"),
        (("plan", "nowhere.mid"), "nowhere.mid"),
        (("plan", "notes.txt"), "notes.txt"),
        (("plan", "song.mid", "-o", "plan.doc"), ".toml, .svg, .png; found .doc"),
        (("plan", "song.mid", "-o", "plan"), "found no ending"),
    ):
        done = command(*words)
        assert done.code in (1, 2), words
        assert part in done.err, words
        assert "Traceback" not in done.err
    assert not (tmp_path / "plan.doc").exists()
