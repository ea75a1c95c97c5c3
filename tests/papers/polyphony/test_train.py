"""The likelihood of frames is exact: it agrees with what can be counted by hand."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs the extra train")

from ritornello.note_model.cells import CELLS  # noqa: E402
from ritornello.papers.polyphony import encoding as frames  # noqa: E402
from ritornello.papers.polyphony import train as training  # noqa: E402
from ritornello.papers.polyphony.model import FrameModel, FrameModelConfig  # noqa: E402
from ritornello.papers.polyphony.train import FramePiece, FrameTraining  # noqa: E402

LAGS = (2, 4)
TUNE = [[60, 64, 67], [60, 65, 69], [59, 62, 67], [], [60, 64, 67], [60, 65, 69], [107], [108]]


def _piece(tune: list[list[int]]) -> FramePiece:
    return FramePiece.of(frames.encode_sets(tune), LAGS)


def _model(piece: FramePiece, **settings: float | str) -> FrameModel:
    torch.manual_seed(0)
    config = FrameModelConfig(
        maps=piece.context.sources.shape[1],
        scalars=piece.context.scalars.shape[1],
        voices=piece.roll.shape[1],
        clues=0 if piece.context.clues is None else piece.context.clues.table,
        **{"width": 16, "head_width": 16, "channels": 8, **settings},  # type: ignore[arg-type]
    )
    return FrameModel(config).eval()


def test_a_model_that_knows_nothing_gives_what_is_counted_by_hand() -> None:
    piece = _piece(TUNE)
    model = _model(piece)
    with torch.no_grad():
        for weight in model.parameters():
            weight.zero_()
    found = np.concatenate(training.frame_nats(model, [piece]))
    # Every class that is still legal is equally likely: 89 at first, then those above the last.
    expected = []
    for pitches in TUNE[1:]:
        nats, legal = 0.0, 89
        for pitch in pitches:
            nats, legal = nats + math.log(legal), 89 - (pitch - 21) - 1
        expected.append(nats + math.log(legal))
    assert found == pytest.approx(expected, rel=1e-5)


def test_all_ways_to_go_on_add_up_to_their_beginning() -> None:
    """Over all sets of the four highest keys: together as likely as a lowest note among them."""
    past = TUNE[:4]
    tops = [105, 106, 107, 108]
    sets = [list(s) for n in range(1, 5) for s in itertools.combinations(tops, n)]
    pieces = [_piece([*past, chosen]) for chosen in sets]
    model = _model(pieces[0])
    together = sum(math.exp(-training.frame_nats(model, [piece])[0][-1]) for piece in pieces)
    batch = training.batch_of([(pieces[0], 0, len(past), 0)])
    with torch.no_grad():
        logits, _ = model.logits(batch, model.initial_state(1))
    first = int(torch.searchsorted(batch.frame, len(past) - 1))
    beginning = logits[first].softmax(0)[[pitch - 21 for pitch in tops]].sum().item()
    assert together == pytest.approx(beginning, rel=1e-4)


@pytest.mark.parametrize(
    ("encode", "cell"),
    [(frames.encode_voices, "qrnn"), *((frames.encode_sets, cell) for cell in CELLS)],
)
def test_scoring_in_pieces_of_time_equals_scoring_at_once(
    encode: Callable[..., Any], cell: str
) -> None:
    rng = np.random.default_rng(0)
    long, short = (
        FramePiece.of(encode(np.sort(rng.integers(50, 70, (length, 4))).tolist()), LAGS)
        for length in (150, 9)
    )
    model = _model(long, cell=cell)
    chunked = training.frame_nats(model, [long, short])
    with torch.no_grad():
        batch = training.batch_of([(long, 0, len(long), 0)])
        nats, _ = model(batch, model.initial_state(1))
    whole = torch.zeros(len(long)).index_add_(0, batch.frame, nats)
    assert chunked[0] == pytest.approx(whole.numpy(), rel=1e-4)
    # and padding does not count: the short piece beside the long one is scored as if alone
    assert chunked[1] == pytest.approx(training.frame_nats(model, [short])[0], rel=1e-4)


def test_a_transposed_piece_keeps_its_intervals() -> None:
    roll = _piece(TUNE).roll
    assert (training.transpose_roll(training.transpose_roll(roll, -3), 3) == roll).all()
    assert np.flatnonzero(training.transpose_roll(roll, 2)[0, 0]).tolist() == [41, 45, 48]


def test_training_learns_what_repeats_and_the_seed_decides() -> None:
    tune = _piece([[60], [62], [64], [65]] * 12)
    config = FrameTraining(
        steps=60, batch=4, excerpt=16, average=0.9, validations=1, products="float32"
    )
    network = _model(tune, dropout=0.0).config
    before = training.score(FrameModel(network), [tune])
    first, second = (training.train_frames([tune], [tune], network, config) for _ in range(2))
    assert training.score(first, [tune]) < 0.5 * before
    assert training.score(first, [tune]) == training.score(second, [tune])
