"""The network of `hybrid-gru2023`: the next note's pitch, step and duration from the notes so far.

One recurrent layer of a plain, LSTM or GRU cell, or an LSTM followed by a GRU (the hybrid). Three
linear heads read its state: logits of the pitch, and one number each for step and duration. The
inputs are real numbers, the pitch among them (divided by 128), as in TensorFlow's tutorial
"Generate music with an RNN", from which the losses also come.

Time comes first in all sequences: [time, batch, ...].
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ritornello.errors import ConfigError
from ritornello.papers.hybrid_gru2023.encoding import COLUMNS, DURATION, PITCH, PITCHES, STEP

CELLS: dict[str, tuple[type[nn.RNN] | type[nn.LSTM] | type[nn.GRU], ...]] = {
    "rnn": (nn.RNN,),
    "lstm": (nn.LSTM,),
    "gru": (nn.GRU,),
    "hybrid": (nn.LSTM, nn.GRU),
}
State = list[tuple[Tensor, ...]]
_PRESSURE = 10.0  # how much a negative step or duration costs, times its size


class Prediction(NamedTuple):
    """Of the next note: logits [..., 128], step and duration in beats [...]."""

    pitch: Tensor
    step: Tensor
    duration: Tensor


@dataclass(frozen=True)
class PsdConfig:
    """Settings of the network.

    Attributes:
        cell: a name in `CELLS`.
        units: of each layer.
    """

    cell: str = "hybrid"
    units: int = 128

    def __post_init__(self) -> None:
        if self.cell not in CELLS:
            raise ConfigError(f"No cell is called {self.cell!r}.", next_step=f"Known: {[*CELLS]}.")
        if self.units < 1:
            raise ConfigError(f"A layer has at least one unit; found {self.units}.")


class PsdRnn(nn.Module):
    """Reads notes (`encodings.pitch_step_duration`), predicts the next one.

    `forward` reads a sequence, `step` one note; both give the same numbers, and both take and
    return the state.
    """

    def __init__(self, config: PsdConfig) -> None:
        super().__init__()
        self.config = config
        sizes = [len(COLUMNS)] + [config.units] * (len(CELLS[config.cell]) - 1)
        kinds = zip(CELLS[config.cell], sizes, strict=True)
        self.layers = nn.ModuleList(kind(size, config.units) for kind, size in kinds)
        self.heads = nn.Linear(config.units, PITCHES + 2)

    def initial_state(self, batch: int) -> State:
        """The state before a piece starts: for each layer one tensor [1, batch, units] or two."""
        zeros = torch.zeros(1, batch, self.config.units, device=self.heads.weight.device)
        return [(zeros, zeros) if isinstance(cell, nn.LSTM) else (zeros,) for cell in self.layers]

    def forward(self, notes: Tensor, state: State) -> tuple[Prediction, State]:
        """Predict, after each note, the next one.

        Args:
            notes: float32 [time, batch, 3]; a row of zeros stands before the first note.
            state: of `initial_state` or of an earlier call; it is not changed.
        """
        x = torch.cat([notes[..., :STEP] / PITCHES, notes[..., STEP:]], dim=-1)
        after: State = []
        for cell, before in zip(self.layers, state, strict=True):
            if isinstance(cell, nn.LSTM):
                x, last = cell(x, before)
                after.append(last)
            else:
                x, hidden = cell(x, before[0])
                after.append((hidden,))
        out = self.heads(x)
        return Prediction(out[..., :PITCHES], out[..., PITCHES], out[..., PITCHES + 1]), after

    def step(self, note: Tensor, state: State) -> tuple[Prediction, State]:
        """One note float32 [batch, 3] to the prediction of the next one, without the time axis."""
        prediction, state = self(note[None], state)
        return Prediction(*(part[0] for part in prediction)), state


def losses(prediction: Prediction, notes: Tensor) -> dict[str, Tensor]:
    """Losses of each note [...]: pitch in nats; step and duration squared, in beats squared.

    A negative step or duration costs ten times its size on top, which pushes it above 0.

    Args:
        notes: the true ones, float32 [..., 3].
    """
    nats = F.cross_entropy(
        prediction.pitch.flatten(0, -2), notes[..., PITCH].long().flatten(), reduction="none"
    )
    return {
        "pitch": nats.reshape(notes.shape[:-1]),
        "step": _squared_error(prediction.step, notes[..., STEP]),
        "duration": _squared_error(prediction.duration, notes[..., DURATION]),
    }


def _squared_error(predicted: Tensor, true: Tensor) -> Tensor:
    return (predicted - true) ** 2 + _PRESSURE * F.relu(-predicted)
