"""What a note model learns from pairs: to write more like the piece that was liked better.

Direct preference optimisation (R. Rafailov et al., 2023): of a pair, the probability of the piece
that was liked rises against that of the other, both measured against the original network. Two
things hold the network near the original. Only its heads learn; what it remembers of a piece stays.
And the nats of pieces that the original composed may change by a share at most, up or down (they
fall where the network sharpens to its own manner, which costs real music as much): it is the last
step within this leash that is kept.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ritornello.errors import InputError
from ritornello.generation.preference.comparisons import Comparison
from ritornello.json_values import JsonObject
from ritornello.music.piece import Piece
from ritornello.note_model.checkpoint import Checkpoint
from ritornello.note_model.encoding import notes, piece_controls
from ritornello.note_model.encoding.batch import Batch, stack, tell_no_plan
from ritornello.note_model.encoding.sequences import Sequences, sequences
from ritornello.note_model.network import NoteModel, NoteModelConfig, append_columns, to_tensors
from ritornello.training.fine_tuning import take_weights
from ritornello.training.optimisation import adamw, constant
from ritornello.training.run_length import Every, Length
from ritornello.training.trainer import Loss, Objective, Standing, Step, Trainer

# By how much nats a note of the original's own pieces may change; those of real music rose by half
# as much in trials.
LEASH = 0.03
_ROUNDING = 1e-5
LEAST_DECIDED = 10
_BETA = 0.1  # of the difference of log probabilities, in the loss
_ANCHOR = 1.0  # weight of the nats a note of all pieces, which hold the network to the original
_HELD_BACK = 0.2
_BATCH = 4  # pairs
_PASSES = 4
_RATE = 5e-4
_MOST_EVENTS = 1024  # of a piece that are read
_VALIDATIONS_A_PASS = 2
_PATIENCE = 2


@dataclass(frozen=True)
class Decided:
    """Pairs with a winner, as the heads of a network read them.

    Attributes:
        rows: the pieces that were liked, and as many others, in the same order.
        hidden: of each, what the network gives its heads, float16 [events, width]: it stays the
            same while they learn.
        base: float32 [2 * pairs], nats of each under the original network.
    """

    rows: list[Sequences]
    hidden: list[Tensor]
    base: Tensor

    def __len__(self) -> int:
        return len(self.rows) // 2

    def __getitem__(self, chosen: np.ndarray) -> Decided:
        both = np.concatenate([chosen, chosen + len(self)])
        rows, hidden = ([each[index] for index in both] for each in (self.rows, self.hidden))
        return Decided(rows, hidden, self.base[both])


class PairBatch(NamedTuple):
    """Events of the liked pieces and then of the others, with their nats under the original."""

    events: Batch[Tensor]
    hidden: Tensor
    base: Tensor
    notes: int


class PairObjective(Objective[PairBatch]):
    """Minus the log probability of the answers, and nats that hold the network to the original.

    Args:
        pairs: learned from. held_back: that tell how far the network is from the original.
        leash: see `LEASH`. seed: of the order of the pairs.
    """

    network: NoteModel

    def __init__(
        self, network: NoteModel, pairs: Decided, held_back: Decided, *, leash: float, seed: int
    ) -> None:
        self.network, self.pairs, self.held_back = network, pairs, held_back
        self.leash, self.seed = leash, seed
        self.change, self.right = 0.0, math.nan

    def batch(self, step: int) -> PairBatch:
        steps = steps_a_pass(len(self.pairs))
        order = np.random.default_rng((self.seed, step // steps)).permutation(len(self.pairs))
        return _batch(self.network, self.pairs[np.sort(order[step % steps :: steps])])

    def loss(self, batch: PairBatch) -> Loss:
        now = self.network.nats(batch.hidden, batch.events).sum((0, 2))
        answers = F.softplus(-_BETA * _margins(now, batch.base)).sum()
        pairs = len(now) / 2
        anchor = _ANCHOR * now.sum() / batch.notes * pairs
        return Loss(answers + anchor, pairs, {"answers": answers.detach()})

    def validate(self, network: nn.Module, standing: Standing) -> float:
        """The less the further the network has come, as long as it is within the leash."""
        assert isinstance(network, NoteModel)
        now = _nats(network, self.held_back)
        change = float(now.sum() / self.held_back.base.sum()) - 1
        if abs(change) > self.leash + _ROUNDING:
            return math.inf
        self.change = change
        self.right = float((_margins(now, self.held_back.base) > 0).float().mean())
        return -float(standing.spent.steps)


def learn_heads(
    start: Checkpoint,
    comparisons: Sequence[Comparison],
    *,
    leash: float = LEASH,
    seed: int = 0,
    watch: Callable[[float], None] = lambda done: None,
) -> tuple[Checkpoint, JsonObject]:
    """A model whose heads learned from pairs, and how far it came.

    Args:
        start: the original; it stays.
        comparisons: ties and pairs in which both are bad teach nothing here.
        leash: see `LEASH`.
        seed: of what is held back and of the order.
        watch: called with the share of the work that is done.

    Returns:
        The model; and ``pairs``, ``held_back_pairs``, ``held_back_right`` (share of pairs held back
        of which the winner gained probability against the other), ``nats_change`` (share, of the
        pieces held back) and ``steps``.

    Raises:
        InputError: if fewer than `LEAST_DECIDED` pairs have a winner.
    """
    decided = [each for each in comparisons if each.answer in ("left", "right")]
    if len(decided) < LEAST_DECIDED:
        raise InputError(
            f"{len(decided)} pairs have a winner; the network needs {LEAST_DECIDED} to learn from.",
            next_step="Rate more pairs, or leave the network as it is.",
        )
    network = _network(start)
    pairs = _read(network, start, decided)
    order = np.random.default_rng(seed).permutation(len(pairs))
    count = max(2, round(_HELD_BACK * len(pairs)))
    objective = PairObjective(
        network, pairs[order[count:]], pairs[order[:count]], leash=leash, seed=seed
    )
    steps = steps_a_pass(len(objective.pairs))
    trainer = Trainer(
        objective,
        adamw(network.heads, weight_decay=0.0),
        constant(_RATE),
        Length(steps=_PASSES * steps),
        validation=Every(steps=max(1, steps // _VALIDATIONS_A_PASS)),
        patience=_PATIENCE,
    )
    trainer.validate()  # what is kept if the first steps go beyond the leash

    def told(step: Step) -> None:
        watch(trainer.done)

    trainer.run(told)
    weights = {name: tensor.numpy() for name, tensor in trainer.kept.items()}
    facts: JsonObject = {
        "pairs": len(pairs),
        "held_back_pairs": count,
        "held_back_right": round(objective.right, 3),
        "nats_change": round(objective.change, 4),
        "steps": -int(trainer.best_score),
    }
    return replace(start, weights=weights), facts


def steps_a_pass(pairs: int) -> int:
    """Steps in which each pair is read once."""
    return max(1, pairs // _BATCH)


def nats_a_note(model: Checkpoint, pieces: Sequence[Piece]) -> float:
    """Of composed notes of whole pieces, of which the network is told who plays."""
    network = _network(model)
    rows = [_row(piece, len(model.collections)) for piece in pieces]
    network.eval()
    with torch.no_grad():
        read = Decided(rows, [_hidden(network, row) for row in rows], torch.zeros(len(rows)))
    notes_in_all = sum(row.composed_notes for row in rows)
    return float(_nats(network, read).sum()) / notes_in_all


@torch.no_grad()
def _nats(network: NoteModel, pairs: Decided) -> Tensor:
    """Nats of each piece, a few at a time, float32 [2 * pairs]."""
    found = []
    for start in range(0, len(pairs.rows), 2 * _BATCH):
        few = slice(start, start + 2 * _BATCH)
        hidden = nn.utils.rnn.pad_sequence(pairs.hidden[few]).float()
        found.append(network.nats(hidden, _events(network, pairs.rows[few])).sum((0, 2)))
    return torch.cat(found)


def _margins(now: Tensor, base: Tensor) -> Tensor:
    """By how much the liked piece gained on the other, in nats [pairs]."""
    liked, other = (base - now).chunk(2)
    return liked - other


def _network(start: Checkpoint) -> NoteModel:
    """The network of a model, of which the heads alone can learn; without dropout."""
    network = NoteModel(replace(NoteModelConfig(**start.network), dropout=0.0))
    take_weights(network, start.weights)
    for parameter in network.parameters():
        parameter.requires_grad_(False)
    for parameter in network.heads.parameters():
        parameter.requires_grad_(True)
    return network


@torch.no_grad()
def _read(network: NoteModel, start: Checkpoint, decided: Sequence[Comparison]) -> Decided:
    sides = [(c.left, c.right) if c.answer == "left" else (c.right, c.left) for c in decided]
    collections = len(start.collections)
    rows = [_row(pair[side], collections) for side in range(2) for pair in sides]
    network.eval()
    hidden = [_hidden(network, row) for row in rows]
    pairs = Decided(rows, hidden, torch.zeros(len(rows)))
    return replace(pairs, base=_nats(network, pairs))


def _hidden(network: NoteModel, row: Sequences) -> Tensor:
    events = _events(network, [row])
    hidden, _ = network.trunk(
        events.context,
        events.controls,
        events.instruments,
        network.initial_state(1),
        events.plays,
    )
    return hidden[:, 0].half()


def _row(piece: Piece, collections: int) -> Sequences:
    """A piece as it was asked for: who plays is told, and nothing else of it."""
    players = piece_controls.read_controls(notes.encode(piece), None).instruments
    asked = piece_controls.Controls(instruments=players)
    whole = sequences(piece, None, collections)
    told = replace(whole, controls=asked.row(collections), instruments=asked.instrument_row())
    return told.part(0, _MOST_EVENTS)


def _events(network: NoteModel, rows: Sequence[Sequences]) -> Batch[Tensor]:
    longest = max(map(len, rows))
    events = to_tensors(stack([row.chunk(0, longest) for row in rows]))
    return tell_no_plan(events, append_columns) if network.config.plan else events


def _batch(network: NoteModel, pairs: Decided) -> PairBatch:
    composed = sum(row.composed_notes for row in pairs.rows)
    hidden = nn.utils.rnn.pad_sequence(pairs.hidden).float()
    return PairBatch(_events(network, pairs.rows), hidden, pairs.base, composed)
