"""What is measured of writing with a partner, on small music with a model that knows none."""

from __future__ import annotations

import gzip
import json
from argparse import Namespace
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from experiments.generated.real_music import CHORALES
from experiments.music_sets import MusicSets
from experiments.partner import chorales, fill_speed, given, harmony, rules, tasks
from experiments.partner.__main__ import main
from experiments.partner.units import Units
from ritornello.api import Composer
from ritornello.corpus.store import Corpus, Entry, write_store
from ritornello.generation.rules import Rules
from ritornello.music.io.midi_write import write_bytes
from ritornello.music.note_tables import note_table
from ritornello.music.piece import ChordSymbol, Text
from ritornello.note_model import checkpoint, likelihood
from ritornello.note_model.checkpoint import Checkpoint
from ritornello.note_model.encoding import notes
from ritornello.note_model.encoding.sequences import sequences
from ritornello.note_model.encoding.tasks import COMPOSED
from ritornello.note_model.engine.reference import Engine
from tests.examples import band

TUNE = np.repeat([(72, 67, 64, 48), (74, 69, 65, 50), (76, 67, 60, 48)], 4, axis=0)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files of music, and four voices."""
    folder = tmp_path_factory.mktemp("data")
    for number in range(6):
        (folder / f"{number}.mid").write_bytes(write_bytes(band(number, bars=12)))
    (folder / CHORALES).parent.mkdir()
    sides = {"train": [TUNE.tolist()] * 4, "valid": [TUNE.tolist()] * 2}
    (folder / CHORALES).write_bytes(gzip.compress(json.dumps(sides).encode()))
    return folder


@pytest.fixture(scope="module")
def music(data: Path) -> MusicSets:
    entries = (
        (band(n, bars=12), Entry(f"{n}.mid", ("chorales", "rags")[n % 2], "valid"))
        for n in range(6)
    )
    write_store(entries, data / "store")
    corpus = Corpus.open(data / "store")
    return MusicSets(corpus, corpus.collections, frozenset(f"{n}.mid" for n in range(6)))


@pytest.fixture(scope="module")
def model(tiny_model: Path) -> Checkpoint:
    return checkpoint.load(checkpoint.find(tiny_model))


@pytest.fixture(scope="module")
def composer(tiny_model: Path) -> Composer:
    return Composer.load(tiny_model)


# --- units ----------------------------------------------------------------------------------------


def test_a_unit_is_measured_once_for_each_model_and_setting(
    tmp_path: Path, tiny_model: Path
) -> None:
    options = Namespace(command="tasks", work=tmp_path, data=tmp_path, pieces=3)
    path = checkpoint.find(tiny_model)
    calls = []

    def measured(options: Namespace) -> tuple[float, float]:
        units = Units.of(options, path)

        def measure() -> float:
            calls.append(1)
            return 0.123456

        return units.take("one", measure), units.cpu_seconds

    first = measured(options)
    assert first[0] == 0.1235
    assert measured(options) == first
    assert len(calls) == 1
    measured(Namespace(**{**vars(options), "data": tmp_path / "moved"}))
    assert len(calls) == 1
    measured(Namespace(**{**vars(options), "pieces": 4}))
    assert len(calls) == 2


def test_a_command_writes_its_figures_and_prints_them(
    tmp_path: Path, tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    places = ["--results", str(tmp_path / "results"), "--work", str(tmp_path / "work")]
    main([*places, "rules", "--model", str(tiny_model), "--pieces", "2"])
    assert capsys.readouterr().out.startswith("| pieces |")
    written = json.loads((tmp_path / "results" / "partner_rules.json").read_text())
    assert written["figures"]["pieces"] == 2
    assert {"protocol", "seeds", "command", "machine", "cpu_seconds"} <= written.keys()


# --- tasks ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("task", ["arrange", "harmonise", "vary"])
def test_unheard_notes_are_the_composed_ones(task: str) -> None:
    piece = band(3, bars=6)
    whole = sequences(piece, 0, 2, rng=np.random.default_rng(5), task=task)
    alone = tasks.unheard(whole, piece, 0, 2, 40)

    def composed(rows: Any, longest: int) -> list[list[int]]:
        fields = rows.part(0, longest).fields
        here = notes.is_note(fields[:, notes.PART]) & (rows.counts[: len(fields)] == COMPOSED)
        result: list[list[int]] = fields[here][:, notes.PART :].tolist()
        return result

    assert composed(alone, len(alone)) == composed(whole, 40)
    assert len(whole) > 40
    assert tasks.unheard(whole, piece, 0, 2, 1000).composed_notes == whole.composed_notes


def test_alone_a_part_costs_as_much_unheard_as_composed(model: Checkpoint) -> None:
    """But for the tempo, which is told where parts are given."""
    piece = replace(band(), tracks=band().tracks[:1])
    (pair,) = [("rags", piece)]
    whole = likelihood.evaluate(model, [pair], controls="given", task="arrange")
    unheard = tasks.unheard_nats(model, [pair], "arrange", 1000)
    assert unheard["notes"] == whole["notes"]
    rows = sequences(piece, 1, 2).part(0, 1)
    assert rows.fields[0, notes.PART] == notes.TEMPO
    tempo_nats = likelihood.score(Engine(model), [rows]).sum()
    less = (whole["nats_per_note"] - unheard["nats_per_note"]) * whole["notes"]
    assert less == pytest.approx(tempo_nats, abs=1)  # nor is any other considered anywhere
    assert unheard["collections"]["rags"]["nats_per_note"] == unheard["nats_per_note"]


# --- harmony --------------------------------------------------------------------------------------


@pytest.mark.parametrize("condition", harmony.CONDITIONS)
def test_each_part_is_given_or_composed(music: MusicSets, condition: str) -> None:
    options = Namespace(seed=0, excerpts=5, bars=4)
    found = [*harmony.splits(music, condition, options)]
    assert len(found) == 5
    for heard, rest in found:
        names = sorted(track.label for track in (*heard.tracks, *rest.tracks))
        assert names == ["bass", "drums", "piano"]
        assert heard.bar_count == 4
        assert {"piano", "bass"} - {track.label for track in heard.tracks}
    if condition == "highest given":
        assert {track.label for heard, _ in found for track in heard.tracks} == {"piano"}


def test_arrangements_are_compared_with_deaf_ones(
    music: MusicSets, composer: Composer, tiny_model: Path
) -> None:
    real = [*harmony.splits(music, "highest given", Namespace(seed=0, excerpts=2, bars=4))]
    deaf = harmony.Deaf(str(tiny_model))
    heard, _ = real[0]
    alone = deaf.arrange(heard, ["bass", "drums"], "rags", 0)
    assert sorted(track.label for track in alone.tracks) == ["bass", "drums"]
    assert (alone.length_ticks, alone.metres) == (heard.length_ticks, heard.metres)
    found = harmony.compared(composer, deaf, real, "rags", 0)
    assert [*found] == ["real", "ours", "ours, unheard"]
    assert found["real"]["as written"]["notes_in_chord"] == 1  # the bass plays the root
    assert harmony.markdown({"rags": {"highest given": found}}).count("100.0") >= 1


# --- chorales -------------------------------------------------------------------------------------


def test_models_are_judged_beside_bach_and_the_chain(
    data: Path, tiny_model: Path, tmp_path: Path
) -> None:
    options = Namespace(data=data, model=str(tiny_model), side="valid", chorales=1, steps=2, seed=0)
    figures = chorales.measure(options, Units(tmp_path))
    assert [*figures] == ["Bach", "first-order chain", "ours", "ours, chorales alone"]
    assert figures["Bach"]["faults"]["chords"] == 3
    assert figures["Bach"]["faults"]["parallel_octaves"] == pytest.approx(100 / 3, abs=1e-3)
    counts = {
        nats["notes"] for who in figures.values() for nats in who.get("nats", {}).values()
    }  # fmt: skip
    assert counts == {9}  # of three voices
    assert figures["ours"]["faults"]["chords"] > 0
    assert chorales.markdown(figures).count("\n") == 5


# --- given ----------------------------------------------------------------------------------------


def test_what_is_written_into_songs_leaves_them_as_they_were(
    composer: Composer, music: MusicSets, data: Path
) -> None:
    rows = [given.judged(composer, music, data, number, seed=1) for number in range(12)]
    assert sum(row["violations"] for row in rows) == 0
    assert len({row["verb"] for row in rows}) >= 3
    assert Counter(row["set"] for row in rows) == {"chorales": 6, "rags": 6}
    assert rows[3] | {"cpu_seconds": 0} == given.judged(composer, music, data, 3, seed=1) | {
        "cpu_seconds": 0
    }


def test_a_changed_note_is_found(data: Path) -> None:
    song = band(0, bars=12)
    higher = song.transposed(12).tracks[1]
    song = replace(song, tracks=(*song.tracks, replace(higher, name="bass 2")))
    path = data / "basses.mid"
    path.write_bytes(write_bytes(song))
    gap, parts = (4, 8), given.parts_of(song, [1])

    def faults(index: int, note: int, **changes: int) -> list[str]:
        row = list(song.tracks[index])
        row[note] = row[note]._replace(**changes)
        tracks = list(song.tracks)
        tracks[index] = replace(tracks[index], notes=note_table(row))
        made = given.Written(replace(song, tracks=tuple(tracks)), gap, parts, frozenset([1]))
        found, mended = given.violations(path, song, made)
        assert not mended
        return found

    assert faults(1, 5, pitch=30) == []  # the fifth beat of the bass is in the gap
    assert faults(1, 3, pitch=30)  # before it
    assert faults(0, 3, velocity=81)  # of the piano
    assert faults(3, 5, pitch=30)  # of another bass


# --- rules and speed ------------------------------------------------------------------------------


def test_pieces_under_random_rules_are_judged() -> None:
    composer = Composer.load()
    found = rules.judged(composer, range(4), 0)
    assert found["broken"] == {}
    assert found["counts"]["pieces"] == 4
    assert found == rules.judged(composer, range(4), 0)


def test_a_drummer_who_learned_nothing_holds_no_more_than_it_may(composer: Composer) -> None:
    assert rules.judged(composer, range(4, 5), 0)["broken"] == {}


def test_a_section_without_its_marker_is_told() -> None:
    piece = replace(band(bars=8), markers=(Text(0, "A"),), chords=(ChordSymbol(0, "C"),))
    asked = rules.Asked(Rules(8), "A 4, B 4", ((0, "A"), (4, "B")), 1)
    (fault,) = rules.wrong_sections(write_bytes(piece), asked)
    assert "'B'" in fault
    assert "'A'" not in fault


def test_rules_of_all_kinds_are_drawn() -> None:
    drawn = [rules.any_rules(np.random.default_rng(seed)) for seed in range(80)]
    for name in ("key", "parts", "tempo_bpm", "chords"):
        assert {getattr(each, name) is None for each in drawn} == {True, False}
    assert {each.ending for each in drawn} == {True, False}
    assert any(None in bar for each in drawn for bar in each.chart or ())


def test_four_bars_are_timed(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    song = band(0, bars=64)
    more = [replace(song.tracks[0], program=program, name="") for program in (48, 81)]
    song = replace(song, tracks=(*song.tracks, *more))
    write_store(
        [(piece, Entry(f"{n}", "band_arranged_synth", "valid"))
         for n, piece in enumerate((band(1, bars=70), song))],
        tmp_path / "store",
    )  # fmt: skip
    corpus = Corpus.open(tmp_path / "store")
    found = fill_speed.five_parts(MusicSets(corpus, corpus.collections, frozenset({"0", "1"})))
    assert (found.bar_count, len(found.tracks)) == (64, 5)
    monkeypatch.setattr(fill_speed, "open_music_sets", lambda store, data: None)
    monkeypatch.setattr(fill_speed, "five_parts", lambda music: found)
    options = Namespace(store=None, data=None, model=str(tiny_model), seed=0, repeats=1)
    figures = fill_speed.speeds(options)
    assert figures["notes that were there"] == 4 * (4 + 3 + 4 + 3 + 3)
    assert fill_speed.markdown(figures).count("\n") == 4
