"""`ritornello originality` and `compose --original`: what copies is said, and made anew."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from ritornello import api
from ritornello.generation.originality.index import INDEX_FILE, TrainingIndex
from ritornello.music.piece import Piece, Track
from tests.cli.conftest import Outcome
from tests.examples import band


@pytest.fixture
def model(tiny_model: Path, tmp_path: Path) -> Path:
    """A model whose training music was four bands."""
    folder = tmp_path / "mine"
    shutil.copytree(tiny_model, folder)
    index = TrainingIndex.build(map(band, range(4)), held_out=[band(9)])
    index.save(folder / INDEX_FILE)
    return folder


def test_a_copy_is_told_with_its_bars(
    command: Callable[..., Outcome], model: Path, tmp_path: Path
) -> None:
    band(2).transposed(5).save(tmp_path / "copy.mid")
    done = command("originality", "copy.mid", "-m", model)
    assert done.code == 0
    assert "all parts together: bars 1 to 8" in done.out
    assert "100.0%" in done.out
    assert "two bars or more that stand in the training music" in done.out


def test_a_program_can_read_what_was_found(
    command: Callable[..., Outcome], model: Path, tmp_path: Path
) -> None:
    band(2).save(tmp_path / "copy.mid")
    done = command("originality", "copy.mid", "copy.mid", "-m", model, "--json")
    found = json.loads(done.out)
    assert [piece["file"] for piece in found["pieces"]] == ["copy.mid"] * 2
    texture = found["pieces"][0]["texture"]
    assert texture["shares"] == {"4": 1, "8": 1}
    assert texture["longest"]["first_bar"] == 1
    assert found["held_out"]["pieces"] == 1


def test_composing_tries_again_what_copies(
    command: Callable[..., Outcome], model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tune = Piece((Track([(12 * n, 12, 40 + 7 * n % 50, 80) for n in range(64)]),), 24)
    made = []

    def compose_many(
        composer: api.Composer, n: int, *, seed: int, **options: object
    ) -> list[Piece]:
        made.append(seed)
        return [tune if len(made) == 3 else band(seed % 4)]

    monkeypatch.setattr(api.Composer, "compose_many", compose_many)
    done = command("compose", "-m", model, "--original", "--seed", 3, "-f", "mid", "--json")
    (piece,) = json.loads(done.out)["pieces"]
    assert piece["original"]["within_limit"] is True
    assert (piece["original"]["tries"], piece["original"]["seed"]) == (3, made[2])
    assert piece["original"]["texture"]["shares"]["8"] == 0
    assert api.load(piece["files"][0]).note_count == 64
    assert made[0] == 3
    done = command("compose", "-m", model, "--original", "--seed", 4, "-f", "mid")
    assert "copies least, but too much of the training music (10 tries)" in done.out


def test_without_an_index_the_next_step_is_told(
    command: Callable[..., Outcome], tiny_model: Path, song: Path
) -> None:
    for words in (("originality", "song.mid"), ("compose", "--original")):
        done = command(*words, "-m", tiny_model)
        assert (done.code, done.out) == (1, "")
        assert "no index of the training music" in done.err
        assert "ritornello train" in done.err


def test_files_that_are_no_music_are_refused(
    command: Callable[..., Outcome], model: Path, tmp_path: Path
) -> None:
    (tmp_path / "noise.mid").write_bytes(b"noise")
    for name in ("noise.mid", "absent.mid"):
        done = command("originality", name, "-m", model)
        assert (done.code, done.out) == (1, "")
        assert name in done.err
    assert command("originality", "-m", model).code == 2


def test_drums_alone_have_nothing_to_compare(
    command: Callable[..., Outcome], model: Path, tmp_path: Path
) -> None:
    drums = band(1).tracks[2]
    api.save(Piece((drums,), 24), tmp_path / "drums.mid")
    assert "no pitched passage" in command("originality", "drums.mid", "-m", model).out
