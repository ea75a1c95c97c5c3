"""Teach a network that sees a window of tokens: random windows in, the next token out.

The loop keeps what a reader wants to see of it: loss and accuracy of every batch and epoch, and the
weights of each layer at the start, in the middle and at the end. After each epoch all of it is
saved, and a run that was stopped goes on from there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import cast

import numpy as np
import torch
from numpy.lib.stride_tricks import sliding_window_view
from torch import nn
from torch.nn import functional as F

from ritornello.errors import CheckpointError, ConfigError, InputError
from ritornello.papers.lakh_lstm.model import TokenLSTM, TokenLSTMConfig
from ritornello.training.optimisation import constant
from ritornello.training.run_length import Every, Length
from ritornello.training.run_state import TrainingState
from ritornello.training.trainer import Loss, Objective, Standing, Step, Trainer

_SCORED_AT_ONCE = 512


@dataclass(frozen=True)
class TokenTraining:
    """Settings of a run.

    Attributes:
        window: tokens the network sees. batch: windows a step. epochs: of the run.
        epoch_windows: windows an epoch, drawn anew for each; None for all there are.
        valid_windows: scored in validation, evenly spread; None for all.
        learning_rate: of RMSprop. seed: of everything random. threads: of torch.
    """

    window: int = 50
    batch: int = 64
    epochs: int = 10
    epoch_windows: int | None = None
    valid_windows: int | None = None
    learning_rate: float = 1e-4
    seed: int = 0
    threads: int = 1


@dataclass
class TokenRecord:
    """How a run went; a list has one value for each batch or each epoch.

    Attributes:
        batch_loss (nats per token, with dropout), batch_accuracy: of each batch.
        train_loss, train_accuracy: means over each epoch's batches.
        valid_loss, valid_accuracy: after each epoch, without dropout.
        weights: "start", "middle" and "end" of the run -> values of each layer.
        best_epoch: the one with the least validation loss, from 1; its weights are kept.
        seconds: of training, without validation.
    """

    batch_loss: list[float] = field(default_factory=list)
    batch_accuracy: list[float] = field(default_factory=list)
    train_loss: list[float] = field(default_factory=list)
    train_accuracy: list[float] = field(default_factory=list)
    valid_loss: list[float] = field(default_factory=list)
    valid_accuracy: list[float] = field(default_factory=list)
    weights: dict[str, dict[str, torch.Tensor]] = field(default_factory=dict)
    best_epoch: int = 0
    seconds: float = 0.0


def train_tokens(
    config: TokenLSTMConfig,
    train: Sequence[np.ndarray],
    valid: Sequence[np.ndarray],
    path: Path,
    settings: TokenTraining,
    *,
    say: Callable[[str], None] = lambda sentence: None,
) -> tuple[TokenLSTM, TokenRecord]:
    """Teach a network, or go on with the run of the same settings and songs that ``path`` holds.

    Args:
        train, valid: ids of each song, int64 [tokens]; no window crosses from song to song.
        path: file of the run; gets its state after each epoch, and each minute.
        say: called after each epoch.

    Returns:
        The network with the weights of the best epoch, ready to play, and the record.

    Raises:
        InputError: if no song is longer than a window.
    """
    torch.set_num_threads(settings.threads)
    windows = _windows(train, settings.window + 1)
    if not len(windows):
        raise InputError(
            f"No song to learn from has more than {settings.window} tokens.",
            next_step="Give longer songs, or a shorter window.",
        )
    torch.manual_seed(settings.seed)
    objective = _Tokens(TokenLSTM(config), windows, valid, settings)
    trainer = Trainer(
        objective,
        torch.optim.RMSprop(objective.network.parameters(), lr=settings.learning_rate),
        constant(settings.learning_rate),
        Length(steps=settings.epochs * objective.epoch_steps),
        clip=None,
        validation=Every(steps=objective.epoch_steps),
        keep=path,
        identity={"network": asdict(config), "training": asdict(settings),
                  "windows": [len(windows), int(windows.sum())]},
        stepped=objective.stepped,
        validated=lambda judgement: say(objective.epoch_done(judgement.is_best)),
    )  # fmt: skip
    try:
        trainer.resume()
    except (ConfigError, CheckpointError):
        path.unlink()  # of other settings or songs
    trainer.run()
    objective.network.load_state_dict(trainer.kept)
    return objective.network.eval(), objective.record


class _Tokens(Objective[torch.Tensor]):
    """The next token of random windows; epochs of as many steps each.

    Attributes:
        record: how the run goes. epoch_steps: in an epoch.
    """

    network: TokenLSTM

    def __init__(
        self,
        network: TokenLSTM,
        windows: np.ndarray,
        valid: Sequence[np.ndarray],
        settings: TokenTraining,
    ) -> None:
        self.network, self._windows, self._valid = network, windows, valid
        self._settings = settings
        self.record = TokenRecord(weights={"start": _copies(network.layers())})
        epoch_windows = len(windows[: settings.epoch_windows])
        self.epoch_steps = -(-epoch_windows // settings.batch)
        self._chosen = np.zeros(0, np.int64)  # windows of the epoch

    def batch(self, step: int) -> torch.Tensor:
        """An epoch's windows and its dropout depend on the seed and its number alone."""
        epoch, place = divmod(step, self.epoch_steps)
        if place == 0 or not len(self._chosen):
            rng = np.random.default_rng((self._settings.seed, epoch))
            dropout = int(rng.integers(2**31))
            if place == 0:
                torch.manual_seed(dropout)
            order = rng.permutation(len(self._windows))
            self._chosen = order[: self._settings.epoch_windows]
        start = place * self._settings.batch
        rows = self._chosen[start : start + self._settings.batch]
        return torch.from_numpy(self._windows[rows])

    def loss(self, batch: torch.Tensor) -> Loss:
        logits, target = self.network(batch[:, :-1]), batch[:, -1]
        hits = (logits.argmax(1) == target).float().mean()
        return Loss(F.cross_entropy(logits, target), 1.0, {"accuracy": hits})

    def stepped(self, step: Step) -> None:
        """Record a batch."""
        self.record.batch_loss.append(step.loss)
        self.record.batch_accuracy.append(step.parts["accuracy"])
        self.record.seconds += step.seconds

    def validate(self, network: nn.Module, standing: Standing) -> float:
        settings, record = self._settings, self.record
        nats, hits = score_tokens(
            cast(TokenLSTM, network), self._valid, settings.window, most=settings.valid_windows
        )
        record.valid_loss.append(_mean(nats))
        record.valid_accuracy.append(_mean(hits))
        return record.valid_loss[-1]

    def epoch_done(self, is_best: bool) -> str:
        """Record an epoch, after its validation; what to say of it."""
        record, settings, epoch = self.record, self._settings, len(self.record.valid_loss)
        record.train_loss.append(_mean(record.batch_loss[-self.epoch_steps :]))
        record.train_accuracy.append(_mean(record.batch_accuracy[-self.epoch_steps :]))
        if is_best:
            record.best_epoch = epoch
        if epoch == (settings.epochs + 1) // 2:
            record.weights["middle"] = _copies(self.network.layers())
        if epoch == settings.epochs:
            record.weights["end"] = _copies(self.network.layers())
        return (
            f"epoch {epoch} of {settings.epochs}: {record.train_loss[-1]:.3f} nats a token in "
            f"training, {record.valid_loss[-1]:.3f} in validation"
        )

    def state(self) -> TrainingState:
        return vars(self.record)

    def restore(self, state: TrainingState) -> None:
        self.record = TokenRecord(**state)


@torch.no_grad()
def score_tokens(
    model: TokenLSTM, songs: Sequence[np.ndarray], window: int, *, most: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Nats of each token after the first ``window`` of each song, and whether it was guessed.

    Args:
        most: score no more tokens than these, evenly spread; None for all.

    Returns:
        float64 [scored] and bool [scored], song after song; exact, without dropout.
    """
    model.eval()
    windows = _windows(songs, window + 1)
    if most is not None:
        windows = windows[:: max(1, -(-len(windows) // most))]
    nats, hits = [np.zeros(0)], [np.zeros(0, bool)]
    for start in range(0, len(windows), _SCORED_AT_ONCE):
        rows = torch.from_numpy(windows[start : start + _SCORED_AT_ONCE])
        logits, target = model(rows[:, :-1]).double(), rows[:, -1]
        nats.append(F.cross_entropy(logits, target, reduction="none").numpy())
        hits.append((logits.argmax(1) == target).numpy())
    return np.concatenate(nats), np.concatenate(hits)


@torch.no_grad()
def generate_tokens(
    model: TokenLSTM, windows: np.ndarray, length: int, *, seed: int | None = None
) -> np.ndarray:
    """Write on from windows: predict, append, move the window by one.

    Args:
        windows: ids to start from, int64 [pieces, window]; not part of the result.
        length: tokens to write.
        seed: of drawing from the softmax; None always takes the likeliest token, as published.

    Returns:
        int64 [pieces, length].
    """
    model.eval()
    rows, rng = torch.from_numpy(windows), torch.Generator().manual_seed(seed or 0)
    written = []
    for _ in range(length):
        logits = model(rows)
        if seed is None:
            chosen = logits.argmax(1, keepdim=True)
        else:
            chosen = torch.multinomial(logits.softmax(1), 1, generator=rng)
        written.append(chosen)
        rows = torch.cat([rows[:, 1:], chosen], dim=1)
    return torch.cat(written, dim=1).numpy()


def _windows(songs: Sequence[np.ndarray], length: int) -> np.ndarray:
    """Every stretch of ``length`` tokens inside a song, int64 [windows, length]."""
    long = [song for song in songs if len(song) >= length]
    views = [sliding_window_view(song, length) for song in long]
    return np.concatenate(views) if views else np.zeros((0, length), np.int64)


def _copies(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: tensor.detach().clone() for name, tensor in tensors.items()}


def _mean(values: Sequence[float] | np.ndarray) -> float:
    return float(np.mean(values)) if len(values) else math.nan
