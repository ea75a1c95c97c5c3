"""A model for tests of composing."""

from __future__ import annotations

import pytest

from ritornello.note_model.checkpoint import Checkpoint
from ritornello.note_model.engine.reference import Engine


@pytest.fixture(scope="session")
def engine() -> Engine:
    """An untrained model: it knows no music, so only the masks keep the rules."""
    torch = pytest.importorskip("torch", reason="making a model needs the extra train")
    from ritornello.note_model.network import NoteModel, NoteModelConfig

    torch.manual_seed(1)
    model = NoteModel(NoteModelConfig(layers=1, width=16, head_width=16))
    with torch.no_grad():  # fewer, longer steps than uniform choice would take
        bias = model.heads[0].get_parameter("out.bias")
        bias[:] = -8
        bias[[0, 12, 24, 36, 96, 192]] = 2
    weights = {name: tensor.numpy() for name, tensor in model.state_dict().items()}
    return Engine(Checkpoint(weights, model.settings(), collections=("band",)))
