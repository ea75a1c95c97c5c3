"""A window of tokens through one LSTM layer to the next token: the network of `lakh-lstm`.

LSTM, dropout, dense, softmax. As published a token goes in as one real number, its id divided by
the number of ids, so that neighbours in the alphabet look alike. ``inputs="embedding"`` gives each
token a vector of its own instead, everything else unchanged: what that fault costs can be measured.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ritornello.errors import ConfigError

State = tuple[Tensor, Tensor]
_INPUTS = ("ids", "embedding")


@dataclass(frozen=True)
class TokenLSTMConfig:
    """Settings of the network.

    Attributes:
        tokens: how many ids there are.
        hidden: units of the LSTM layer.
        dropout: share of its output dropped in training.
        inputs: "ids" as real numbers, or "embedding".
        embedding: length of a token's vector, with ``inputs="embedding"``.

    Raises:
        ConfigError: if a setting has no meaning.
    """

    tokens: int
    hidden: int = 256
    dropout: float = 0.75
    inputs: str = "ids"
    embedding: int = 32

    def __post_init__(self) -> None:
        if self.inputs not in _INPUTS:
            raise ConfigError(f"Tokens go in as {' or '.join(_INPUTS)}; found {self.inputs!r}.")
        if min(self.tokens, self.hidden, self.embedding) < 1 or not 0 <= self.dropout < 1:
            raise ConfigError(f"Sizes are at least 1 and dropout is below 1; found {self}.")


class TokenLSTM(nn.Module):
    """Reads tokens, predicts the next one.

    `forward` reads whole windows, `step` one token at a time; both give the same numbers.
    """

    def __init__(self, config: TokenLSTMConfig) -> None:
        super().__init__()
        self.config = config
        embeds = config.inputs == "embedding"
        self.embed = nn.Embedding(config.tokens, config.embedding) if embeds else None
        self.lstm = nn.LSTM(config.embedding if embeds else 1, config.hidden)
        self.dropout = nn.Dropout(config.dropout)
        self.dense = nn.Linear(config.hidden, config.tokens)

    def initial_state(self, batch: int) -> State:
        """Hidden and cell state before a window, zeros [1, batch, hidden]."""
        zeros = self.dense.weight.new_zeros(1, batch, self.config.hidden)
        return zeros, zeros

    def forward(self, windows: Tensor) -> Tensor:
        """Ids int64 [batch, window] to logits of the next token [batch, tokens]."""
        out, _ = self.lstm(self._inputs(windows.T), self.initial_state(len(windows)))
        result: Tensor = self.dense(self.dropout(out[-1]))
        return result

    def step(self, ids: Tensor, state: State) -> tuple[Tensor, State]:
        """One token, int64 [batch], to logits of the next [batch, tokens] and the state after."""
        out, state = self.lstm(self._inputs(ids[None]), state)
        return self.dense(self.dropout(out[0])), state

    def _inputs(self, ids: Tensor) -> Tensor:
        """int64 [window, batch] to float32 [window, batch, features]."""
        if self.embed is not None:
            result: Tensor = self.embed(ids)
            return result
        return (ids / self.config.tokens).to(self.dense.weight.dtype)[..., None]

    def layers(self) -> dict[str, Tensor]:
        """Weights and biases of each layer, flat, by names for a reader."""
        parts = {"LSTM": self.lstm, "dense": self.dense}
        if self.embed is not None:
            parts["embedding"] = self.embed
        found = {}
        for name, layer in parts.items():
            for kind, plural in (("weight", "weights"), ("bias", "biases")):
                values = [value.flatten() for key, value in layer.named_parameters() if kind in key]
                if values:
                    found[f"{name} {plural}"] = torch.cat(values).detach()
        return found
