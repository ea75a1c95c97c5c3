"""Cells are compared at one size, and a comparison that was stopped goes on where it was."""

from __future__ import annotations

import argparse
import json
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.examples import MemoryCorpus, band

torch = pytest.importorskip("torch", reason="networks need the extra train")

import experiments.learning.cells as benchmark  # noqa: E402
from experiments.learning import learners  # noqa: E402
from experiments.learning.learners import Learner, parameters  # noqa: E402
from ritornello.corpus.store import Entry, write_store  # noqa: E402
from ritornello.errors import ConfigError  # noqa: E402
from ritornello.note_model.cells import CELLS  # noqa: E402
from ritornello.note_model.network import Block, NoteModel, NoteModelConfig  # noqa: E402
from ritornello.training.config import TrainConfig  # noqa: E402


@pytest.mark.parametrize("cell", CELLS)
def test_all_networks_have_about_the_same_size(cell: str) -> None:
    size = benchmark.LAYERS * parameters(Block(cell, benchmark.width_of(cell), 0.0))
    assert size == pytest.approx(benchmark.PARAMETERS, rel=0.03)


def learner(seed: int = 0) -> Learner:
    torch.manual_seed(seed)
    network = NoteModelConfig("mlstm", layers=1, width=16, head_width=16, dropout=0.3)
    config = TrainConfig(minutes=1, batch=2, chunk=16, seed=seed)
    return Learner("mlstm", NoteModel(network), config, MemoryCorpus([band(n) for n in range(6)]))


def test_a_learner_goes_on_as_if_it_had_not_been_stopped(tmp_path: Path) -> None:
    whole = learner()
    for _ in range(3):
        whole.step(60.0)
    whole.save(tmp_path / "learner.pt")
    whole.step(60.0)
    again = learner()
    again.restore(tmp_path / "learner.pt")
    again.step(60.0)
    assert (again.steps, again.notes) == (whole.steps, whole.notes)
    for ours, theirs in zip(again.model.parameters(), whole.model.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_a_learner_with_other_settings_is_refused(tmp_path: Path) -> None:
    learner().save(tmp_path / "learner.pt")
    with pytest.raises(ConfigError, match="seed was 0, is 1"):
        learner(seed=1).restore(tmp_path / "learner.pt")


def test_a_stopped_comparison_goes_on_and_others_join_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(benchmark, "PARAMETERS", 20_000)
    monkeypatch.setattr(benchmark, "width_of", lambda cell: 32)
    monkeypatch.setattr(benchmark, "SAVE_EVERY_CPU_SECONDS", 0.0)
    monkeypatch.setattr(benchmark, "bare_step_seconds", lambda engine: 1e-4)
    ticks = count()  # each step takes a second, on any machine
    monkeypatch.setattr(learners.time, "process_time", lambda: next(ticks))  # type: ignore[attr-defined]
    entries = ((band(n), Entry(f"{n}.mid", "bands", "valid" if n else "train")) for n in range(2))
    write_store(entries, tmp_path / "store")
    options = argparse.Namespace(
        store=tmp_path / "store", work=tmp_path / "work", results=tmp_path / "results",
        cells=["qrnn", "mlstm"], seeds=[0], rates=[3e-3], collections=["bands"],
        minutes=4 / 60, validations=2, validation_events=100,
    )  # fmt: skip

    class StoppedError(Exception):
        pass

    def stop(*arguments: Any) -> None:
        save(*arguments)
        raise StoppedError

    save = benchmark.save
    monkeypatch.setattr(benchmark, "save", stop)
    with pytest.raises(StoppedError):
        benchmark.teach(options)
    monkeypatch.setattr(benchmark, "save", save)
    before = torch.load(next(options.work.glob("*/learner.pt")), weights_only=True)
    benchmark.teach(options)
    options.cells = ["gru"]
    benchmark.teach(options)
    results = json.loads(benchmark.collect(options).read_text())
    runs = {run["cell"]: run for run in results["figures"]["runs"]}
    assert runs.keys() == {"qrnn", "mlstm", "gru"}
    assert all(run["steps"] > before["spent"]["steps"] == 1 for run in runs.values())
    assert all(len(run["curve"]) == 2 for run in runs.values())
    rows = benchmark.markdown(results).splitlines()[2:]
    assert [row.split(" | ")[0].removeprefix("| ") for row in rows] == sorted(
        runs, key=lambda cell: runs[cell]["nats_per_note"]
    )
