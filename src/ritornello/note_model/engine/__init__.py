"""Play a saved model without torch: `open_engine` picks the fastest way this machine has.

reference   the engine in NumPy
compiled    the same numbers by a kernel in C
kernel      that kernel, compiled on first use
cell_steps  one step of every cell
layers      maps and tables of weights
recurrent   recurrent layers over whole sequences, for networks that listen
drawing     a class from logits
"""

from __future__ import annotations

from ritornello.note_model.checkpoint import Checkpoint
from ritornello.note_model.engine import kernel
from ritornello.note_model.engine.reference import Engine

# What published systems and experiments may import; the rest is inside.
__all__ = ["compiled", "kernel", "open_engine", "recurrent", "reference"]


def open_engine(checkpoint: Checkpoint) -> Engine:
    """A model ready to play, compiled where possible.

    Raises:
        CheckpointError: if the checkpoint is no note model that this version can play.
        ConfigError: see `kernel.load`.
    """
    library = kernel.load() if checkpoint.network.get("cell") == "qrnn" else None
    if library is None:
        return Engine(checkpoint, int8=True)
    from ritornello.note_model.engine.compiled import CompiledEngine

    return CompiledEngine(checkpoint, library)
