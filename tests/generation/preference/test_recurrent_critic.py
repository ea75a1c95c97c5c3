"""The critic hears what torch taught it, in the bars that it is asked about."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ritornello.errors import CheckpointError
from ritornello.generation.preference.excerpts import (
    MOST_NOTES,
    excerpt,
    excerpt_with_past,
    played_before,
)
from ritornello.generation.preference.recurrent_critic import (
    COLUMN_SIZES,
    RecurrentCritic,
    weight_shapes,
)
from ritornello.metrics.keeping.two_sample import Learner
from ritornello.music.piece import Piece
from ritornello.note_model.weights_file import WeightsFile
from ritornello.plan.bar_strokes import Strokes
from tests.examples import band
from tests.plan.songs import phrase, song


def weights(units: int = 4) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {name: rng.normal(size=s).astype(np.float32) for name, s in weight_shapes(units).items()}


def critic() -> RecurrentCritic:
    return RecurrentCritic.of(WeightsFile("critic", weights(), {}))


def test_it_gives_the_numbers_of_torch() -> None:
    pytest.importorskip("torch", reason="the network learns with the extra train")
    excerpts = [excerpt_with_past(Strokes.of(band(n, bars=8)), 0, 4 * n + 4) for n in range(2)]
    learner = Learner.taught(
        excerpts, np.array([0, 1]), sizes=COLUMN_SIZES, units=4, both_ways=False, epochs=2
    )
    taught = {name: value.numpy() for name, value in learner.network.state_dict().items()}
    odds = RecurrentCritic.of(WeightsFile("critic", taught, {})).judge(excerpts)
    assert learner.judge(excerpts) == pytest.approx(1 / (1 + np.exp(-odds)), abs=1e-5)


def test_it_hears_the_bars_it_is_asked_about_and_no_others() -> None:
    judge, a, b, c = critic(), phrase(1), phrase(2), phrase(3)
    one, other = song(a, b, c), song(a, b, phrase(9))
    assert judge.scores([one], 0, 16) == judge.scores([other], 0, 16)
    assert judge.scores([one], 8, 24) != judge.scores([other], 8, 24)
    both = judge.scores([one, other])
    assert both[0] == pytest.approx(judge.scores([one])[0], abs=1e-5)
    assert np.isfinite(judge.scores([Piece((), 24), one])).all()


def test_what_came_before_is_told() -> None:
    a, b = phrase(1), phrase(2)
    strokes = Strokes.of(song(a, a, b))
    again = np.flatnonzero((strokes.bar >= 8) & (strokes.bar < 16))
    assert (played_before(strokes, again) & 8).all()
    assert not played_before(strokes, np.flatnonzero(strokes.bar == 0)).any()
    table = excerpt_with_past(strokes, 8, 8)
    assert (table[:, :5] == excerpt(strokes, 8, 8)).all()
    assert (table[:, 5] & 8).all()
    assert len(excerpt(Strokes.of(song(*[a] * 40)), 0, 400)) == MOST_NOTES


def test_other_weights_are_refused() -> None:
    wrong = weights() | {"out.bias": np.zeros(2, np.float32)}
    with pytest.raises(CheckpointError, match=r"other weights than expected: out\.bias"):
        RecurrentCritic.of(WeightsFile("critic", wrong, {}))
    with pytest.raises(CheckpointError, match="lacks a weight"):
        RecurrentCritic.of(WeightsFile("critic", {}, {}))


def test_loudness_does_not_count() -> None:
    piece = band(bars=8)
    loud = replace(
        piece,
        tracks=tuple(
            replace(track, notes=_with_velocity(track.notes, 127)) for track in piece.tracks
        ),
    )
    assert critic().scores([piece]) == critic().scores([loud])


def _with_velocity(notes: np.ndarray, velocity: int) -> np.ndarray:
    changed = notes.copy()
    changed["velocity"] = velocity
    return changed
