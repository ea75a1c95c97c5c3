"""Training learns, and a run that was stopped goes on to the same numbers."""

from __future__ import annotations

import json
import math
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ritornello.errors import ConfigError, InputError, OutputError
from ritornello.note_model import checkpoint
from ritornello.note_model.encoding.notes import END, PART
from ritornello.training.batches import Rows
from ritornello.training.config import TrainConfig
from ritornello.training.journal import Journal
from ritornello.training.loop import Progress, train
from tests.examples import MemoryCorpus, band

TINY = TrainConfig(
    steps=24, layers=1, width=24, head_width=16, batch=4, chunk=32, validate_every=8,
    learning_rate=1e-2, dropout=0.1, threads=1, seed=3, products="float32",
)  # fmt: skip


@pytest.fixture(scope="module")
def music() -> MemoryCorpus:
    return MemoryCorpus([band(seed) for seed in range(10)])


def losses(folder: Path) -> list[float]:
    lines = map(json.loads, (folder / "metrics.jsonl").read_text().splitlines())
    return [line["nats_per_note"] for line in lines if line["kind"] == "step"]


def test_a_resumed_run_is_the_run_that_was_never_stopped(
    music: MemoryCorpus, tmp_path: Path
) -> None:
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    train(music, whole, TINY)

    class KilledError(Exception):
        pass

    def kill(progress: Progress) -> None:
        if progress.step == 13:  # between two savings
            raise KilledError

    with pytest.raises(KilledError):
        train(music, stopped, TINY, watch=kill)
    train(music, stopped, TINY)
    assert losses(stopped) == losses(whole)
    one, other = (checkpoint.load(folder / "model.safetensors") for folder in (whole, stopped))
    for name, weight in one.weights.items():
        np.testing.assert_array_equal(weight, other.weights[name], err_msg=name)


def test_ctrl_c_saves_first(music: MemoryCorpus, tmp_path: Path) -> None:
    def interrupt(progress: Progress) -> None:
        if progress.step == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(music, tmp_path, TINY, watch=interrupt)
    train(music, tmp_path, TINY)
    steps = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert [s["step"] for s in steps if s["kind"] == "step"] == list(range(1, 25))


def test_it_learns(music: MemoryCorpus, tmp_path: Path) -> None:
    train(music, tmp_path, replace(TINY, steps=80))
    found = losses(tmp_path)
    assert np.mean(found[-10:]) < 0.5 * np.mean(found[:5])
    figures = checkpoint.load(tmp_path / "model.safetensors").provenance["validation"]
    assert figures["nats_per_note"] == pytest.approx(sum(figures["fields"].values()), abs=0.001)


def test_a_planned_run_begins_from_a_model_that_hears_no_plans(
    music: MemoryCorpus, tmp_path: Path
) -> None:
    train(music, tmp_path / "plain", TINY)
    plain = checkpoint.load(tmp_path / "plain" / "model.safetensors")
    made = train(music, tmp_path / "planned", replace(TINY, plan=True), start=plain)
    planned = checkpoint.load(made)
    assert planned.network["plan"]
    assert np.abs(planned.weights["plays.weight"]).max() > 0
    assert losses(tmp_path / "planned")[0] < losses(tmp_path / "plain")[0] - 1


def test_a_row_reads_each_excerpt_from_its_start_to_its_end(music: MemoryCorpus) -> None:
    rows = Rows(music, shares=None, batch=3, chunk=16, seed=0, augment=False)
    ends = np.zeros(3, int)
    for _ in range(30):
        batch, starts = rows.next()
        assert (starts[ends == 1]).all(), "a new excerpt follows the end of one"
        ends = (batch.fields[..., PART] == END).any(axis=0).astype(int)  # END was read
    assert rows.drawn.min() > 1


def test_shares_decide_how_often_a_collection_is_read() -> None:
    class Two(MemoryCorpus):
        collections = ("small", "large")  # type: ignore[assignment]

        def __init__(self) -> None:
            super().__init__([band(seed, bars=4 if seed < 4 else 16) for seed in range(12)], 0)
            self.collections = ("small", "large")

        def collection_of(self, index: int) -> str:
            return self.collections[int(index >= 4)]

    rows = Rows(
        Two(), shares={"small": 0.5, "large": 0.5}, batch=8, chunk=64, seed=0, augment=False
    )
    read = {"small": 0, "large": 0}
    for row in range(8):
        for drawn in range(200):
            index = rows.order[drawn * 8 + row].piece
            read[rows.music.collection_of(index)] += rows.music.note_counts[index]
    assert read["small"] == pytest.approx(read["large"], rel=0.1)


def test_nothing_to_train_on_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="train on"):
        train(MemoryCorpus([band()], valid=1), tmp_path, TINY)


@pytest.mark.parametrize(
    "change",
    [
        {"steps": None}, {"minutes": 3.0}, {"steps": -1}, {"steps": None, "minutes": math.inf},
        {"batch": 0}, {"learning_rate": -1.0}, {"learning_rate": math.nan}, {"dropout": 2.0},
    ],
)  # fmt: skip
def test_settings_without_meaning_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        replace(TINY, **change)


def test_minutes_count_what_is_before_and_after_learning(
    music: MemoryCorpus, tmp_path: Path
) -> None:
    short = replace(TINY, steps=None, minutes=0.01)
    began = time.monotonic() - 1000

    def learned() -> dict[str, Any]:
        model = train(music, tmp_path, short, began=began, ending_seconds=5.0)
        said: dict[str, Any] = checkpoint.describe(model)["provenance"]["training"]
        return said

    first = learned()
    assert first["config"]["set_aside"] == pytest.approx(0.3)  # half of the minutes stay
    assert learned()["steps"] == first["steps"]  # a finished run has nothing to add


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_said_of_the_record_of_a_run(tmp_path: Path) -> None:
    (tmp_path / "metrics.jsonl").symlink_to("/dev/full")
    with pytest.raises(OutputError, match=r"record of the run cannot be written \(No space left"):
        Journal(tmp_path).sitting(0)


def test_a_run_killed_before_its_first_saving_leaves_no_trace(
    music: MemoryCorpus, tmp_path: Path
) -> None:
    (tmp_path / "metrics.jsonl").write_text('{"kind": "step", "step": 1}\n{"kind": "st')
    train(music, tmp_path, replace(TINY, steps=2))
    steps = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert [s["step"] for s in steps if s["kind"] == "step"] == [1, 2]
