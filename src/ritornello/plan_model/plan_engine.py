"""The plan network in NumPy: what `plan_network.PlanNet` computes, a bar at a time, without torch.

The engine holds weights and nothing else; state goes in and comes out, as of
`ritornello.note_model.engine.reference`.
"""

from __future__ import annotations

import numpy as np

from ritornello.errors import CheckpointError
from ritornello.json_values import JsonObject
from ritornello.note_model.engine.cell_steps import CELLS
from ritornello.note_model.engine.layers import Linear, TableSum, Weights, rms_norm, sigmoid
from ritornello.note_model.weights_file import WeightsFile
from ritornello.plan_model.past import FEATURES, HEADS, LEGAL, PLAYER, STATIC, TRUNK
from ritornello.plan_model.plan_rows import FIELDS

_BITS = np.arange(FEATURES, dtype=np.uint8)


class _Head:
    def __init__(self, weights: Weights, columns: tuple[int, ...]) -> None:
        self.hidden = weights.linear("hidden.weight", "hidden.bias")
        self.out = weights.linear("out.weight", "out.bias")
        self.lookup = TableSum(weights["lookup.table.weight"], [*columns]) if columns else None

    def __call__(self, state: np.ndarray, columns: np.ndarray) -> np.ndarray:
        hidden = self.hidden(state)
        if self.lookup is not None:
            hidden = hidden + self.lookup(columns)
        return self.out(hidden * sigmoid(hidden))


class PlanEngine:
    """A plan network ready to play.

    Args:
        file: as `plan_training.saved` makes it.
        int8: multiply whole numbers, so that a plan is the same on every machine and in every
            batch; without it float32, for exact likelihoods.

    Attributes:
        collections: what it can be asked to write like.

    Raises:
        CheckpointError: if weights are missing, or the cell is not known.
    """

    def __init__(self, file: WeightsFile, *, int8: bool = True) -> None:
        settings: JsonObject = file.settings
        if settings.get("cell") not in CELLS:
            raise CheckpointError(f"The cell {settings.get('cell')!r} is not known.")
        self.collections: tuple[str, ...] = tuple(settings["collections"])
        self.width, self.layers = int(settings["width"]), int(settings["layers"])
        weights = Weights(file.weights, "", int8)
        try:
            table = file.weights["embed.table.weight"]
            self._embed = TableSum(table, [*TRUNK])
            self._static = TableSum(table[sum(TRUNK) :], [*STATIC, len(self.collections) + 1])
            self._in_piece = file.weights["in_piece.weight"].T
            self._played = file.weights["played.weight"].T
            blocks = [weights.part(f"blocks.{layer}.") for layer in range(self.layers)]
            self._norms = [block["norm.weight"] for block in blocks]
            self._cells = [CELLS[settings["cell"]](block.part("cell.")) for block in blocks]
            self._norm = file.weights["norm.weight"]
            self._heads = {n: _Head(weights.part(f"heads.{n}."), HEADS[n]) for n in FIELDS}
            self._worth: Linear = weights.linear("worth.weight", "worth.bias")
            self._player = _Head(weights.part("player."), PLAYER)
        except KeyError as error:
            raise CheckpointError(f"The model lacks its weights {error}.") from error

    def initial_state(self, batch: int) -> np.ndarray:
        """The state before a plan, float32 [batch, layers, numbers]."""
        return np.zeros((batch, self.layers, self.width + self._cells[0].numbers), np.float32)

    def condition(self, static: np.ndarray, in_piece: np.ndarray) -> np.ndarray:
        """What holds for a whole piece, float32 [batch, width].

        Args:
            static: int64 [batch, 3], mode, number of players, collection.
            in_piece: float32 [batch, parts].
        """
        result: np.ndarray = self._static(static) + _sum(in_piece, self._in_piece)
        return result

    def step(
        self, trunk: np.ndarray, played: np.ndarray, condition: np.ndarray, state: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Read what is known before a bar: to the hidden vector [batch, width] and the state."""
        x = self._embed(trunk) + _sum(played, self._played) + condition
        after = np.empty_like(state)
        for layer, (norm, cell) in enumerate(zip(self._norms, self._cells, strict=True)):
            normed = rms_norm(x, norm)
            before = state[:, layer]
            window = np.concatenate([normed, before[:, : self.width]], axis=1)
            out, after[:, layer, self.width :] = cell(window, before[:, self.width :])
            after[:, layer, : self.width] = normed
            x = x + out
        return rms_norm(x, self._norm), after

    def logits(
        self,
        name: str,
        hidden: np.ndarray,
        columns: np.ndarray,
        candidates: np.ndarray | None = None,
    ) -> np.ndarray:
        """Logits of a field [batch, classes], without the masks but that of the distances.

        Args:
            columns: int64 [batch, columns]. candidates: uint8 [batch, distances], for ``back``.
        """
        logits = self._heads[name](hidden, columns)
        if candidates is not None:
            speaks = (candidates[..., None] >> _BITS) & 1
            logits = logits + (speaks * self._worth(hidden)[:, None]).sum(axis=2)
            logits = np.where(candidates & LEGAL, logits, -np.inf)
        return logits

    def player_logits(self, hidden: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """Logit of a player's playing, float32 [batch]."""
        return self._player(hidden, columns)[:, 0]


def _sum(shares: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    # Not a matrix product: the order in which BLAS sums depends on the size of the batch.
    result: np.ndarray = (shares[:, :, None] * matrix).sum(axis=1)
    return result
