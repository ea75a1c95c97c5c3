"""Networks that hear beats learn, from sound and from notes, and a run that is stopped goes on."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs the extra train")

from experiments.listening import learning as listeners  # noqa: E402
from experiments.listening.beat_net import BeatNet, BeatNetConfig  # noqa: E402
from experiments.listening.beats_training import BeatClips, BeatLessons  # noqa: E402
from experiments.listening.learning import ListenerProgress, ListenerTraining  # noqa: E402
from experiments.listening.note_beat_net import NoteBeatNet, NoteBeatNetConfig  # noqa: E402
from experiments.listening.note_beats_training import NoteBeatLessons, PlayedPart  # noqa: E402
from ritornello.errors import ConfigError  # noqa: E402
from ritornello.transcribe.note_beats import FEATURES, TEMPI, transposed  # noqa: E402

SIZES = BeatNetConfig(bands=6, channels=8, hidden=8, layers=1, dropout=0.0)
NOTE_SIZES = NoteBeatNetConfig(FEATURES, TEMPI, hidden=8, layers=1, dropout=0.0)


def clicks(count: int, seed: int) -> BeatClips:
    """All bands are loud every eighth frame, from a random one on."""
    rng = np.random.default_rng(seed)
    spectra = np.full((count, 64, 6), -4.0, np.float16)
    targets = np.zeros((count, 64, 2), np.float16)
    for clip, start in enumerate(rng.integers(0, 8, count)):
        spectra[clip, start::8] = -0.5
        targets[clip, start::8] = 1
    return BeatClips(spectra, targets, np.ones(count, bool))


def of_sound() -> BeatLessons:
    return BeatLessons(clicks(32, 0), clicks(8, 1), together=8, excerpt=48)


def played(count: int, seed: int, *, knows_bars: bool = True) -> list[PlayedPart]:
    """Low notes on beats and high ones between, twice as fast in the pieces of one class."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        is_fast, first = rng.integers(2, size=2)
        on_beat = (np.arange(40) + first) % 2 == 0
        table = np.zeros((40, FEATURES), np.float32)
        table[:, 0] = -is_fast
        table[:, 5] = np.where(on_beat, -1, 1)
        targets = np.stack([on_beat, on_beat], 1).astype(np.float32)
        tempi = np.full(40, 8 + 12 * is_fast, np.float32)
        found.append(PlayedPart(table, targets, tempi, np.ones(40, bool), knows_bars))
    return found


def of_notes() -> NoteBeatLessons:
    return NoteBeatLessons(played(32, 0), played(8, 1), transposed, together=8, stretch=30)


def run(folder: Path, seconds: float, validations: int) -> list[ListenerProgress]:
    told: list[ListenerProgress] = []
    config = ListenerTraining(seconds=seconds, validations=validations)
    listeners.train(
        lambda: BeatNet(SIZES), SIZES.settings(), of_sound(), folder, config, watch=told.append
    )
    return told


@pytest.mark.parametrize(
    ("network", "lessons"),
    [(lambda: BeatNet(SIZES), of_sound()), (lambda: NoteBeatNet(NOTE_SIZES), of_notes())],
    ids=["sound", "notes"],
)
def test_what_is_plain_is_learned(
    tmp_path: Path, network: Callable[..., Any], lessons: BeatLessons | NoteBeatLessons
) -> None:
    config = ListenerTraining(seconds=3.0, learning_rate=1e-2, validations=3)
    listeners.train(network, {}, lessons, tmp_path, config)
    taught, kept = network(), listeners.best(tmp_path)
    untaught = lessons.score(taught)
    taught.load_state_dict(kept["best"])
    assert lessons.score(taught) == pytest.approx(kept["best_loss"], rel=1e-4)
    assert kept["best_loss"] < 0.5 * untaught


def test_a_run_goes_on_where_it_was(tmp_path: Path) -> None:
    first = run(tmp_path, 0.5, 1)[-1]
    second = run(tmp_path, first.seconds + 0.5, 1)
    assert second[0].steps > first.steps
    assert second[-1].best_loss <= first.best_loss
    assert not run(tmp_path, 0.5, 1)  # it is over


def test_bars_that_are_not_known_teach_nothing() -> None:
    torch.manual_seed(0)
    network, note_network = BeatNet(SIZES), NoteBeatNet(NOTE_SIZES)
    clips = clicks(4, 0)
    scores = []
    for bars in (clips.targets[:, :, 1], 1 - clips.targets[:, :, 1]):
        targets = np.stack([clips.targets[:, :, 0], bars], axis=2)
        unknown = BeatClips(clips.spectra, targets, np.zeros(4, bool))
        scores.append(BeatLessons(clips, unknown).score(network))
    assert scores[0] == scores[1]
    parts = played(4, 0, knows_bars=False)
    before = NoteBeatLessons(parts, parts, transposed).score(note_network)
    for part in parts:
        part.targets[:, 1] = 1 - part.targets[:, 1]
    assert NoteBeatLessons(parts, parts, transposed).score(note_network) == before


def test_events_without_known_beats_and_the_length_of_others_change_nothing() -> None:
    torch.manual_seed(0)
    network = NoteBeatNet(
        NoteBeatNetConfig(FEATURES, TEMPI, hidden=8, layers=1, dropout=0.0)
    ).eval()
    part = played(1, 0)[0]
    lessons = NoteBeatLessons([part], [part], transposed)
    before = lessons.score(network)
    part.is_inside[:20] = False
    part.targets[:20] = 1 - part.targets[:20]
    part.tempi[:20] = 30
    late = lessons.score(network)
    assert late != before
    part.tempi[:20] = 0
    assert lessons.score(network) == late
    assert math.isfinite(late)


def test_a_run_has_a_length() -> None:
    with pytest.raises(ConfigError, match="positive"):
        ListenerTraining(seconds=0)
