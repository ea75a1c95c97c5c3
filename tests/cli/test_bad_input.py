"""Bad input: one clear message with the next step, the right exit code, nothing half written."""

from __future__ import annotations

import errno
import os
import resource
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

from ritornello.note_model import checkpoint
from tests.cli.conftest import Outcome, start


def refused(done: Outcome, code: int, *words: str) -> None:
    assert done.code == code, done.err
    assert done.out == ""
    assert "Traceback" not in done.err
    assert "fault of ritornello" not in done.err
    for word in words:
        assert word in done.err
    assert 1 <= len(done.err.strip().splitlines()) <= 4, "one short message"


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


# --- folders and files of music ----------------------------------------------------------------


@pytest.mark.parametrize("verb", ["inspect", "train"])
def test_a_folder_that_is_empty_absent_or_a_file(
    verb: str, command: Callable[..., Outcome], tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    more = ["-o", "model"] if verb == "train" else []
    refused(command(verb, "empty", *more), 1, "empty", "No music", "MIDI")
    refused(command(verb, "nowhere", *more), 1, "nowhere", "no such folder")
    refused(command(verb, "file", *more), 1, "a folder is needed")
    assert files(tmp_path) == {"file"}


def test_a_folder_without_music(command: Callable[..., Outcome], tmp_path: Path) -> None:
    (tmp_path / "papers").mkdir()
    (tmp_path / "papers" / "a.txt").write_text("words")
    refused(command("inspect", "papers"), 1, "No music", "1 .txt")


def test_training_on_nothing_but_broken_files(
    command: Callable[..., Outcome], tmp_path: Path
) -> None:
    pytest.importorskip("torch")
    (tmp_path / "music").mkdir()
    (tmp_path / "music" / "noise.mid").write_bytes(b"\x00\xff" * 400)
    refused(command("train", "music", "-o", "model"), 1, "None of the 1 files", "report")
    assert not (tmp_path / "model" / "model.safetensors").exists()


@pytest.mark.parametrize("content", [b"", b"\x8f" * 500, b"MThd\0\0\0\6\0\1\0\1\1\xe0MTrk\0\0\1"])
@pytest.mark.parametrize("verb", ["render", "convert"])
def test_files_that_are_no_music(
    verb: str, content: bytes, command: Callable[..., Outcome], tmp_path: Path
) -> None:
    (tmp_path / "noise.mid").write_bytes(content)
    more = ["-o", "noise.wav"] if verb == "render" else ["noise.musicxml"]
    refused(command(verb, "noise.mid", *more), 1, "noise.mid")
    assert files(tmp_path) == {"noise.mid"}


def test_a_truncated_file_is_mended_or_refused(
    command: Callable[..., Outcome], song: Path, tmp_path: Path
) -> None:
    whole = song.read_bytes()
    for length in range(1, len(whole), 37):
        song.write_bytes(whole[:length])
        done = command("convert", "song.mid", "again.mid", "--overwrite")
        assert done.code in (0, 1)
        assert "fault of ritornello" not in done.err
        assert (tmp_path / "again.mid").exists() == (done.code == 0)
        (tmp_path / "again.mid").unlink(missing_ok=True)


def test_endings_nobody_knows(command: Callable[..., Outcome], song: Path, tmp_path: Path) -> None:
    refused(command("convert", "song.mid", "song.doc"), 1, ".doc", "musicxml")
    refused(command("render", "song.mid", "-o", "song.mid"), 2, ".mid", "wav")
    refused(command("convert", "absent.mid", "song.npz"), 1, "no such file")
    assert files(tmp_path) == {"song.mid"}


# --- rules ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("--key", "H major", ["'H major' is not a key", "D minor"]),
        ("--key", "D blurian", ["blurian", "dorian"]),
        ("--parts", "pino,bass", ["'pino'", "Did you mean 'piano'"]),
        ("--parts", "drums,drums", ["At most 1"]),
        ("--tempo", "100000", ["20 to 320"]),
        ("--tempo", "-3", ["20 to 320"]),
        ("--tempo", "quick", ["--tempo"]),
        ("--metre", "4", ["'4' is not a metre", "3/4"]),
        ("--metre", "7/3", ["7/3"]),
        ("--bars", "0", ["1 to"]),
        ("--bars", "1000000", ["1 to"]),
        ("--polyphony", "lead", ["'lead'", "lead=1,all=4"]),
        ("--polyphony", "piano=0", ["at least 1"]),
        ("--range", "bass=50-28", ["50 to 28"]),
        ("--range", "bass=low", ["bass=28-50"]),
        ("--temperature", "0", ["temperature"]),
        ("--top-p", "2", ["top_p"]),
        ("--density", "-1", ["Density"]),
        ("--like", "ragss", ["Did you mean 'rags'"]),
        ("--seed", "-1", ["from 0 up"]),
        ("-n", "0", ["1 to 10,000 pieces"]),
        ("-f", "mid,doc", ["nothing that can be written", "musicxml"]),
        ("--colour", "red", ["--colour", "ritornello compose --help"]),
    ],
)
def test_rules_without_a_meaning(
    option: str,
    value: str,
    words: list[str],
    command: Callable[..., Outcome],
    tiny_model: Path,
    tmp_path: Path,
) -> None:
    code = 1 if option == "-f" else 2
    refused(command("compose", "-m", tiny_model, option, value), code, *words)
    assert files(tmp_path) == set()


def test_a_rule_that_cannot_be_met(command: Callable[..., Outcome], tiny_model: Path) -> None:
    rules = ("--parts", "bass", "--key", "C major", "--range", "bass=30-30")
    refused(command("compose", "-m", tiny_model, *rules), 2, "no note of C major")


# --- models --------------------------------------------------------------------------------------


def test_models_that_are_none(
    command: Callable[..., Outcome], tiny_model: Path, tmp_path: Path
) -> None:
    (tmp_path / "noise.safetensors").write_bytes(b"\x01" * 300)
    refused(command("compose", "-m", "noise.safetensors"), 1, "noise.safetensors", "readable")
    refused(command("compose", "-m", "nobody"), 1, "nobody", "ritornello train")
    whole = (tiny_model / checkpoint.MODEL_FILE).read_bytes()
    (tmp_path / "cut.safetensors").write_bytes(whole[:-100])
    refused(command("compose", "-m", "cut.safetensors"), 1, "cut.safetensors", "readable")
    save_file({"a": np.zeros(3, np.float32)}, tmp_path / "other.safetensors")
    refused(command("models", "other.safetensors"), 1, "ritornello-model-1")


def test_a_model_of_another_encoding(
    command: Callable[..., Outcome], tiny_model: Path, tmp_path: Path
) -> None:
    source = tiny_model / checkpoint.MODEL_FILE
    with safe_open(source, framework="numpy") as file:
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        about = file.metadata()["ritornello"]
    fingerprint = checkpoint.describe(source)["fingerprint"]
    for old, new in ((fingerprint, "0" * 16), ('"encoding": "notes"', '"encoding": "words"')):
        assert old in about
        metadata = {"ritornello": about.replace(old, new)}
        save_file(arrays, tmp_path / "old.safetensors", metadata=metadata)
        done = command("compose", "-m", "old.safetensors")
        refused(done, 1, "old.safetensors", "encoding", "Train it again")


# --- places to write -----------------------------------------------------------------------------


def test_what_exists_is_not_touched(
    command: Callable[..., Outcome], tiny_model: Path, song: Path, tmp_path: Path
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "piece-8.mid").write_text("mine")
    two = ("compose", "-m", tiny_model, "--bars", 1, "--seed", 7, "-n", 2, "-f", "mid")
    refused(command(*two), 1, "piece-8.mid", "exists already", "--overwrite")
    assert files(tmp_path) == {"song.mid", "out/piece-8.mid"}, "not even the first piece"
    assert (tmp_path / "out" / "piece-8.mid").read_text() == "mine"
    assert command(*two, "--overwrite").code == 0
    refused(command("convert", "song.mid", "song.mid"), 1, "exists already")
    refused(command("inspect", ".", "-o", "song.mid"), 1, "exists already")


def test_a_folder_that_cannot_be_written(
    command: Callable[..., Outcome], tiny_model: Path, song: Path, tmp_path: Path
) -> None:
    done = command("compose", "-m", tiny_model, "--bars", 1, "-f", "mid", "-o", "song.mid/out")
    refused(done, 1, "is a file; a folder was expected", "another folder")
    refused(command("convert", "song.mid", "song.mid/a.npz"), 1, "a folder was expected")
    assert files(tmp_path) == {"song.mid"}


@pytest.mark.parametrize("target", ["copy.mid", "copy.npz", "copy.wav", "copy.mp3", "copy.png"])
def test_a_full_disk_leaves_nothing_behind(target: str, song: Path, tmp_path: Path) -> None:
    def fill() -> None:  # a disk with room for a hundred bytes: the system refuses the rest
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))

    # Python itself would leave cut bytecode on such a disk, which no later process could import.
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    process = start("convert", "song.mid", target, cwd=tmp_path, preexec_fn=fill, env=environment)
    out, err = process.communicate()
    refused(Outcome(process.returncode, out, err), 1, target, "written")
    assert files(tmp_path) == {"song.mid"}


def test_a_disk_that_fills_up_behind_the_results(
    command: Callable[..., Outcome], song: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "song.npz")

    monkeypatch.setattr("ritornello.api.convert", full)
    refused(command("convert", "song.mid", "song.npz"), 1, "song.npz", "No space left")


# --- settings ------------------------------------------------------------------------------------


def test_settings_that_make_no_sense(command: Callable[..., Outcome], tmp_path: Path) -> None:
    (tmp_path / "ritornello.toml").write_text("[compose]\ntempoo = 96\n")
    refused(command("compose"), 2, "tempoo", "--tempo")
    (tmp_path / "ritornello.toml").write_text("[compose\n")
    refused(command("compose"), 2, "ritornello.toml")


def test_no_candidate_at_all_is_no_number_of_them(
    command: Callable[..., Outcome], tmp_path: Path
) -> None:
    refused(command("compose", "--bars", 4, "--best-of", 0), 2, "1 to 64", "found 0")
    assert not files(tmp_path)
