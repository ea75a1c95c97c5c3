"""The note model on fused operations: the numbers of `network.NoteModel.forward`, sooner.

Heads are asked only for events whose field counts. Blocks of other cells than the QRNN are run by
torch between fused lookups and heads.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor

from ritornello.note_model.cells.cell import State
from ritornello.note_model.cells.qrnn import QRNN
from ritornello.note_model.encoding.batch import Batch, legal_classes, tell_no_plan
from ritornello.note_model.encoding.notes import FIELDS, PART, PITCH, SIZES
from ritornello.note_model.encoding.tables import HEAD_INPUTS
from ritornello.note_model.encoding.tasks import COMPOSED, GIVEN
from ritornello.note_model.fused import c_functions
from ritornello.note_model.fused.operations import (
    Classes,
    HeadInputs,
    heads_nats,
    lookup,
    norm,
    qrnn_block,
    table_rows,
)
from ritornello.note_model.network import Block, Head, NoteModel, append_columns

# Heads that count for the same events: when and who, also of given events; the rest of what is
# composed.
_GROUPS = ((range(PART + 1), GIVEN), (range(PITCH, len(FIELDS)), COMPOSED - 1))
# Products are compiled for each number of rows that they meet, so heads meet multiples of this.
_ROWS = 128


def is_possible(model: NoteModel) -> bool:
    """Whether a model can be run so, here: in float32 on the processor, with a C compiler.

    Models that are made otherwise, such as those of experiments, are run as they say.
    """
    weight = model.norm.weight
    at_home = weight.device.type == "cpu" and weight.dtype == torch.float32
    return type(model) is NoteModel and at_home and c_functions.load() is not None


def nats(model: NoteModel, events: Batch[Tensor], state: list[State]) -> tuple[Tensor, list[State]]:
    """Nats of a batch as `NoteModel.forward` gives them, by fused operations where possible."""
    if not is_possible(model):
        plain: tuple[Tensor, list[State]] = model(events, state)
        return plain
    if model.config.plan:
        events = tell_no_plan(events, append_columns)
    time, batch = events.counts.shape
    count = time * batch
    tables = {
        name: getattr(events, name).reshape(count, -1)
        for name in ("fields", "context", "place", "memory", "echo")
    }
    x = lookup(
        model.instruments(events.instruments).float(),
        model.embed.table.weight,
        table_rows(
            [Classes(tables["context"], 0, tables["context"].shape[1]),
             Classes(events.controls, 0, events.controls.shape[1], by_row=True)],
            model.embed.offsets, batch, None, count,
        ),
    )  # fmt: skip
    if events.plays is not None:
        x = x + model.plays(events.plays.view(count, -1))
    after = []
    for block, before in zip(cast("list[Block]", model.blocks), state, strict=True):
        x, block_state = _block(block, x, before, batch)
        after.append(block_state)
    trunk = norm(x, model.norm.weight)
    fields, counts = tables["fields"], events.counts.reshape(-1)
    found = torch.zeros(count, len(FIELDS))
    for heads, least in _GROUPS:
        chosen = ((counts > least) & (fields[:, heads[0]] < SIZES[heads[0]])).nonzero().squeeze(1)
        wanted = len(chosen)
        chosen = torch.cat([chosen, chosen[:1].expand(-wanted % _ROWS if wanted else 0)])
        modules = [cast(Head, model.heads[head]) for head in heads]
        group = heads_nats(
            trunk.index_select(0, chosen),
            [_asked(model, head, events, tables, chosen, wanted, batch) for head in heads],
            [(module.hidden.weight, module.hidden.bias) for module in modules],
            [_table(module) for module in modules],
            [(module.out.weight, module.out.bias) for module in modules],
        )
        places = chosen[:wanted, None], torch.tensor([*heads])
        found = found.index_put(places, group[:, :wanted].t())
    return found.view(time, batch, len(FIELDS)), after


def _block(block: Block, x: Tensor, state: State, batch: int) -> tuple[Tensor, State]:
    cell = block.cell
    if isinstance(cell, QRNN):
        dropout = block.dropout.p if block.training else 0.0
        return qrnn_block(x, state, block.norm.weight, cell.gates.weight, cell.gates.bias, dropout)
    out, after = block(x.view(-1, batch, x.shape[-1]), state)
    return out.reshape(x.shape), after


def _table(head: Head) -> Tensor:
    if head.lookup is None:
        return torch.zeros(0, len(head.hidden.bias))
    return head.lookup.table.weight


def _asked(
    model: NoteModel,
    head: int,
    events: Batch[Tensor],
    tables: dict[str, Tensor],
    chosen: Tensor,
    wanted: int,
    batch: int,
) -> HeadInputs:
    """What a head is asked for, of the chosen events, of which those after `wanted` count not."""
    module = cast("Head", model.heads[head])
    target = tables["fields"][chosen, head]
    present = target < SIZES[head]
    present[wanted:] = False
    if module.lookup is None:
        rows = torch.zeros(len(chosen), 0, dtype=torch.int32)
    else:
        read = [_columns(name, tables) for name in HEAD_INPUTS[head]]
        rows = table_rows(read, module.lookup.offsets, batch, chosen, len(chosen))
    return HeadInputs(
        rows,
        torch.where(present, target, 0),
        None if bool(present.all()) else present,
        legal_classes(
            head,
            tables["fields"][chosen],
            tables["context"][chosen],
            events.closed[chosen % batch],
            None if events.may_play is None else events.may_play.flatten(0, 1)[chosen],
        ),
    )


def _columns(name: str, tables: dict[str, Tensor]) -> Classes:
    """The columns that `HEAD_INPUTS` calls by a name."""
    if name in FIELDS:
        return Classes(tables["fields"], FIELDS.index(name), 1)
    return Classes(tables[name], 0, tables[name].shape[1])
