"""The beat network learns, and a run that is stopped goes on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs the extra train")

from ritornello.errors import ConfigError  # noqa: E402
from ritornello.models.beat_net import BeatNetConfig  # noqa: E402
from ritornello.training import beats as training  # noqa: E402
from ritornello.training.beats import BeatClips, BeatProgress, BeatTraining  # noqa: E402

SIZES = BeatNetConfig(bands=6, channels=8, hidden=8, layers=1, dropout=0.0)


def clicks(count: int, seed: int) -> BeatClips:
    """All bands are loud every eighth frame, from a random one on."""
    rng = np.random.default_rng(seed)
    spectra = np.full((count, 64, 6), -4.0, np.float16)
    targets = np.zeros((count, 64, 2), np.float16)
    for clip, start in enumerate(rng.integers(0, 8, count)):
        spectra[clip, start::8] = -0.5
        targets[clip, start::8] = 1
    return BeatClips(spectra, targets, np.ones(count, bool))


def run(folder: Path, seconds: float, validations: int) -> list[BeatProgress]:
    told: list[BeatProgress] = []
    config = BeatTraining(seconds=seconds, batch=8, excerpt=48, validations=validations)
    training.train(clicks(32, 0), clicks(8, 1), SIZES, folder, config, watch=told.append)
    return told


def test_clicks_are_learned(tmp_path: Path):
    told = run(tmp_path, 3.0, 3)
    assert told[-1].valid_loss < 0.5 * training.score(training.BeatNet(SIZES), clicks(8, 1))
    network, about = training.best(tmp_path)
    assert training.score(network, clicks(8, 1)) == pytest.approx(about["best_loss"], rel=1e-4)


def test_a_run_goes_on_where_it_was(tmp_path: Path):
    first = run(tmp_path, 0.5, 1)[-1]
    second = run(tmp_path, 1.0, 2)
    assert second[0].steps > first.steps
    assert second[-1].best_loss <= first.best_loss
    assert not run(tmp_path, 1.0, 2)  # it is over


def test_bars_that_are_not_known_teach_nothing():
    clips = clicks(4, 0)
    unknown = BeatClips(clips.spectra, clips.targets, np.zeros(4, bool))
    other = clips.targets.copy()
    other[:, :, 1] = 1 - other[:, :, 1]
    torch.manual_seed(0)
    network = training.BeatNet(SIZES)
    also_unknown = BeatClips(clips.spectra, other, np.zeros(4, bool))
    assert training.score(network, unknown) == training.score(network, also_unknown)


def test_a_run_has_a_length():
    with pytest.raises(ConfigError, match="positive"):
        BeatTraining(seconds=0)
