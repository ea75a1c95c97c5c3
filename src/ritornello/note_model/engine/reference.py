"""Play a saved note model with NumPy: what `NoteModel.step` computes, without torch.

The engine holds weights and nothing else. State goes in and comes out, a float32 array
[batch, layers, numbers]: for each block the previous normed input [width] and the state of its
cell, as long as the cell needs (`note_model.engine.cell_steps`). It is a value: copy it to branch,
index it to drop pieces, save it to go on tomorrow.

To compose, weights and activations are multiplied as whole numbers of 8 bits, a scale for each row
of a matrix and one for each vector of activations. Such a product is exact in whatever order it is
summed, so a piece is the same in every batch size and with any BLAS; docs/decisions/playing.md
tells what it costs in likelihood.
"""

from __future__ import annotations

import numpy as np

from ritornello.errors import CheckpointError
from ritornello.json_values import JsonObject
from ritornello.note_model.checkpoint import Checkpoint
from ritornello.note_model.encoding import piece_controls
from ritornello.note_model.encoding.notes import FIELDS
from ritornello.note_model.encoding.tables import event_columns, head_columns
from ritornello.note_model.engine.cell_steps import CELLS
from ritornello.note_model.engine.drawing import draw
from ritornello.note_model.engine.layers import Linear, TableSum, Weights, rms_norm, sigmoid


class Engine:
    """A note model ready to play.

    Args:
        checkpoint: the model.
        int8: multiply whole numbers of 8 bits; without it, float32 as in training, for exact
            likelihoods. `open_engine` gives the engine to compose with.

    Raises:
        CheckpointError: if the checkpoint has a cell this version does not know, or lacks weights.
    """

    def __init__(self, checkpoint: Checkpoint, *, int8: bool = False) -> None:
        settings: JsonObject = checkpoint.network
        if settings.get("cell") not in CELLS:
            raise CheckpointError(f"The model's cell {settings.get('cell')!r} is not known.")
        self.width: int = settings["width"]
        self.layers: int = settings["layers"]
        self.head_width: int = settings["head_width"]
        self.collections: int = settings["collections"]
        self.plan: bool = settings.get("plan", False)
        weights = checkpoint.weights
        blocks = [Weights(weights, f"blocks.{layer}.", int8) for layer in range(self.layers)]
        heads = [Weights(weights, f"heads.{head}.", int8) for head in range(len(FIELDS))]
        try:
            table = weights["embed.table.weight"]
            sizes = event_columns(plan=self.plan)
            self._embed = TableSum(table, sizes)
            asked = [*piece_controls.sizes(self.collections).values()]
            self._controls = TableSum(table[sum(sizes) :], asked)
            self._plays = weights["plays.weight"].T if self.plan else None
            self._instruments = weights["instruments.weight"].T
            self._norm = weights["norm.weight"]
            self._norms = [block["norm.weight"] for block in blocks]
            self._cells = [CELLS[settings["cell"]](block.part("cell.")) for block in blocks]
            # The hidden maps of all heads see the same vector: one map does them at once.
            hidden = (
                np.concatenate([head[name] for head in heads])
                for name in ("hidden.weight", "hidden.bias")
            )
            self._hidden = Linear(*hidden, int8=int8)
            self._lookups = [
                TableSum(part["lookup.table.weight"], head_columns(head, plan=self.plan))
                if head_columns(head)
                else None
                for head, part in enumerate(heads)
            ]
            self._outs = [head.linear("out.weight", "out.bias") for head in heads]
        except KeyError as error:
            raise CheckpointError(f"The model lacks its weights {error}.") from error

    def initial_state(self, batch: int) -> np.ndarray:
        """The state before a piece starts, float32 [batch, layers, numbers]."""
        return np.zeros((batch, self.layers, self.width + self._cells[0].numbers), np.float32)

    def condition(self, controls: np.ndarray, instruments: np.ndarray) -> np.ndarray:
        """What the controls add to every input, float32 [batch, width].

        Args:
            controls: int [batch, 3], see `piece_controls`.
            instruments: float32 [batch, instruments + 1].
        """
        # Not a matrix product: the order in which BLAS sums depends on the size of the batch.
        shares = instruments[:, :, None] * self._instruments
        result: np.ndarray = self._controls(controls) + shares.sum(axis=1)
        return result

    def playing(self, plays: np.ndarray) -> np.ndarray:
        """What a plan's players add to the condition, float32 [batch, width].

        Args:
            plays: float32 [batch, `bar_plan.PLAYS_COLUMNS`], see `batch.Batch`.
        """
        if self._plays is None:
            return np.zeros((len(plays), self.width), np.float32)
        # A sum of the rows of those who play: the same in every batch, and few play.
        return np.stack([self._plays[row > 0].sum(axis=0) for row in plays])

    def step(
        self, rows: np.ndarray, condition: np.ndarray, state: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Read one event of each piece.

        Args:
            rows: int64 [batch, columns], as of `tables.event_columns`.
            condition: see `condition`, and `playing` where there is a plan. state: before.

        Returns:
            hidden vectors float32 [batch, heads * head_width] for the heads, and the state after.
        """
        x = self._embed(rows) + condition
        after = np.empty_like(state)
        width = self.width
        for layer, (norm, cell) in enumerate(zip(self._norms, self._cells, strict=True)):
            normed = rms_norm(x, norm)
            before = state[:, layer]
            window = np.concatenate([normed, before[:, :width]], axis=1)
            out, after[:, layer, width:] = cell(window, before[:, width:])
            after[:, layer, :width] = normed
            x = x + out
        return self._hidden(rms_norm(x, self._norm)), after

    def head_logits(self, head: int, hidden: np.ndarray, columns: np.ndarray | None) -> np.ndarray:
        """Logits of a field before any mask, float32 [batch, classes].

        Args:
            head: index of the field. hidden: from `step`.
            columns: int64 [batch, columns], what `tables.HEAD_INPUTS` names; None for shift.
        """
        inner = hidden[:, head * self.head_width : (head + 1) * self.head_width]
        lookup = self._lookups[head]
        if lookup is not None and columns is not None:
            inner = inner + lookup(columns)
        return self._outs[head](inner * sigmoid(inner))

    def choose(
        self,
        head: int,
        hidden: np.ndarray,
        columns: np.ndarray | None,
        legal: np.ndarray | None,
        uniform: np.ndarray,
        temperature: float = 1.0,
        top_p: float = 1.0,
        top_k: int = 0,
    ) -> np.ndarray:
        """Draw a field, int64 [batch]; see `head_logits` and `drawing.draw`."""
        logits = self.head_logits(head, hidden, columns)
        return draw(logits, legal, uniform, temperature, top_p, top_k)
