"""Untrained models of every cell, music for them to read, and the ways to play them."""

from __future__ import annotations

import subprocess
from ctypes import CDLL

import numpy as np
import pytest

from ritornello.note_model.checkpoint import Checkpoint
from ritornello.note_model.engine import kernel
from ritornello.note_model.engine.compiled import CompiledEngine
from ritornello.note_model.engine.reference import Engine
from ritornello.plan.analysis import analyse
from tests.examples import band

torch = pytest.importorskip("torch", reason="the judge of the runtime is the model in torch")

from ritornello.note_model.cells import CELLS  # noqa: E402
from ritornello.note_model.encoding.bar_plan import BarPlan  # noqa: E402
from ritornello.note_model.encoding.batch import Batch, stack  # noqa: E402
from ritornello.note_model.encoding.sequences import sequences  # noqa: E402
from ritornello.note_model.network import NoteModel, NoteModelConfig  # noqa: E402


def make_model(cell: str = "qrnn", *, plan: bool = False) -> tuple[NoteModel, Checkpoint]:
    torch.manual_seed(3)
    sizes = {"layers": 2, "width": 40, "head_width": 24, "collections": 2}
    model = NoteModel(NoteModelConfig(cell, plan=plan, **sizes))
    model.eval()
    weights = {name: tensor.detach().numpy() for name, tensor in model.state_dict().items()}
    return model, Checkpoint(weights, model.settings(), collections=("chorales", "rags"))


@pytest.fixture(scope="session")
def batch() -> Batch[np.ndarray]:
    """Thirty-five pieces: more than the kernel works on together, and not a multiple of it."""
    rows = [sequences(band(seed, bars=4), seed % 2, 2).chunk(0, 40) for seed in range(35)]
    return stack(rows)


@pytest.fixture(scope="session")
def planned_batch() -> Batch[np.ndarray]:
    """Pieces with their plans."""
    pieces = [band(seed, bars=6) for seed in range(9)]
    return stack(
        [sequences(piece, 0, 2, told=BarPlan.of(analyse(piece))).chunk(0, 60) for piece in pieces]
    )


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> CDLL:
    try:
        return CDLL(str(kernel.compile_kernel(tmp_path_factory.mktemp("kernel"))))
    except (OSError, subprocess.SubprocessError) as error:
        pytest.skip(f"needs a C compiler: {error}")


@pytest.fixture(params=[*CELLS, "qrnn in c"])
def int8_engine(request: pytest.FixtureRequest) -> Engine:
    """Each of the engines that people compose with."""
    if request.param == "qrnn in c":
        return CompiledEngine(make_model()[1], request.getfixturevalue("library"))
    return Engine(make_model(request.param)[1], int8=True)
