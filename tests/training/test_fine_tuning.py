"""Going on from a model: its function at first, its styles, and the new music as the default."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="networks need the extra train")

import ritornello
from ritornello.corpus.store import Corpus
from ritornello.errors import CheckpointError, ConfigError
from ritornello.files import save
from ritornello.music.piece import Metre
from ritornello.note_model import checkpoint
from ritornello.note_model.encoding.sequences import Sequences
from ritornello.note_model.network import NoteModel
from ritornello.plan.returning_bars import AGAIN
from ritornello.training import fine_tuning, note_objective
from ritornello.training.config import TrainConfig
from ritornello.training.fine_tuning import JoinedMusic, with_room
from ritornello.training.held_out import HeldOutMusic
from ritornello.training.loop import train
from ritornello.training.rehearsal import REHEARSED, RehearsedMusic
from tests.examples import MemoryCorpus, band

TINY = TrainConfig(
    steps=3,
    layers=1,
    width=24,
    head_width=16,
    batch=4,
    chunk=32,
    validate_every=3,
    threads=1,
    products="float32",
)


@pytest.fixture(scope="module", params=[False, True], ids=["plain", "planned"])
def base(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of eight bands."""
    folder = tmp_path_factory.mktemp("base")
    music = MemoryCorpus([band(seed) for seed in range(8)])
    return train(music, folder, replace(TINY, plan=request.param)).parent


@pytest.fixture(scope="module")
def waltzes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mine") / "waltzes"
    for seed in range(6):
        save(band(seed, metre=(3, 4)), folder / f"{seed}.mid")
    return folder


def test_the_new_music_is_the_default_and_the_old_styles_stay(
    base: Path, waltzes: Path, tmp_path: Path
) -> None:
    ritornello.train(waltzes, tmp_path / "own", start=base, steps=2, threads=1)
    own = checkpoint.load(tmp_path / "own" / "model.safetensors")
    before = checkpoint.load(base / "model.safetensors")
    assert own.collections == ("band", "waltzes")
    assert own.network.get("plan", False) == before.network.get("plan", False)
    composer = ritornello.Composer.load(tmp_path / "own")
    waltz = {"bars": 2}, {"bars": 8}, {"form": "A 4, B 4"}, {"duration": "0:12"}
    for asked in waltz:
        piece = composer.compose(seed=1, **asked)
        assert {metre[1:] for metre in piece.metres} == {(3, 4)}, asked
    assert composer.plan(seed=1, form="A 4, B 4").metres == (Metre(0, 3, 4),)
    assert composer.compose(seed=1, bars=8, metre="4/4").metres == (Metre(0, 4, 4),)


def test_where_nothing_is_gained_the_model_is_as_it_was(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for beats in range(2, 6):
        save(band(metre=(beats, 4)), tmp_path / "music" / f"{beats}.mid")
    said: list[str] = []
    worse = iter([1.0, 2.0, 3.0])
    monkeypatch.setattr(note_objective, "validate", lambda *_, **__: {"nats_per_note": next(worse)})
    learn = partial(ritornello.train, tmp_path / "music", tmp_path / "own", threads=1)
    learn(start=base, steps=2, say=said.append)
    assert any("Nothing was gained" in sentence for sentence in said)
    own = checkpoint.load(tmp_path / "own" / "model.safetensors")
    before = checkpoint.load(base / "model.safetensors").weights["blocks.0.cell.gates.weight"]
    np.testing.assert_allclose(
        own.weights["blocks.0.cell.gates.weight"], before, atol=np.abs(before).max() / 100
    )
    assert own.provenance["keys"]
    assert not [*(tmp_path / "own" / "samples").glob("step-000000*")]


def test_a_model_is_left_small_and_its_run_goes_on(
    base: Path, waltzes: Path, tmp_path: Path
) -> None:
    model = ritornello.train(waltzes, tmp_path / "own", start=base, steps=2, threads=1)
    small = model.stat().st_size
    checkpoint.save(checkpoint.load(model), tmp_path / "floats.safetensors")
    assert small < 0.6 * (tmp_path / "floats.safetensors").stat().st_size
    assert ritornello.train(waltzes, tmp_path / "own", steps=3, threads=1) == model
    assert checkpoint.describe(model)["provenance"]["training"]["steps"] == 3
    assert model.stat().st_size == pytest.approx(small, rel=0.01)


def test_a_model_composes_in_the_usual_form_of_its_music(
    base: Path, waltzes: Path, tmp_path: Path
) -> None:
    model = checkpoint.load(
        ritornello.train(waltzes, tmp_path / "own", start=base, steps=2, threads=1)
    )
    assert model.provenance["forms"] == {}  # eight bars in a row, no sections
    usual = {**model.provenance, "forms": {"waltzes": "A 2, A 2, B 4"}}
    composer = ritornello.Composer(replace(model, provenance=usual))
    piece = composer.compose(seed=1)
    assert [(text.tick // piece.resolution, text.text) for text in piece.markers] == [
        (0, "A"), (6, "A"), (12, "B")
    ]  # fmt: skip
    plan = composer.plan(seed=1)
    assert plan.back[2:4].tolist() == [2, 2]
    assert plan.close[2:4].tolist() == [AGAIN, AGAIN]
    assert plan.metres == (Metre(0, 3, 4),)
    asked: list[dict[str, Any]] = [
        {"bars": 5},
        {"rules": ritornello.Rules(bars=5)},
        {"form": "A 2, B 3"},
    ]
    assert [composer.compose(seed=1, **each).bar_count for each in asked] == [5, 5, 5]
    assert composer.compose(seed=1, collection="band").bar_count == 16
    several = {"A 2, A 2, B 4": 1, "A 2, B 2, A 2": 3}
    usual = {**usual, "forms": {"waltzes": several}}
    composer = ritornello.Composer(replace(model, provenance=usual))
    assert {composer.compose(seed=seed, best_of=1).bar_count for seed in range(12)} == {6, 8}


def test_a_new_style_is_at_first_the_one_it_is_like(base: Path) -> None:
    model = checkpoint.load(base / "model.safetensors")
    grown = with_room(model, ("waltz", "march"), "band")
    assert grown.collections == ("band", "waltz", "march")
    table, wider = (each.weights["embed.table.weight"] for each in (model, grown))
    assert len(wider) == len(table) + 2
    first = int(np.flatnonzero((wider[: len(table)] != table).any(axis=1))[0])
    np.testing.assert_array_equal(wider[first], table[first - 1])
    np.testing.assert_array_equal(wider[first + 2 :], table[first:])


@pytest.mark.parametrize(("nats_as_band", "said"), [
    (0.995, "No style of the model stands out as being like your music."),
    (0.985, "Among the styles of the model, your music is most like band."),
])  # fmt: skip
def test_a_style_is_named_only_where_it_stands_out(
    base: Path, waltzes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    nats_as_band: float, said: str,
) -> None:  # fmt: skip
    def score(network: NoteModel, rows: list[Sequences]) -> tuple[np.ndarray, np.ndarray]:
        nats = [[nats_as_band if row.controls[0] == 0 else 1.0] for row in rows]
        return np.array(nats), np.ones(len(rows))

    monkeypatch.setattr(fine_tuning, "score", score)
    heard: list[str] = []
    ritornello.train(waltzes, tmp_path, start=base, steps=1, threads=1, say=heard.append)
    assert said in heard


def test_what_held_out_music_costs_is_said_in_words_too(base: Path, tmp_path: Path) -> None:
    for beats in range(2, 6):
        save(band(metre=(beats, 4)), tmp_path / "music" / f"{beats}.mid")
    said: list[str] = []
    out = tmp_path / "own"
    ritornello.train(tmp_path / "music", out, start=base, steps=1, threads=1, say=said.append)
    last = json.loads((out / "metrics.jsonl").read_text().splitlines()[-1])
    words = (
        f"a fair choice among {math.exp(last['nats_per_note']):,.0f} notes, "
        f"{math.exp(last['before']):,.0f} before this training; to who counts pairs, among "
    )
    assert any(words in sentence for sentence in said)


def test_a_figure_that_has_become_worse_is_told_as_such(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for beats in range(2, 6):
        save(band(metre=(beats, 4)), tmp_path / "music" / f"{beats}.mid")
    judge, nats = HeldOutMusic._judged, iter([1.0, 1.5])
    monkeypatch.setattr(
        HeldOutMusic,
        "_judged",
        lambda self, model: {**judge(self, model), "nats_per_note": next(nats)},
    )
    said: list[str] = []
    ritornello.train(
        tmp_path / "music", tmp_path / "own", start=base, steps=3, threads=1, say=said.append
    )
    assert sum("no better than before" in sentence for sentence in said) == 1


def test_what_cannot_be_begun_with_is_refused(base: Path, waltzes: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="width"):
        ritornello.train(waltzes, tmp_path / "a", start=base, steps=1, width=8)
    (tmp_path / "model.safetensors").write_bytes(b"\x08")
    with pytest.raises(CheckpointError):
        ritornello.train(waltzes, tmp_path / "b", start=tmp_path, steps=1)
    assert not (tmp_path / "a").exists()
    assert not (tmp_path / "b").exists()


def test_a_quarter_of_what_is_read_is_composed_by_the_model_itself(
    base: Path, waltzes: Path, tmp_path: Path
) -> None:
    ritornello.train(waltzes, tmp_path / "own", start=base, steps=2, threads=1)
    rehearsal = Corpus.open(tmp_path / "own" / "rehearsal")
    assert rehearsal.collections == ("band",)
    music = JoinedMusic(Corpus.open(tmp_path / "own" / "corpus"), ("band",))
    read = RehearsedMusic(music, rehearsal)
    assert read.shares == pytest.approx({"band": REHEARSED, "waltzes": 1 - REHEARSED})
    train = read.indices("train")
    assert len(train) == len(music.indices("train")) + len(rehearsal)
    last = int(train[-1])
    assert read.collection_of(last) == "band"
    assert read.piece(last).note_count == read.note_counts[last]
    # A run goes on with the same pieces, also where the model to begin with is not named again.
    before = (tmp_path / "own" / "rehearsal" / "notes.npy").read_bytes()
    ritornello.train(waltzes, tmp_path / "own", steps=4, threads=1)
    assert (tmp_path / "own" / "rehearsal" / "notes.npy").read_bytes() == before
