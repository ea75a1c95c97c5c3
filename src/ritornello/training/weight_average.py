"""A moving average of weights: what a network is judged by and kept as, while it learns."""

from __future__ import annotations

import copy
from typing import TypeVar

import torch
from torch import Tensor, nn

N = TypeVar("N", bound=nn.Module)


class WeightAverage:
    """The moving average of a network's weights over its steps (Polyak and Juditsky 1992).

    Args:
        network: that learns; its buffers are copied as they are.
        keep: share of the average that a step keeps; less in the first steps, so that the weights
            at random, which a run begins with, are soon forgotten.
    """

    def __init__(self, network: nn.Module, keep: float) -> None:
        self.keep = keep
        self.network = copy.deepcopy(network).eval()
        for weight in self.network.parameters():
            weight.requires_grad_(False)

    @torch.no_grad()
    def follow(self, network: nn.Module, steps: int) -> None:
        """Take in the weights after so many steps."""
        keep = min(self.keep, steps / (steps + 10))
        ours: list[Tensor] = [*self.network.parameters()]
        theirs: list[Tensor] = [*network.parameters()]
        torch._foreach_lerp_(ours, theirs, 1 - keep)
