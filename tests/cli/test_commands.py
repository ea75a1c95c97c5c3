"""What each command does for its user."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Any

import mido
import pytest
import soundfile

import ritornello
from ritornello import api, cli
from ritornello.json_values import JsonObject
from ritornello.note_model import checkpoint
from tests.cli.conftest import Outcome, start
from tests.examples import band


@pytest.fixture
def music(tmp_path: Path) -> Path:
    for number, metre in enumerate([(4, 4), (3, 4), (2, 4), (5, 4)]):
        band(number, bars=8 + number, metre=metre).save(tmp_path / "music" / f"{number}.mid")
    (tmp_path / "music" / "noise.mid").write_bytes(b"noise")
    return tmp_path / "music"


def test_the_version_is_printed(command: Callable[..., Outcome]) -> None:
    done = command("--version")
    assert (done.code, done.out.strip()) == (0, ritornello.__version__)
    assert metadata.entry_points(name="ritornello", group="console_scripts")


@pytest.mark.parametrize("name", [n for n in cli.app if not n.startswith("-") and cli.app[n].show])
def test_every_command_explains_itself_and_its_options(
    name: str, command: Callable[..., Outcome]
) -> None:
    done = command(name, "--help")
    assert done.code == 0
    assert name in command("--help").out
    parameters = cli.app[name].assemble_argument_collection(parse_docstring=True)
    assert all(parameter.parameter.help for parameter in parameters if parameter.show)


def test_composing_tells_what_was_made_and_how_to_have_it_again(
    command: Callable[..., Outcome], tiny_model: Path, tmp_path: Path
) -> None:
    rules = ("--bars", 4, "--tempo", 96, "--key", "D minor", "--metre", "3/4")
    done = command("compose", "-m", tiny_model, *rules, "--parts", "piano,bass", "-f", "mid,png")
    assert done.code == 0
    assert "D minor, 96 bpm, 3/4, 4 bars" in done.out
    assert "piano" in done.out
    assert "bass" in done.out
    seed = int(done.err.strip().rstrip(".").split()[-1])
    assert f"out/piece-{seed}.mid" in done.out
    first = (tmp_path / "out" / f"piece-{seed}.mid").read_bytes()
    again = ("--parts", "piano,bass", "--seed", seed, "-o", "again", "-f", "mid")
    assert command("compose", "-m", tiny_model, *rules, *again).code == 0
    assert (tmp_path / "again" / f"piece-{seed}.mid").read_bytes() == first


def test_several_pieces_are_numbered_by_their_seeds(
    command: Callable[..., Outcome], tiny_model: Path, tmp_path: Path
) -> None:
    done = command("compose", "-m", tiny_model, "--bars", 1, "-n", 3, "--seed", 7, "-f", "mid")
    assert done.code == 0
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["piece-7.mid", "piece-8.mid", "piece-9.mid"]


def test_a_program_can_read_what_was_composed(
    command: Callable[..., Outcome], tiny_model: Path
) -> None:
    options = ("--bars", 2, "--seed", 1, "-f", "mid,ogg", "--stems", "--parts", "piano,bass")
    done = command("compose", "-m", tiny_model, *options, "--json")
    (piece,) = json.loads(done.out)["pieces"]
    assert (piece["seed"], piece["bars"], piece["metre"]) == (1, 2, "4/4")
    assert set(piece["parts"]) == {"piano", "bass"}
    assert {Path(path).name for path in piece["files"]} == {
        *("piece-1.mid", "piece-1.ogg", "piano.ogg", "bass.ogg")
    }
    assert all(Path(path).is_file() for path in piece["files"])


def test_settings_come_from_the_file_then_the_environment_then_the_command(
    command: Callable[..., Outcome],
    tiny_model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def tempo(*arguments: object) -> float:
        done = command("compose", "-f", "mid", "--bars", 1, "--json", *arguments)
        result: float = json.loads(done.out)["pieces"][0]["tempo_bpm"]
        return result

    (tmp_path / "ritornello.toml").write_text(
        f'[compose]\nmodel = "{tiny_model}"\ntempo = 60\nparts = ["double bass", "piano"]\n'
    )
    assert tempo() == 60
    monkeypatch.setenv("RITORNELLO_COMPOSE_TEMPO", "70")
    assert tempo() == 70
    assert tempo("--tempo", 80) == 80
    monkeypatch.setenv("RITORNELLO_COMPOSE_PARTS", "double bass,piano")
    done = command("compose", "-f", "mid", "--bars", 1, "--json")
    assert set(json.loads(done.out)["pieces"][0]["parts"]) == {"double bass", "piano"}


def test_a_file_is_played_and_converted(
    command: Callable[..., Outcome], song: Path, tmp_path: Path
) -> None:
    done = command("render", "song.mid", "-o", "song.ogg", "--stems")
    assert done.code == 0
    assert done.out.splitlines()[0] == "song.ogg"
    assert len(done.out.splitlines()) == 4
    assert soundfile.info(tmp_path / "song.ogg").duration > 1
    done = command("convert", "song.mid", "song.musicxml")
    assert (done.code, done.out) == (0, "song.musicxml\n")
    assert command("convert", "song.musicxml", "back.mid").code == 0
    assert len(mido.MidiFile(tmp_path / "back.mid").tracks) == 4


def test_a_folder_is_inspected(
    command: Callable[..., Outcome], music: Path, tmp_path: Path
) -> None:
    done = command("inspect", "music", "-o", "report.html")
    assert done.code == 0
    assert "4 of 5 files are used" in done.out
    assert "noise.mid" in done.out
    assert "noise.mid" in (tmp_path / "report.html").read_text()
    assert json.loads(command("inspect", "music", "--json").out)["totals"]["rejected"] == 1


def test_models_are_listed_and_described(
    command: Callable[..., Outcome], tiny_model: Path, tmp_path: Path
) -> None:
    (tmp_path / "mine").mkdir()
    os.symlink(tiny_model / "model.safetensors", tmp_path / "mine" / "model.safetensors")
    done = command("models")
    assert done.code == 0
    assert "mine" in done.out
    assert "chorales, rags" in done.out
    listed = {row["name"]: row for row in json.loads(command("models", "--json").out)}
    assert listed["mine"]["card"]["provenance"]["name"] == "tiny"
    assert "name: tiny" in command("models", "mine").out


@pytest.mark.parametrize(
    ("facts", "figure", "words"),
    [
        ({"validation": {"nats_per_note": 2.125}}, "2.12", "told what each piece is like"),
        (
            {"validation": {"nats_per_note": 2.125}, "held_out": {"nats_per_note": 3.5}},
            "3.50",
            "as `ritornello evaluate` says it",
        ),
    ],
)
def test_the_figure_of_a_listed_model_is_named(
    facts: JsonObject,
    figure: str,
    words: str,
    command: Callable[..., Outcome],
    tiny_model: Path,
    tmp_path: Path,
) -> None:
    known = checkpoint.load(tiny_model / "model.safetensors")
    mine = tmp_path / "mine" / "model.safetensors"
    mine.parent.mkdir()
    checkpoint.save(replace(known, provenance={**known.provenance, **facts}), mine)
    done = command("models")
    assert figure in done.out
    assert re.search(f"Nats a note of [^:]*mine: [^\n]*{words}", done.err)


def test_the_doctor_exits_by_what_is_required(
    command: Callable[..., Outcome], tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ritornello.note_model.library._models_by_name", dict)
    done = command("doctor")
    assert done.code == 1
    assert "✗ composing" in done.out
    file = tiny_model / "model.safetensors"
    monkeypatch.setattr(
        "ritornello.note_model.library._models_by_name", lambda: {"default": (file, "here")}
    )
    done = command("doctor", "--json")
    assert done.code == 0
    assert json.loads(done.out)["healthy"] is True


def test_a_model_is_evaluated(
    command: Callable[..., Outcome], tiny_model: Path, music: Path
) -> None:
    done = command("evaluate", tiny_model, "music", "--json")
    figures = json.loads(done.out)
    assert figures["nats_per_note"] == pytest.approx(sum(figures["fields"].values()), abs=1e-2)
    done = command("evaluate", tiny_model, "music", "--split", "all")
    assert done.code == 0
    assert f"{figures['nats_per_note']:.3f}" in done.out


def test_training_is_interrupted_saved_and_goes_on(
    music: Path, command: Callable[..., Outcome], tmp_path: Path
) -> None:
    pytest.importorskip("torch")
    options = ("--width", 16, "--layers", 1, "--batch", 2, "--threads", 1)
    process = start(
        *("train", "music", "-o", "model", "--minutes", 5, *options),
        cwd=tmp_path,
        # A test run in the background of a shell would pass on that interrupts are ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL) and None,
    )
    journal = tmp_path / "model" / "metrics.jsonl"
    # A second line says that the first step is over with all that follows it.
    while process.poll() is None and not (journal.exists() and journal.read_text().count("\n") > 1):
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate()
    assert (process.returncode, out) == (130, "")
    assert "Traceback" not in err
    assert "Go on with: ritornello train music -o model --minutes 5" in err
    done_steps = len(journal.read_text().splitlines())
    steps = ("--steps", done_steps + 2)
    done = command("train", "music", "-o", "model", *steps)
    assert done.code == 0, done.err
    assert done.out == "model/model.safetensors\n"
    assert "Going on" in done.err
    assert command("compose", "-m", "model", "--bars", 1, "-f", "mid").code == 0


@pytest.mark.parametrize(("rank", "speaks"), [("0", True), ("1", False)])
def test_of_the_processes_of_a_run_the_first_speaks(
    rank: str, speaks: bool, command: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    def train(folder: Path, out: Path, **options: Any) -> Path:
        if say := options.get("say"):
            say("Learning.")
        return out / "model.safetensors"

    monkeypatch.setattr(api, "train", train)
    monkeypatch.setenv("RANK", rank)
    done = command("train", "music", "-o", "model")
    assert done.code == 0
    assert bool(done.out) == ("Learning." in done.err) == speaks
    assert bool(done.err) == speaks


def test_a_reader_that_has_seen_enough_is_no_error(tmp_path: Path, tiny_model: Path) -> None:
    process = start("models", tiny_model, cwd=tmp_path)
    assert process.stdout is not None
    process.stdout.close()
    assert process.wait() == 0
    assert process.stderr is not None
    assert process.stderr.read() == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_results_that_cannot_be_printed_are_told(tmp_path: Path, tiny_model: Path) -> None:
    with open("/dev/full", "w") as full:
        process = start("models", tiny_model, cwd=tmp_path, stdout=full)
        _, err = process.communicate()
    assert process.returncode == 1
    assert "No space left" in err
    assert "Traceback" not in err


def test_a_fault_of_ours_is_one_line_and_a_traceback_on_request(
    command: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fault() -> None:
        raise ZeroDivisionError("oh")

    monkeypatch.setattr("ritornello.api.models", fault)
    done = command("models")
    assert done.code == 1
    assert "This is a fault of ritornello (ZeroDivisionError: oh)." in done.err
    assert "RITORNELLO_DEBUG=1" in done.err
    assert "Traceback" not in done.err
    monkeypatch.setenv("RITORNELLO_DEBUG", "1")
    assert "Traceback" in command("models").err


def test_the_package_runs_as_a_module() -> None:
    process = start("--version", stderr=subprocess.DEVNULL)
    assert process.communicate()[0].strip() == ritornello.__version__
