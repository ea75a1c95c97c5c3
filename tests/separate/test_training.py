"""Training of the separator: it learns, it goes on where it was, and it is the same every time."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ritornello.errors import CheckpointError, ConfigError
from ritornello.note_model.weights_file import load
from ritornello.separate.band_split import BandSplit
from ritornello.separate.mixing import StemMixer
from ritornello.separate.model import Separator, SeparatorConfig
from ritornello.separate.scores import si_sdr_db
from ritornello.separate.training import (
    CURVES_FILE,
    SEPARATOR_FILE,
    STATE_FILE,
    SeparatorTraining,
    train_separator,
)

RATE = 8_000
SMALL = SeparatorConfig(BandSplit(0.064), width=12, hidden=12, layers=1)


def songs(number: int, seed: int) -> list[np.ndarray]:
    """Parts anyone can tell apart: a low tone, clicks, a middle tone, hiss; [samples, parts]."""
    rng, at = np.random.default_rng(seed), np.arange(3 * RATE) / RATE
    made = []
    for _ in range(number):
        low, middle = rng.uniform(60, 120), rng.uniform(500, 900)
        clicks = (rng.random(len(at)) < 0.001) * rng.normal(0, 1, len(at))
        hiss = np.diff(rng.normal(0, 0.05, len(at) + 1))
        stems = [0.3 * np.sin(2 * np.pi * low * at), clicks, 0.2 * np.sin(2 * np.pi * middle * at)]
        made.append(np.stack([*stems, hiss], axis=1).astype(np.float32))
    return made


def seconds_by_step(seconds: float = 1.0) -> Callable[[], float]:
    """A clock that is read twice a step, so that runs end after the same step everywhere."""
    ticks = count()
    return lambda: next(ticks) * seconds


def run(folder: Path | None = None, minutes: float = 2.0, **settings: Any) -> Any:
    training = SeparatorTraining(minutes, RATE, batch=4, validate_minutes=0.2, **settings)
    return train_separator(
        StemMixer(songs(6, 0), RATE),
        songs(2, 1),
        training,
        judge=si_sdr_db,
        network=SMALL,
        folder=folder,
        clock=seconds_by_step(),
    )


def test_it_learns_to_separate() -> None:
    file, curve = run(minutes=0.5)
    assert curve[-1].mean_gained_db > 3
    assert curve[-1].loss < curve[0].loss
    assert file.kind == "separator"


def test_the_same_seed_gives_the_same_weights_and_another_seed_others() -> None:
    (one, _), (same, _), (other, _) = (
        run(minutes=0.05),
        run(minutes=0.05),
        run(minutes=0.05, seed=1),
    )
    for name, weight in one.weights.items():
        assert np.array_equal(weight, same.weights[name])
    assert any(not np.array_equal(one.weights[name], other.weights[name]) for name in one.weights)


def test_a_run_goes_on_where_it_was_and_leaves_a_separator(tmp_path: Path) -> None:
    run(tmp_path, minutes=0.2)
    steps = json.loads((tmp_path / CURVES_FILE).read_text())[-1]["steps"]
    _, curve = run(tmp_path, minutes=0.3)
    assert curve[0].steps == steps
    assert curve[-1].steps > steps
    assert load(tmp_path / SEPARATOR_FILE, "separator").provenance["validation"]
    with pytest.raises(ConfigError, match="other settings"):
        run(tmp_path, minutes=0.3, seed=5)
    (tmp_path / STATE_FILE).write_bytes(b"damaged")
    with pytest.raises(CheckpointError, match="cannot be read"):
        run(tmp_path, minutes=0.3)


def test_weights_are_kept_though_nobody_can_judge_them(tmp_path: Path) -> None:
    silent = [np.zeros((RATE, 4), np.float32)]
    training = SeparatorTraining(0.2, RATE, batch=2)
    file, curve = train_separator(
        StemMixer(songs(2, 0), RATE), silent, training,
        judge=si_sdr_db, network=SMALL, folder=tmp_path, clock=seconds_by_step(),
    )  # fmt: skip
    assert np.isnan(curve[-1].mean_gained_db)
    assert json.loads((tmp_path / CURVES_FILE).read_text())[-1]["gained_db"] == [None] * 4
    torch.manual_seed(0)
    untrained = Separator(SMALL).state_dict()
    assert any(not np.array_equal(file.weights[name], untrained[name]) for name in untrained)


def test_interrupted_training_is_saved(tmp_path: Path) -> None:
    def interrupt(progress: Any) -> None:
        if progress.steps == 3:
            raise KeyboardInterrupt

    training = SeparatorTraining(5, RATE, batch=2)
    with pytest.raises(KeyboardInterrupt):
        train_separator(
            StemMixer(songs(2, 0), RATE), songs(1, 1), training,
            judge=si_sdr_db, network=SMALL, folder=tmp_path, watch=interrupt,
        )  # fmt: skip
    assert load(tmp_path / SEPARATOR_FILE, "separator").settings == SMALL.settings()


def test_settings_without_meaning_are_refused() -> None:
    with pytest.raises(ConfigError, match="positive"):
        SeparatorTraining(0)
