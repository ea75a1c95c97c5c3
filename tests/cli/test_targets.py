"""`-o` names a folder, or the file of one piece."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ritornello.api import load, load_plan
from tests.cli.conftest import Outcome


def test_a_name_with_an_ending_is_the_file_of_the_piece(
    command: Callable[..., Outcome], tmp_path: Path, tiny_model: Path
) -> None:
    asked = ("compose", "--bars", 2, "-m", tiny_model, "--seed", 1)
    for name in ("song.mid", "sheets/song.musicxml"):
        assert command(*asked, "-o", name).code == 0
    midi, score = load(tmp_path / "song.mid"), load(tmp_path / "sheets" / "song.musicxml")
    assert midi.note_count == score.note_count > 0
    assert command("continue", "song.mid", "--bars", 1, *asked[3:], "-o", "other.mid").code == 0
    assert load(tmp_path / "other.mid").bar_count == 3
    assert command("compose", "--bars", 8, "--plan-only", "-o", "plan.toml").code == 0
    assert load_plan(tmp_path / "plan.toml").bars == 8
    (tmp_path / "folder.mid").mkdir()
    assert command(*asked, "-f", "mid", "-o", "folder.mid").code == 0
    assert (tmp_path / "folder.mid" / "piece-1.mid").is_file()


@pytest.mark.parametrize(
    "words",
    [("-n", 2), ("-f", "mp3"), ("-f", "mid,mp3"), ("--stems",), ("--plan-only", "-n", 2)],
)
def test_a_file_holds_one_piece_in_one_format(
    command: Callable[..., Outcome], tmp_path: Path, words: tuple[object, ...]
) -> None:
    name = "plan.toml" if "--plan-only" in words else "song.mid"
    done = command("compose", "--bars", 8, *words, "-o", name)
    assert done.code == 2
    assert done.err.startswith(f"ritornello: -o {name}")
    assert not [*tmp_path.glob("song*")]
