"""What the Python interface promises."""

from __future__ import annotations

import re
import tomllib
from base64 import b64decode
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import mido
import numpy as np
import pytest
import soundfile

import ritornello
from ritornello import api
from ritornello.errors import CheckpointError, ConfigError, InputError, OutputError
from ritornello.generation.rules import Rules
from ritornello.music.piece import Piece, Track
from ritornello.note_model import checkpoint
from tests.docs.pages import ROOT
from tests.examples import band


def _pitches(track: Track) -> tuple[str, list[int]]:
    return track.label, np.unique(track.notes["pitch"]).tolist()


def _tune(seed: int) -> Piece:
    """A melody like no other, so that no corpus takes it for a copy."""
    rng = np.random.default_rng(seed)
    pitches = rng.integers(55, 90, 48).tolist()
    lengths = rng.choice([12, 24, 48], 48).tolist()
    onsets = np.cumsum([0, *lengths]).tolist()
    rows = zip(onsets, lengths, pitches, [80] * 48, strict=False)
    return Piece((Track(list(rows), 73),), 24)


@pytest.fixture(scope="module")
def composer(tiny_model: Path) -> api.Composer:
    return api.Composer.load(tiny_model)


# --- composing ---------------------------------------------------------------------------------


def test_a_piece_keeps_its_rules_and_can_be_had_again(composer: api.Composer) -> None:
    rules = Rules(bars=5, metre="3/4", tempo_bpm=96, key="D minor", parts=("piano", "bass"))
    piece = composer.compose(rules, seed=7)
    assert piece == composer.compose(rules, seed=7)
    assert piece != composer.compose(rules, seed=8)
    assert piece.bar_count == 5
    assert piece.tempos[0].bpm == 96
    assert {track.name for track in piece.tracks} == {"piano", "bass"}


def test_fields_of_rules_can_be_given_by_name(composer: api.Composer) -> None:
    rules = Rules(bars=2, parts=("piano",))
    assert composer.compose(rules, bars=3) == composer.compose(bars=3, parts=("piano",))


def test_pieces_made_together_are_those_made_alone(composer: api.Composer) -> None:
    together = composer.compose_many(3, bars=2, seed=5)
    assert together == [composer.compose(bars=2, seed=seed) for seed in (5, 6, 7)]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"collection": "ragss"}, "Did you mean 'rags'"),
        ({"seed": -1}, "from 0 up"),
        ({"key": "H major"}, "not a key"),
        ({"temperature": 0}, "temperature"),
    ],
)
def test_what_has_no_meaning_is_refused(
    composer: api.Composer, wrong: dict[str, int] | dict[str, str], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        composer.compose(**wrong)
    with pytest.raises(ConfigError, match=message):
        composer.stream(**wrong)


def test_a_stream_goes_on_in_order_and_keeps_the_rules(composer: api.Composer) -> None:
    notes = list(islice(composer.stream(seed=3, tempo_bpm=60, parts=("bass", "piano")), 500))
    assert len(notes) == 500
    assert {note.part for note in notes} == {"bass", "piano"}
    assert all(a.onset_ticks <= b.onset_ticks for a, b in pairwise(notes))
    for note in notes:
        assert note.onset_seconds == pytest.approx(note.onset_ticks / 24)
        assert note.duration_seconds == pytest.approx(note.duration_ticks / 24)
    assert notes == list(
        islice(composer.stream(seed=3, tempo_bpm=60, parts=("bass", "piano")), 500)
    )


def test_the_card_says_what_the_model_is(composer: api.Composer, tiny_model: Path) -> None:
    assert composer.card == api.model_card(tiny_model)
    assert composer.card["provenance"]["name"] == "tiny"
    assert composer.collections == ("chorales", "rags")


# --- models by name ----------------------------------------------------------------------------


def test_models_have_names_where_they_are_kept(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("ritornello.note_model.library.models_folder", lambda: tmp_path / "mine")
    model = (tiny_model / checkpoint.MODEL_FILE).read_bytes()
    for folder in ("mine/one", "two"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / checkpoint.MODEL_FILE).write_bytes(model)
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / checkpoint.MODEL_FILE).write_bytes(b"no model")
    found = {info.name: info for info in api.models()}
    assert (found["one"].origin, found["two"].origin) == ("yours", "here")
    assert found["one"].card["provenance"]["name"] == "tiny"
    assert found["broken"].problem
    assert not found["broken"].card
    assert api.find_model("one") == tmp_path / "mine" / "one" / checkpoint.MODEL_FILE
    with pytest.raises(CheckpointError, match=r"no such model.*\n.*Did you mean 'one'"):
        api.Composer.load("onee")


# --- files -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a.mid", "a.musicxml", "a.mxl", "a.npz"])
def test_notes_are_saved_and_loaded_by_their_ending(name: str, tmp_path: Path) -> None:
    piece = band(bars=4)
    again = ritornello.load(piece.save(tmp_path / name))
    assert [_pitches(track) for track in again.tracks] == [_pitches(t) for t in piece.tracks]


@pytest.mark.parametrize(
    ("name", "start"),
    [("a.png", b"\x89PNG"), ("a.svg", b"<"), ("a.score.svg", b"<"), ("a.pdf", b"%PDF")],
)
def test_pictures_are_saved_by_their_ending(name: str, start: bytes, tmp_path: Path) -> None:
    if name in ("a.score.svg", "a.pdf"):
        pytest.importorskip("verovio")
    path = band(bars=2).save(tmp_path / name)
    assert path.read_bytes().startswith(start)


def test_a_score_of_many_pages_has_a_file_for_each(tmp_path: Path) -> None:
    pytest.importorskip("verovio")
    band(bars=120).save(tmp_path / "long.score.svg")
    names = {path.name for path in tmp_path.iterdir()}
    assert len(names) > 2
    numbers = range(2, len(names) + 1)
    assert names == {"long.score.svg", *(f"long-{number}.score.svg" for number in numbers)}


def test_a_piece_is_played_with_its_stems(tmp_path: Path) -> None:
    paths = api.render(band(bars=2), tmp_path / "song.flac", stems=True)
    names = [path.relative_to(tmp_path).as_posix() for path in paths]
    assert names[0] == "song.flac"
    assert sorted(names[1:]) == [f"song-stems/{part}.flac" for part in ("bass", "drums", "piano")]
    lengths = {soundfile.info(path).frames for path in paths[1:]}
    assert len(lengths) == 1
    api.render(band(bars=2), tmp_path / "song.ogg", stems=True)  # beside those of the other format
    (tmp_path / "song.flac").unlink()
    with pytest.raises(OutputError, match="folder for the stems exists"):
        api.render(band(bars=2), tmp_path / "song.flac", stems=True)
    assert not (tmp_path / "song.flac").exists(), "nothing is written before the refusal"


@pytest.mark.parametrize("name", ["a.mid", "a.mp3", "a.png"])
def test_nothing_is_overwritten_unless_asked(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("mine")
    with pytest.raises(OutputError, match="exists already"):
        band(bars=1).save(tmp_path / name)
    assert (tmp_path / name).read_text() == "mine"
    band(bars=1).save(tmp_path / name, overwrite=True)
    assert (tmp_path / name).read_bytes() != b"mine"


def test_an_unknown_ending_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"(?s)\.doc is nothing.*musicxml.*mp3.*png"):
        band().save(tmp_path / "a.doc")


def test_a_file_is_converted_and_its_repairs_are_told(tmp_path: Path) -> None:
    source = band(bars=2).save(tmp_path / "a.mid")
    assert api.convert(source, tmp_path / "a.musicxml") == ()
    source.write_bytes(source.read_bytes()[:-3])
    try:
        assert api.convert(source, tmp_path / "b.mid") != ()
    except InputError:
        assert not (tmp_path / "b.mid").exists()


@pytest.mark.parametrize("library", ["symusic", "pretty_midi", "music21"])
def test_a_piece_becomes_an_object_of_another_library(library: str) -> None:
    pytest.importorskip(library)
    assert type(band(bars=1).to(library)).__module__.startswith(library)


def test_a_notebook_shows_and_plays_a_piece(tmp_path: Path) -> None:
    html = band(bars=1)._repr_html_()
    picture, sound = re.findall(r'src="data:[\w/+]+;base64,([^"]+)"', html)
    assert b64decode(picture).lstrip().startswith(b"<")
    (tmp_path / "sound.mp3").write_bytes(b64decode(sound))
    assert soundfile.info(tmp_path / "sound.mp3").duration > 1
    assert "<script" not in html


# --- learning ----------------------------------------------------------------------------------


def test_a_folder_becomes_a_model_that_composes(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pytest.importorskip("torch")
    music, out = tmp_path / "music", tmp_path / "model"
    for seed in range(12):
        _tune(seed).save(music / f"tune {seed}.mid")
    settings: dict[str, Any] = {
        "steps": 4,
        "batch": 2,
        "chunk": 32,
        "threads": 1,
        "validate_every": 2,
    }
    said: list[str] = []
    model = api.train(music, out, say=said.append, **settings)
    assert model == out / "model.safetensors"
    names = {path.relative_to(out).as_posix() for path in out.rglob("*")}
    assert {"report.html", "metrics.jsonl", "samples/final.mid", "samples/final.mp3"} <= names
    assert mido.MidiFile(out / "samples" / "final.mid").length > 0
    data = api.model_card(out)["provenance"]["data"]
    assert [(row["collection"], row["pieces"]) for row in data] == [("music", 12)]
    figures = api.evaluate(out, music, split="valid")
    assert figures["nats_per_note"] > 0
    assert figures["pieces"] < 12, "only what training held back"
    told = api.model_card(out)["provenance"]["held_out"]
    assert told == {name: figures[name] for name in ("nats_per_note", "pieces", "notes")}
    caplog.clear()
    assert api.evaluate(out, music)["pieces"] == 12
    assert "--split valid" in caplog.text
    known = [api.originality(path, model=out).texture.shares[8] == 1 for path in music.iterdir()]
    assert sum(known) == 12 - figures["pieces"], "the index knows what was taught, nothing else"

    steps = []
    api.train(music, out, watch=lambda state: steps.append(state.step), **{**settings, "steps": 6})
    assert steps == [5, 6], "the run goes on where it stopped"

    _tune(99).save(music / "new.mid")
    with pytest.raises(ConfigError, match="began with other music"):
        api.train(music, out, **settings)


def test_training_never_writes_over_a_model_it_did_not_make(
    tiny_model: Path, tmp_path: Path
) -> None:
    pytest.importorskip("torch")
    band().save(tmp_path / "music" / "tune.mid")
    before = (tiny_model / checkpoint.MODEL_FILE).read_bytes()
    with pytest.raises(ConfigError, match="not the run that made it"):
        api.train(tmp_path / "music", tiny_model, steps=1)
    assert (tiny_model / checkpoint.MODEL_FILE).read_bytes() == before


def test_the_network_grows_with_the_music() -> None:
    sizes = [api.network_size(notes) for notes in (1_000, 100_000, 500_000, 10**7)]
    assert [size.width for size in sizes] == sorted({size.width for size in sizes})
    dropouts = [size.dropout for size in sizes]
    assert dropouts == sorted(dropouts, reverse=True)


def test_the_network_is_no_larger_than_its_minutes_can_teach() -> None:
    sizes = [api.network_size(10**7, minutes) for minutes in (0.1, 1, 5, 30, 1000)]
    assert [size.width for size in sizes] == sorted({size.width for size in sizes})
    assert {size.dropout for size in sizes} == {api.network_size(10**7).dropout}


def test_a_report_that_exists_is_refused_before_the_folder_is_read(tmp_path: Path) -> None:
    (tmp_path / "report.html").write_text("mine")
    with pytest.raises(OutputError, match="exists already"):
        api.inspect(tmp_path / "no such folder", report=tmp_path / "report.html")


def test_the_doctor_looks_at_all_that_may_be_installed() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    checks = {check.name: check for check in api.doctor()}
    for requirement in project["dependencies"]:
        (name,) = re.findall(r"^[\w-]+", requirement)
        assert name in checks
    for extra, requirements in project["optional-dependencies"].items():
        if extra in ("all", "dev", "docs"):
            continue
        named = re.findall(r"^[a-z][\w-]+", "\n".join(requirements), re.M)
        for name in set(named) - {"ritornello"}:
            # Package tools write a name with either of the two signs.
            assert name.replace("_", "-") in checks[f"extra {extra}"].found.replace("_", "-")
    for name in ("sound files", "listening", "cache folder", "C compiler", "kernel"):
        assert checks[name].found


# --- doctor ------------------------------------------------------------------------------------


def test_the_doctor_finds_what_is_missing_and_says_what_to_do(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("ritornello.note_model.library._models_by_name", dict)
    checks = {check.name: check for check in api.doctor()}
    assert checks["sound"].ok
    assert checks["working folder"].ok
    assert not checks["composing"].ok
    assert "ritornello train" in checks["composing"].fix
    model = (tiny_model / checkpoint.MODEL_FILE, "here")
    monkeypatch.setattr("ritornello.note_model.library._models_by_name", lambda: {"default": model})
    assert all(check.ok for check in api.doctor() if check.required)


def test_the_doctor_names_every_optional_part(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = (tiny_model / checkpoint.MODEL_FILE, "here")
    monkeypatch.setattr("ritornello.note_model.library._models_by_name", lambda: {"default": model})
    stated = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]
    extras = {*stated["optional-dependencies"]} - {"all", "dev", "docs"}
    fixes = {check.name: check.fix for check in api.doctor()}
    assert {name.removeprefix("extra ") for name in fixes if name.startswith("extra ")} == extras
    for extra in extras:
        assert f"ritornello[{extra}]" in fixes[f"extra {extra}"]
        assert "its name" not in fixes[f"extra {extra}"]  # what it is good for is said


# --- names that were changed --------------------------------------------------------------------


@pytest.mark.parametrize(("old", "new"), [("Take", "Transcription")])
def test_a_renamed_name_works_on_and_says_the_new_one(old: str, new: str) -> None:
    with pytest.warns(DeprecationWarning, match=rf"api\.{new} now"):
        assert getattr(api, old) is getattr(api, new)
