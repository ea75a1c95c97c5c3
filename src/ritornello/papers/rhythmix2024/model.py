"""Stacked LSTM layers that read one-hot events and predict pitch and duration: `rhythmix2024`.

Two linear outputs share the state of the last layer, so that the two fields of an event are
independent of each other given the events before it.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ritornello.errors import ConfigError
from ritornello.note_model.cells.cell import State
from ritornello.papers.rhythmix2024.encoding import DURATIONS, NONE, PITCHES


@dataclass(frozen=True)
class EventLSTMConfig:
    """Sizes of the network.

    Attributes:
        layers: of LSTM, one on the other. width: units a layer.
        dropout: share of a layer's output dropped in training, the last one's included.

    Raises:
        ConfigError: if a size makes no sense.
    """

    layers: int = 3
    width: int = 256
    dropout: float = 0.2

    def __post_init__(self) -> None:
        if min(self.layers, self.width) < 1 or not 0 <= self.dropout < 1:
            raise ConfigError(f"Layers and width are at least 1, dropout below 1; found {self}.")


class EventLSTM(nn.Module):
    """Predicts each event of a line from those before it; state is a value (hidden, cell)."""

    def __init__(self, config: EventLSTMConfig) -> None:
        super().__init__()
        self.config = config
        between = config.dropout if config.layers > 1 else 0.0
        self.lstm = nn.LSTM(PITCHES + DURATIONS, config.width, config.layers, dropout=between)
        self.dropout = nn.Dropout(config.dropout)
        self.pitch = nn.Linear(config.width, PITCHES)
        self.duration = nn.Linear(config.width, DURATIONS)
        with torch.no_grad():
            # One-hot input is a look-up: started as small as inner layers are, it takes some 400
            # steps of 1,000 events until events tell the network more than their counts do.
            weights = dict(self.lstm.named_parameters())
            weights["weight_ih_l0"].normal_()
            for layer in range(config.layers):  # remember at first
                weights[f"bias_ih_l{layer}"][config.width : 2 * config.width] = 1.0

    def initial_state(self, batch: int) -> State:
        """The state before a line starts: two tensors [layers, batch, width]."""
        shape = (self.config.layers, batch, self.config.width)
        return torch.zeros(shape), torch.zeros(shape)

    def forward(self, before: Tensor, state: State) -> tuple[Tensor, Tensor, State]:
        """Predict a sequence.

        Args:
            before: int64 [time, batch, 2], the event before each one to predict; `NONE` before
                the first.
            state: before it.

        Returns:
            logits [time, batch, pitches] and [time, batch, durations], and the state after.
        """
        columns = [
            F.one_hot(before[..., column], size + 1)[..., :size] for column, size in enumerate(NONE)
        ]
        hidden, after = self.lstm(torch.cat(columns, dim=-1).float(), state)
        hidden = self.dropout(hidden)
        return self.pitch(hidden), self.duration(hidden), after

    def step(self, before: Tensor, state: State) -> tuple[Tensor, Tensor, State]:
        """Predict one event: before [batch, 2] to logits [batch, classes], twice, and the state."""
        pitch, duration, after = self(before[None], state)
        return pitch[0], duration[0], after

    def nats(self, before: Tensor, events: Tensor, state: State) -> tuple[Tensor, State]:
        """Negative log likelihood of pitch and duration of each event.

        Returns:
            float32 [time, batch, 2], 0 where an event is `NONE`; and the state after.
        """
        *logits, after = self(before, state)
        fields = [
            F.cross_entropy(
                scores.flatten(0, 1),
                events[..., column].flatten(),
                reduction="none",
                ignore_index=NONE[column],
            ).reshape(events.shape[:-1])
            for column, scores in enumerate(logits)
        ]
        return torch.stack(fields, dim=-1), after
