"""Blocks, lookups and heads, forward and backward, on the C functions of `_fused.c`.

Products are torch's. Their operands are float32, or bfloat16 where `torch.autocast` says so for the
processor; weights, states, sums and all element-wise work stay float32. Events lie flat, time
first: event n is time n // rows of row n % rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from ritornello.note_model.fused.c_functions import SLICE, addresses, call, share


def operands() -> torch.dtype:
    """The type of values that products are made of, here and now."""
    if torch.is_autocast_enabled("cpu"):
        return torch.get_autocast_dtype("cpu")
    return torch.float32


# --- lookups --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Classes:
    """A table of class indices beside others, of which some columns are read.

    Attributes:
        table: int64 [events, columns], or [rows, columns] where it is the same at all times.
        start, count: the columns. by_row: whether it is one row for all times.
    """

    table: Tensor
    start: int
    count: int
    by_row: bool = False


def table_rows(
    classes: Sequence[Classes], offsets: Tensor, batch: int, chosen: Tensor | None, events: int
) -> Tensor:
    """Rows of an embedding table that classes stand for; int32 [events, columns].

    Args:
        classes: tables side by side.
        offsets: int64 [columns], the row at which each column starts.
        batch: rows of the batch. chosen: the events wanted, int64; all where None.
        events: how many are wanted.
    """
    tables = [each.table.contiguous() for each in classes]
    starts = [table[:, each.start :] for table, each in zip(tables, classes, strict=True)]
    counts = torch.tensor([each.count for each in classes])
    strides = torch.tensor([table.shape[1] for table in tables])
    by_row = torch.tensor([int(each.by_row) for each in classes])
    columns = len(offsets)
    out = torch.empty(events, columns, dtype=torch.int32)
    call("table_rows", events, chosen, batch, len(classes), addresses(starts), counts, strides,
         by_row, offsets, columns, out)  # fmt: skip
    return out


class _Lookup(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, extra: Tensor, table: Tensor, rows: Tensor) -> Tensor:
        batch, width = extra.shape
        out = torch.empty(len(rows), width)
        share(_slices(width), "lookup", len(rows), batch, width, extra.contiguous(), table, rows,
              rows.shape[1], out)  # fmt: skip
        ctx.save_for_backward(rows)
        ctx.batch, ctx.table_rows = batch, len(table)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None]:
        (rows,) = ctx.saved_tensors
        gradient, width = gradient.contiguous(), gradient.shape[1]
        table = torch.zeros(ctx.table_rows, width)
        share(_slices(width), "lookup_back", len(rows), width, gradient, rows, rows.shape[1], table)
        return gradient.view(-1, ctx.batch, width).sum(0), table, None


def lookup(extra: Tensor, table: Tensor, rows: Tensor) -> Tensor:
    """extra [batch, width], the same at all times, plus the rows of a table; [events, width]."""
    found: Tensor = _Lookup.apply(extra, table, rows)  # type: ignore[no-untyped-call]
    return found


def _slices(width: int) -> int:
    return -(-width // SLICE)


# --- blocks ---------------------------------------------------------------------------------------


class _Norm(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, kind: torch.dtype) -> Tensor:
        events, width = x.shape
        out, down = torch.empty(events, width, dtype=kind), torch.empty(events)
        share(events, "norm", events, events, width, 1, x, weight, None, out, down, None,
              value=kind)  # fmt: skip
        ctx.save_for_backward(x, weight, down)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None]:
        x, weight, down = ctx.saved_tensors
        events, width = x.shape
        of_x, of_weight = torch.empty_like(x), torch.zeros(width)
        call("norm_back", 0, events, events, events, width, 1, gradient.contiguous(), None, x, down,
             weight, None, of_x, of_weight, value=gradient.dtype)  # fmt: skip
        return of_x, of_weight, None


def norm(x: Tensor, weight: Tensor) -> Tensor:
    """RMSNorm of x [events, width], as an operand of a product."""
    found: Tensor = _Norm.apply(x, weight, operands())  # type: ignore[no-untyped-call]
    return found


class _QRNNBlock(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        before: Tensor,
        start: Tensor,
        norm_weight: Tensor,
        weight: Tensor,
        bias: Tensor,
        dropout: float,
        kind: torch.dtype,
    ) -> tuple[Tensor, Tensor, Tensor]:
        (batch, width), events = before.shape, len(x)
        time = events // batch
        window = torch.empty(events, 2 * width, dtype=kind)
        down, after = torch.empty(events), torch.empty(batch, width)
        share(events, "norm", events, batch, width, 2, x, norm_weight, before, window, down, after,
              value=kind)  # fmt: skip
        operand = weight.to(kind)
        gates = window @ operand.t()
        # Dropout is a hash of a number drawn here and of where a value stands.
        seed = int(torch.randint(2**31, ())) if dropout else 0
        drop = (seed, int(dropout * 2**32), 1 / (1 - dropout))
        carried, out = torch.empty(events, width), torch.empty(events, width)
        share(batch, "qrnn", time, batch, width, gates, bias, start, x, *drop, carried, out,
              value=kind)  # fmt: skip
        ctx.save_for_backward(x, start, norm_weight, operand, bias, window, down, gates, carried)
        ctx.drop = drop
        ctx.mark_non_differentiable(after)
        return out, after, carried[-batch:]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor, _: Tensor, of_last: Tensor) -> tuple[Any, ...]:
        x, start, norm_weight, operand, bias, window, down, gates, carried = ctx.saved_tensors
        (batch, width), events, kind = start.shape, len(x), window.dtype
        gradient = gradient.contiguous()
        flow, of_gates = of_last.clone(), torch.empty_like(gates)
        share(batch, "qrnn_back", events // batch, batch, width, gates, bias, start, carried,
              gradient, *ctx.drop, flow, of_gates, value=kind)  # fmt: skip
        of_window = of_gates @ operand
        of_x, of_norm = torch.empty_like(x), torch.zeros(width)
        call("norm_back", 0, events, events, batch, width, 2, of_window, None, x, down, norm_weight,
             gradient, of_x, of_norm, value=kind)  # fmt: skip
        of_weight = (transposed(of_gates) @ window).float()
        of_before = of_window[:batch, width:].float()
        return of_x, of_before, flow, of_norm, of_weight, column_sums(of_gates), None, None


def qrnn_block(
    x: Tensor,
    state: tuple[Tensor, ...],
    norm_weight: Tensor,
    weight: Tensor,
    bias: Tensor,
    dropout: float,
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """A residual block of a QRNN: x + dropout(cell(window of two of norm(x))).

    Args:
        x: [events, width]. state: the normed input before and what is carried, [batch, width] each.
        norm_weight: [width]. weight, bias: of the gates, [3 * width, 2 * width] and [3 * width].
        dropout: share of the values that are dropped.

    Returns:
        the same as `network.Block`: [events, width], and the state after the last event. Through
        the normed input of that state no gradient flows back.
    """
    out, after, carried = _QRNNBlock.apply(  # type: ignore[no-untyped-call]
        x, *state, norm_weight, weight, bias, dropout, operands()
    )
    return out, (after, carried)


def transposed(x: Tensor) -> Tensor:
    """x [rows, columns] as [columns, rows]; laid out anew where a product is slow without it."""
    if x.dtype == torch.float32:
        return x.t()
    rows, columns = x.shape
    out = torch.empty(columns, rows, dtype=x.dtype)
    share(columns, "transposed", rows, columns, x, out)
    return out


def column_sums(x: Tensor) -> Tensor:
    """Sums over the rows of x [rows, columns], in float32."""
    rows, columns = x.shape
    sums = torch.empty(columns)
    share(columns, "column_sums", rows, columns, x, sums, value=x.dtype)
    return sums


# --- heads ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class HeadInputs:
    """What one head is asked for, of the chosen events.

    Attributes:
        rows: of its table, int32 [chosen, columns]; see `table_rows`.
        target: int64 [chosen], the class that came.
        present: bool [chosen], whether the event has the field and it counts; all do where None.
        legal: bool [chosen, classes]; all are where None.
    """

    rows: Tensor
    target: Tensor
    present: Tensor | None
    legal: Tensor | None


class _Heads(torch.autograd.Function):
    """Several heads that are asked for the same events."""

    @staticmethod
    def forward(ctx: Any, trunk: Tensor, inputs: Sequence[HeadInputs], *weights: Tensor) -> Tensor:
        kind, count = trunk.dtype, len(trunk)
        hidden, hidden_bias, tables, outs, out_biases = _by_kind(weights)
        width = len(hidden_bias[0])
        joined = torch.cat([weight.to(kind) for weight in hidden])
        inner = trunk @ joined.t()
        found = torch.empty(len(inputs), count)
        kept = []
        for head, asked in enumerate(inputs):
            place = inner[:, head * width :]  # a view; its rows are as long as those of `inner`
            act = torch.empty(count, width, dtype=kind)
            columns = asked.rows.shape[1]
            share(_slices(width), "head", count, width, inner.shape[1], hidden_bias[head],
                  tables[head], asked.rows, columns, place, act, value=kind)  # fmt: skip
            operand = outs[head].to(kind)
            logits, total = act @ operand.t(), torch.empty(count)
            share(count, "nats", len(operand), logits, out_biases[head], asked.legal, asked.target,
                  found[head], total, value=kind)  # fmt: skip
            if asked.present is not None:
                found[head] *= asked.present
            kept += [act, operand, logits, total]
        ctx.inputs, ctx.tables, ctx.width = inputs, [len(table) for table in tables], width
        ctx.save_for_backward(trunk, joined, inner, *out_biases, *kept)
        return found

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Any, ...]:
        heads, width = len(ctx.inputs), ctx.width
        trunk, joined, inner, *rest = ctx.saved_tensors
        out_biases, kept = rest[:heads], rest[heads:]
        kind, count = trunk.dtype, len(trunk)
        inner = inner.clone()
        of_tables, of_outs, of_out_biases = [], [], []
        for head, asked in enumerate(ctx.inputs):
            act, operand, logits, total = kept[4 * head : 4 * head + 4]
            wanted = gradient[head]
            wanted = (wanted if asked.present is None else wanted * asked.present).contiguous()
            of_logits = logits.clone()
            share(count, "nats_back", len(operand), out_biases[head], asked.legal, asked.target,
                  total, wanted, of_logits, value=kind)  # fmt: skip
            of_act, table = of_logits @ operand, torch.zeros(ctx.tables[head], width)
            of_outs.append((transposed(of_logits) @ act).float())
            of_out_biases.append(column_sums(of_logits))
            share(_slices(width), "head_back", count, width, inner.shape[1], of_act, asked.rows,
                  asked.rows.shape[1], inner[:, head * width :], table, value=kind)  # fmt: skip
            of_tables.append(table)
        of_hidden = (transposed(inner) @ trunk).float()
        of_bias = column_sums(inner)
        return (
            inner @ joined, None, *of_hidden.split(width), *of_bias.split(width), *of_tables,
            *of_outs, *of_out_biases,
        )  # fmt: skip


def _by_kind(weights: Sequence[Tensor]) -> list[Sequence[Tensor]]:
    heads = len(weights) // 5
    return [weights[start : start + heads] for start in range(0, len(weights), heads)]


def heads_nats(
    trunk: Tensor,
    inputs: Sequence[HeadInputs],
    hidden: Sequence[tuple[Tensor, Tensor]],
    tables: Sequence[Tensor],
    outs: Sequence[tuple[Tensor, Tensor]],
) -> Tensor:
    """Nats of what came, by several heads that are asked for the same events; [heads, events].

    Args:
        trunk: [events, width], as `norm` gives it.
        hidden, outs: weight and bias of the two maps of each head. tables: of its lookup; with no
            rows if it has none.
    """
    columns = (*zip(*hidden, strict=True), tables, *zip(*outs, strict=True))
    weights = (each for column in columns for each in column)
    found: Tensor = _Heads.apply(trunk, inputs, *weights)  # type: ignore[no-untyped-call]
    return found
