"""A recurrent critic: how much composed bars sound like real music, run without torch.

A GRU (K. Cho et al., "Learning phrase representations using RNN encoder-decoder", EMNLP 2014) reads
the notes of up to 16 bars; the mean and the maximum of its states go through one linear map to the
logarithm of the odds that the bars are real. It learned from real music of the training sets and
from what models composed for the same bars, instruments, metres and keys
(`experiments.learning.critic`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ritornello.errors import CheckpointError
from ritornello.generation.preference.excerpts import (
    BACK_SIZE,
    EXCERPT_BARS,
    SIZES,
    excerpt_with_past,
)
from ritornello.music.piece import Piece
from ritornello.note_model import weights_file
from ritornello.note_model.engine.recurrent import gru
from ritornello.note_model.weights_file import WeightsFile
from ritornello.plan.bar_strokes import Strokes

RECURRENT_CRITIC_FILE = "critic.safetensors"
RECURRENT_CRITIC_KIND = "critic"
COLUMN_SIZES = (*SIZES, BACK_SIZE)
# The collections that the bundled critic learned to tell from what is composed like them.
CRITIC_SETS = (
    "band_arranged_synth", "freedoom_midi", "mutopia_pd_midi", "openscore_lieder_midi"
)  # fmt: skip


def weight_shapes(units: int) -> dict[str, tuple[int, ...]]:
    """The shape of each weight of a critic of so many units, by its name in torch."""
    return {
        **{f"tables.{n}.weight": (size, units) for n, size in enumerate(COLUMN_SIZES)},
        "read.weight_ih_l0": (3 * units, units),
        "read.weight_hh_l0": (3 * units, units),
        "read.bias_ih_l0": (3 * units,),
        "read.bias_hh_l0": (3 * units,),
        "out.weight": (1, 2 * units),
        "out.bias": (1,),
    }


@dataclass(frozen=True, eq=False)
class RecurrentCritic:
    """A network that tells real bars from composed ones.

    Attributes:
        weights: those of `weight_shapes`, float32.
    """

    weights: Mapping[str, np.ndarray]

    @classmethod
    def bundled(cls) -> RecurrentCritic:
        """The critic that ships with the package."""
        return cls.of(weights_file.bundled(RECURRENT_CRITIC_FILE, RECURRENT_CRITIC_KIND))

    @classmethod
    def of(cls, file: WeightsFile) -> RecurrentCritic:
        """The critic of a file, whose names are those of torch.

        Raises:
            CheckpointError: if its weights are not those of a critic.
        """
        w = file.weights
        try:
            units = w["read.weight_hh_l0"].shape[1]
            shapes = weight_shapes(units).items()
            wrong = [name for name, shape in shapes if w[name].shape != shape]
        except (KeyError, IndexError) as error:
            raise CheckpointError(f"The critic lacks a weight ({error}).") from None
        if wrong:
            raise CheckpointError(f"The critic has other weights than expected: {wrong[0]}.")
        return cls(w)

    def scores(
        self, pieces: Sequence[Piece], first_bar: int = 0, end_bar: int | None = None
    ) -> np.ndarray:
        """Log-odds that each piece is real, means over its windows of 16 bars, float64 [pieces].

        Args:
            first_bar, end_bar: of what is judged, from 0; to the end of the piece where None.
        """
        windows: list[np.ndarray] = []
        owners: list[int] = []
        for number, piece in enumerate(pieces):
            strokes = Strokes.of(piece)
            end = strokes.bars if end_bar is None else end_bar
            starts = [*range(first_bar, max(end - EXCERPT_BARS, first_bar) + 1, EXCERPT_BARS)]
            if starts[-1] + EXCERPT_BARS < end:
                starts.append(end - EXCERPT_BARS)
            for start in starts:
                bars = min(EXCERPT_BARS, end - start)
                windows.append(excerpt_with_past(strokes, start, bars))
                owners.append(number)
        found = self.judge(windows)
        return np.asarray(np.bincount(owners, found) / np.bincount(owners))

    def judge(self, excerpts: Sequence[np.ndarray]) -> np.ndarray:
        """Log-odds that each excerpt is real, float64 [excerpts].

        Args:
            excerpts: see `ritornello.generation.preference.excerpts.excerpt_with_past`.
        """
        shape = max(map(len, excerpts)), len(excerpts)
        columns = np.zeros((*shape, len(COLUMN_SIZES)), np.int64)
        there = np.zeros((*shape, 1), bool)
        for row, one in enumerate(excerpts):
            columns[: len(one), row] = one
            there[: len(one), row] = True
        tables = (self.weights[f"tables.{number}.weight"] for number in range(len(COLUMN_SIZES)))
        x = sum(table[columns[..., number]] for number, table in enumerate(tables))
        states = gru(np.asarray(x), self.weights, "read.", both_ways=False)
        mean = states.sum(axis=0, where=there) / there.sum(axis=0)
        most = states.max(axis=0, where=there, initial=-np.inf)
        answer = np.concatenate([mean, most], axis=1) @ self.weights["out.weight"][0]
        return np.asarray(answer + self.weights["out.bias"], float)
