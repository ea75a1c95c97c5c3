"""What cannot be written is refused before any work, and misspelt options are told the nearest."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import ritornello
from experiments.fuzz import fuzz_options
from ritornello import api
from ritornello.errors import MissingExtraError, OptionError, OutputError, RitornelloError
from ritornello.files import refuse_target, render, save
from ritornello.music.piece import Piece, Track
from ritornello.transcribe.values import Hints
from tests.cli.conftest import Outcome

PIECE = Piece((Track([(0, 480, 60, 80)]),))


@pytest.fixture
def no_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails the test if a model is loaded, a piece is read or anything is played."""
    for place in (
        "ritornello.generation.composer.Composer.load",
        "ritornello.files.load",
        "ritornello.music.io.read_with_repairs",
        "ritornello.synth.render_files.render_to_file",
        "ritornello.corpus.scan.scan",
        "ritornello.training.learning.scan",
        "ritornello.dsp.recordings.Recording.open",
    ):
        monkeypatch.setattr(place, lambda *_, **__: pytest.fail("work was begun"))


@pytest.mark.usefixtures("no_work")
@pytest.mark.parametrize(
    ("there", "words"),
    [
        ("out/piece-7.mid", "compose --seed 7 -f mid"),
        ("out/piece-8.svg", "compose --seed 7 -n 2 -f mid,svg"),
        ("out/piece-7-stems/bass.wav", "compose --seed 7 -f mid,wav --stems"),
        ("out/piece-7-stems/bass.wav", "compose --seed 7 -f mid --stems"),
        ("out", "compose --seed 7 -f mid"),
        ("out/song-continued-7.mid", "continue song.mid --seed 7 -f mid"),
        ("song.wav", "render song.mid -o song.wav"),
        ("song-stems/piano.wav", "render song.mid -o song.wav --stems"),
        ("song.mid/x", "render song.mid -o song.mid/a.wav"),
        ("song.musicxml", "convert song.mid song.musicxml"),
        ("report.html", "inspect . -o report.html"),
        ("notes.mid", "transcribe take.wav -o notes.mid"),
        ("stems/drums.wav", "separate take.wav -o stems"),
        ("remix/mix.wav", "remix take.wav"),
    ],
)
def test_what_is_there_is_refused_before_any_work(
    command: Callable[..., Outcome], tmp_path: Path, there: str, words: str
) -> None:
    for name in ("song.mid", "take.wav"):
        if not there.startswith(f"{name}/"):
            (tmp_path / name).write_bytes(b"not read")
    target = tmp_path / there
    target.parent.mkdir(parents=True, exist_ok=True)
    if there == "song.mid/x":  # a file where a folder should be
        target.parent.rmdir()
        target = target.parent
    target.write_bytes(b"old")
    done = command(*words.split())
    assert done.code == 1, done.err
    assert "fault" not in done.err
    assert target.read_bytes() == b"old"


@pytest.mark.usefixtures("no_work")
@pytest.mark.parametrize("ending", ["score.svg", "pdf"])
def test_a_score_without_its_extra_is_refused_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "verovio", None)
    monkeypatch.setitem(__import__("sys").modules, "typst", None)
    with pytest.raises(MissingExtraError, match="score"):
        refuse_target(tmp_path / f"song.{ending}")
    with pytest.raises(MissingExtraError, match="score"):
        api.convert(tmp_path / "song.mid", tmp_path / f"song.{ending}")


def test_values_refuse_as_the_commands_do(tmp_path: Path) -> None:
    path = save(PIECE, tmp_path / "song.mid")
    with pytest.raises(OutputError, match="exists"):
        PIECE.save(path)
    (tmp_path / "a-stems").mkdir()
    (tmp_path / "a-stems" / "piano.wav").touch()
    with pytest.raises(OutputError, match="stems"):
        render("nowhere.mid", tmp_path / "a.wav", stems=True)
    with pytest.raises(OutputError, match="exists"):
        render("nowhere.mid", save(PIECE, tmp_path / "song.wav"))


# --- names of options --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ask", "suggested"),
    [
        (lambda composer: ritornello.Rules(tempoo_bpm=90), "tempo_bpm"),  # type: ignore[call-arg]
        (lambda composer: composer.compose(tempo=90), "tempo_bpm"),
        (lambda composer: composer.compose_many(2, parts_="piano"), "parts"),
        (lambda composer: composer.stream(chord="Am"), "chords"),
        (lambda composer: composer.fill(PIECE, 1, colection="x"), "collection"),
        (lambda composer: composer.check(Key="C"), "key"),
        (lambda composer: ritornello.train("a", "b", widht=64), "width"),
        (lambda composer: Hints(tempo=90), "tempo_bpm"),  # type: ignore[call-arg]
    ],
)
def test_a_misspelt_option_in_python_is_told_the_nearest(
    tiny_model: Path, ask: Callable[[Any], object], suggested: str
) -> None:
    composer = ritornello.Composer.load(tiny_model)
    with pytest.raises(OptionError, match=f"Did you mean {suggested!r}") as error:
        ask(composer)
    assert isinstance(error.value, TypeError)
    assert isinstance(error.value, RitornelloError)


def test_american_spellings_mean_the_same(
    tiny_model: Path, command: Callable[..., Outcome]
) -> None:
    composer = ritornello.Composer.load(tiny_model)
    assert ritornello.Rules(meter="3/4") == ritornello.Rules(metre="3/4")  # type: ignore[call-arg]
    assert Hints(meter=(3, 4)) == Hints(metre=(3, 4))  # type: ignore[call-arg]
    piece = composer.compose(bars=2, meter="3/4")
    assert piece == composer.compose(bars=2, metre="3/4")
    assert composer.harmonize(PIECE, seed=3).piece == composer.harmonise(PIECE, seed=3).piece
    with pytest.raises(OptionError, match="twice"):
        composer.compose(meter="3/4", metre="3/4")
    PIECE.save("song.mid")
    for words in (
        "compose --bars 1 --meter 3/4",
        "compose --bars 1 --style chorales",
        "harmonize song.mid",
    ):
        done = command(*words.split(), "-m", tiny_model, "-f", "mid")
        assert done.code == 0, done.err


def test_parts_may_be_written_as_one_text() -> None:
    assert ritornello.Rules(parts="piano, double bass").parts == ("piano", "double bass")  # type: ignore[arg-type]


# --- numbers beyond all bounds -------------------------------------------------------------------


@pytest.mark.usefixtures("no_work")
@pytest.mark.parametrize("number", ["0", "-1", "10001", "2" * 50])
def test_more_pieces_than_anybody_wants_are_refused_at_once(
    command: Callable[..., Outcome], number: str
) -> None:
    done = command("compose", f"--number={number}")
    assert done.code == 2
    assert "10,000 pieces" in done.err


@pytest.mark.parametrize("option", ["--key", "--chords", "--metre", "--parts", "--like", "--bars"])
def test_a_text_without_end_gets_a_short_message(
    command: Callable[..., Outcome], option: str
) -> None:
    done = command("compose", option, "x" * 100_000)
    assert done.code == 2
    assert len(done.err) < 3000


def test_odd_command_lines_work_or_are_refused(tmp_path: Path) -> None:
    fuzz_options.prepare(tmp_path)
    home = Path.cwd()
    for seed in range(60):
        words = json.dumps(fuzz_options.odd_command(random.Random(seed))).encode()
        assert fuzz_options.outcome(tmp_path, words) in ("done", "refused"), f"seed {seed}"
    os.chdir(home)


@pytest.mark.usefixtures("no_work")
@pytest.mark.parametrize(
    "words", ["compose --bars 4.5", "compose --bars x", "compose --seed nan", "studio --port 8.5"]
)
def test_a_part_of_a_whole_number_is_refused(command: Callable[..., Outcome], words: str) -> None:
    outcome = command(*words.split())
    assert outcome.code == 2
    assert "is no whole number" in outcome.err


def test_a_metre_of_hundreds_of_digits_is_refused(command: Callable[..., Outcome]) -> None:
    outcome = command("compose", f"--metre={'9' * 400}/8")
    assert outcome.code == 2
    assert "is not a metre this model can count" in outcome.err
