"""The linear recurrence that gated cells share, with its gradient written out."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


class _Scan(torch.autograd.Function):
    """One fused operation per step of time, forward and backward; time is the first axis."""

    @staticmethod
    def forward(ctx: Any, forget: Tensor, update: Tensor, start: Tensor) -> Tensor:
        out = torch.empty_like(update)
        carry = start
        for t in range(len(update)):
            carry = torch.addcmul(update[t], forget[t], carry, out=out[t])
        ctx.save_for_backward(forget, out, start)
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        forget, out, start = ctx.saved_tensors
        flow = grad.contiguous().clone()
        for t in range(len(flow) - 2, -1, -1):
            flow[t].addcmul_(forget[t + 1], flow[t + 1])
        before = torch.cat([start[None], out[:-1]])
        return flow * before, flow, flow[0] * forget[0]


def scan(forget: Tensor, update: Tensor, start: Tensor) -> Tensor:
    """The linear recurrence c[t] = forget[t] * c[t-1] + update[t].

    Args:
        forget, update: [time, batch, width].
        start: c[-1], [batch, width].
    """
    result: Tensor = _Scan.apply(forget, update, start)  # type: ignore[no-untyped-call]
    return result
