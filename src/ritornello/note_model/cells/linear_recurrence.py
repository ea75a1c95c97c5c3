"""The linear recurrence that gated cells share, with its gradient written out.

It runs in C where a compiler is at hand, in steps of torch elsewhere on a processor, and on other
devices in as many steps as doubling takes.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from ritornello.note_model.fused import c_functions


class _Scan(torch.autograd.Function):
    """Time is the first axis."""

    @staticmethod
    def forward(ctx: Any, forget: Tensor, update: Tensor, start: Tensor) -> Tensor:
        forget, update, start = forget.contiguous(), update.contiguous(), start.contiguous()
        if _in_c(update):
            out = torch.empty_like(update)
            columns = start.numel()
            c_functions.share(columns, "scan", len(update), columns, forget, update, start, out)
        elif update.device.type == "cpu":
            out = by_steps(forget, update, start)
        else:
            out = by_doubling(forget, torch.cat([update[:1] + forget[:1] * start, update[1:]]))
        ctx.save_for_backward(forget, out, start)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        forget, out, start = ctx.saved_tensors
        gradient = gradient.contiguous()
        if _in_c(out):
            of_forget, flow = torch.empty_like(out), torch.empty_like(out)
            columns = start.numel()
            c_functions.share(columns, "scan_back", len(out), columns, forget, out, start, gradient,
                              of_forget, flow)  # fmt: skip
            return of_forget, flow, flow[0] * forget[0]
        # The same recurrence, from the end to the beginning.
        later = torch.cat([forget[1:], torch.zeros_like(forget[:1])]).flip(0)
        reversed_ = gradient.flip(0)
        if out.device.type == "cpu":
            flow = by_steps(later, reversed_, torch.zeros_like(start)).flip(0)
        else:
            flow = by_doubling(later, reversed_).flip(0)
        before = torch.cat([start[None], out[:-1]])
        return flow * before, flow, flow[0] * forget[0]


def _in_c(tensor: Tensor) -> bool:
    known = tensor.device.type == "cpu" and tensor.dtype == torch.float32
    return known and c_functions.load() is not None


def by_steps(forget: Tensor, update: Tensor, start: Tensor) -> Tensor:
    """`scan`, one fused operation a step of time."""
    out = torch.empty_like(update)
    carry = start
    for t in range(len(update)):
        carry = torch.addcmul(update[t], forget[t], carry, out=out[t])
    return out


def by_doubling(forget: Tensor, update: Tensor) -> Tensor:
    """`scan` from zero in log2(time) steps over all of time (Hillis and Steele 1986).

    After each step an element holds what twice as many inputs before it come to.
    """
    distance = 1
    while distance < len(update):
        reached = forget[distance:] * update[:-distance]
        update = torch.cat([update[:distance], update[distance:] + reached])
        joined = forget[distance:] * forget[:-distance]
        forget = torch.cat([forget[:distance], joined])
        distance *= 2
    return update


def scan(forget: Tensor, update: Tensor, start: Tensor) -> Tensor:
    """The linear recurrence c[t] = forget[t] * c[t-1] + update[t].

    Args:
        forget, update: [time, batch, width].
        start: c[-1], [batch, width].
    """
    result: Tensor = _Scan.apply(forget, update, start)  # type: ignore[no-untyped-call]
    return result
