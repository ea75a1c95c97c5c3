"""`ritornello remix` and `transcribe`, as a person uses them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from ritornello import api
from tests.cli.conftest import Outcome
from tests.examples import solo


@pytest.fixture(scope="module")
def take(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("take") / "take.mp3"
    api.render(solo(bars=4), path)
    return path


def test_a_person_is_told_what_was_heard_and_what_there_is_now(
    command: Callable[..., Outcome], take: Path, tiny_model: Path
) -> None:
    done = command("remix", take, "--parts", "bass,drums", "-m", tiny_model, "--seed", 3)
    assert done.code == 0, done.err
    lines = done.out.splitlines()
    assert lines[0] == "Heard in take.mp3"
    assert any("beats a minute" in line for line in lines)
    assert any(line.startswith("Remix: ") and "LUFS" in line for line in lines)
    named = [Path(line.strip()) for line in lines if line.startswith("  remix/")]
    assert all(path.is_file() for path in named)
    assert {path.name for path in named} == {path.name for path in Path("remix").iterdir()}
    assert "with seed 3" in done.err


def test_a_program_is_told_too(
    command: Callable[..., Outcome], take: Path, tiny_model: Path
) -> None:
    done = command(
        "remix", take, "--parts", "bass", "-m", tiny_model, "--json", "--duration", 8, "-o", "out"
    )
    assert done.code == 0, done.err
    facts = json.loads(done.out)
    assert facts["duration_seconds"] == 8
    assert facts["heard"]["tempo_bpm"] > 0
    assert set(facts["notes"]) == {"solo", "bass"}


def test_notes_are_written_where_one_says(command: Callable[..., Outcome], take: Path) -> None:
    done = command("transcribe", take, "-o", "notes.mid", "--tempo", 100, "--json")
    assert done.code == 0, done.err
    assert json.loads(done.out)["file"] == "notes.mid"
    assert Path("notes.mid").is_file()
    again = command("transcribe", take, "-o", "notes.mid")
    assert (again.code, again.err.count("\n")) == (1, 2), "one message and what to do"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--parts", ","), 2), (("--parts", "kazoo"), 2), (("--metre", "four"), 2),
        (("--tempo", 5), 2), (("--downbeat", -1), 2), (("--duration", 2), 2),
        (("--chords", "X"), 2), (("-m", "nobody"), 1),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_told_in_one_message(
    command: Callable[..., Outcome], take: Path, arguments: tuple[int | str, ...], code: int
) -> None:
    done = command("remix", take, *arguments)
    assert done.code == code, done.err
    assert "fault of ritornello" not in done.err
    assert not Path("remix").exists()


@pytest.mark.parametrize("verb", ["remix", "transcribe"])
def test_what_is_no_recording_is_refused(command: Callable[..., Outcome], verb: str) -> None:
    Path("take.mp3").write_text("no sound at all")
    done = command(verb, "take.mp3")
    assert done.code == 1
    assert "take.mp3" in done.err
    assert "Traceback" not in done.err


@pytest.fixture
def takes(take: Path, tmp_path: Path) -> Path:
    """A folder with two takes of one name, one in a folder of its own, and what is none."""
    folder = tmp_path / "takes"
    for name in ("a.mp3", "a.wav", "session/b.mp3", ".hidden/c.mp3"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(take.read_bytes())
    (folder / "a.wav").write_bytes(b"no sound at all")
    (folder / "words.txt").write_text("la la la")
    return folder


def test_each_recording_of_a_folder_becomes_notes_or_is_named(
    command: Callable[..., Outcome], takes: Path
) -> None:
    done = command("transcribe", takes)
    assert done.code == 0, done.err
    assert "2 of 3 recordings written down, 1 not used." in done.out
    assert "a.wav: not used." in done.err
    written = sorted(path.as_posix() for path in Path("takes-notes").rglob("*.mid"))
    assert written == ["takes-notes/a.mp3.mid", "takes-notes/session/b.mid"]
    assert command("inspect", "takes-notes").code == 0
    again = command("transcribe", takes, "--json")
    facts = json.loads(again.out)
    assert (facts["written"], len(facts["kept"])) == ([], 2)
    assert [each["recording"] for each in facts["rejected"]] == ["a.wav"]


def test_a_folder_that_cannot_be_written_down_is_refused_in_words(
    command: Callable[..., Outcome], takes: Path
) -> None:
    done = command("transcribe", takes, "--downbeat", 1)
    assert (done.code, done.err.count("\n")) == (2, 2)
    (takes / "empty").mkdir()
    assert "No recording in this folder" in command("transcribe", takes / "empty").err
    (takes / "empty" / "d.wav").write_bytes(b"noise")
    assert "Nothing can be heard" in command("transcribe", takes / "empty", "-o", "out").err
    assert "`ritornello transcribe FOLDER`" in command("inspect", takes).err
