"""The networks of `remix2023`: sound of one chunk in, sound of each part out, sample by sample.

Feature layers (Dense, Dropout, BatchNorm) read each sample, a reshape makes their output a sequence
with one time step per sample, and a bidirectional LSTM with one unit writes the sequence that is
the answer. Three architectures differ in who sees whom:

- ``one2one``: one BiLSTM writes all parts. The parts of one sample are neighbouring time steps,
  so each is written next to the others, and far from its own past.
- ``combined`` (One2Four): a BiLSTM per part, side by side in one network. None sees the others.
- ``split`` (One2Four): the same heads as networks of their own, to be trained apart.

An answer at one instant depends on the whole chunk, before and after, so there is no ``step``: the
chunk is the step.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from ritornello.errors import ConfigError
from ritornello.papers.remix2023.unit_lstm import both_ways

Architecture = Literal["one2one", "combined", "split"]
ARCHITECTURES: tuple[Architecture, ...] = get_args(Architecture)


@dataclass(frozen=True)
class StemConfig:
    """The sizes that the publication leaves open.

    Attributes:
        channels: of the input sound.
        parts: to be written.
        features: outputs of each feature layer, for each part.
        layers: feature layers.
        dropout: share of features dropped in training.
    """

    channels: int = 1
    parts: int = 4
    features: int = 8
    layers: int = 2
    dropout: float = 0.2


class SampleBiLSTM(nn.Module):
    """Feature layers, reshape, and one BiLSTM with one unit that writes one or more parts.

    Args:
        config: sizes. parts: how many parts this network writes.
    """

    def __init__(self, config: StemConfig, parts: int) -> None:
        super().__init__()
        self.parts, self.features = parts, config.features
        width = parts * config.features
        self.dense = nn.ModuleList(
            nn.Linear(width if layer else config.channels, width) for layer in range(config.layers)
        )
        self.norms = nn.ModuleList(nn.BatchNorm1d(width) for _ in range(config.layers))
        self.dropout = nn.Dropout(config.dropout)
        self.lstm = nn.LSTM(config.features, 1, batch_first=True, bidirectional=True)
        self._start_quietly()

    def _start_quietly(self) -> None:
        """Start as Keras does: Glorot's weights, biases of zero, forget gates open.

        Torch starts the single unit so far from silence that hundreds of updates go by before the
        answer is no worse than silence.
        """
        for name, weight in self.lstm.named_parameters():
            if "weight" in name:
                nn.init.xavier_uniform_(weight)
            else:
                nn.init.zeros_(weight)
                if "bias_ih" in name:
                    nn.init.ones_(weight[1:2])  # gates: input, forget, candidate, output

    def forward(self, sound: Tensor) -> Tensor:
        """Sound [batch, samples, channels] to parts [batch, samples, parts], within -1..1.

        The two directions of the LSTM are averaged.
        """
        batch, samples, _ = sound.shape
        hidden = sound.flatten(0, 1)
        for dense, norm in zip(self.dense, self.norms, strict=True):
            hidden = norm(self.dropout(torch.relu(dense(hidden))))
        steps = hidden.reshape(batch, samples * self.parts, self.features)
        return both_ways(self.lstm, steps).mean(-1).reshape(batch, samples, self.parts)


class ParallelHeads(nn.Module):
    """One network of as many `SampleBiLSTM` as there are parts, each writing one."""

    def __init__(self, config: StemConfig) -> None:
        super().__init__()
        self.heads = nn.ModuleList(SampleBiLSTM(config, 1) for _ in range(config.parts))

    def forward(self, sound: Tensor) -> Tensor:
        """Sound [batch, samples, channels] to parts [batch, samples, parts], within -1..1."""
        return torch.cat([head(sound) for head in self.heads], dim=-1)


def build(architecture: Architecture, config: StemConfig) -> nn.Module:
    """A network that writes all parts, or for ``split`` the network of one of them.

    Raises:
        ConfigError: if there is no such architecture.
    """
    if architecture == "one2one":
        return SampleBiLSTM(config, config.parts)
    if architecture == "combined":
        return ParallelHeads(config)
    if architecture == "split":
        return SampleBiLSTM(config, 1)
    raise ConfigError(
        f"No architecture is called {architecture!r}.",
        next_step=f"There are: {', '.join(ARCHITECTURES)}.",
    )


def bytes_kept(network: nn.Module, sound: Tensor) -> int:
    """Bytes that one training step on ``sound`` keeps: weights and what their gradients need."""
    kept: dict[int, int] = {}

    def note(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    for weight in network.parameters():
        note(weight.data)
    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        answer = network(sound)
    note(answer)
    return sum(kept.values())
