"""The optimiser that networks here learn with, and how its learning rate goes over a run."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import nn

Course = Callable[[int, float], float]
"""The learning rate of a step, from its number, counted from 0, and the share of the run done."""


def adamw(
    network: nn.Module, *, weight_decay: float, betas: tuple[float, float] = (0.9, 0.98)
) -> torch.optim.Optimizer:
    """AdamW with weight decay on matrices only, not on norms and biases."""
    groups = [
        {"params": [each for each in network.parameters() if each.ndim > 1],
         "weight_decay": weight_decay},
        {"params": [each for each in network.parameters() if each.ndim <= 1],
         "weight_decay": 0.0},
    ]  # fmt: skip
    return torch.optim.AdamW(groups, betas=betas, fused=True)


def constant(rate: float) -> Course:
    """The same learning rate in every step."""
    return lambda step, done: rate


def cosine(
    highest: float, *, warmup_steps: int = 0, warmup: float = 0.0, least: float = 0.02
) -> Course:
    """A linear warm-up, then half a cosine down to a share of the highest rate.

    Args:
        warmup_steps: of the warm-up, while the cosine falls already.
        warmup: or its share of the run, after which the cosine begins.
        least: share of the highest rate that is left in the end.
    """

    def rate(step: int, done: float) -> float:
        if done < warmup:
            return highest * max(done / warmup, 0.01)
        fall = (done - warmup) / (1 - warmup) if warmup < 1 else 1.0
        factor = least + (1 - least) * 0.5 * (1 + math.cos(math.pi * fall))
        return highest * factor * (min(1.0, (step + 1) / warmup_steps) if warmup_steps else 1.0)

    return rate
