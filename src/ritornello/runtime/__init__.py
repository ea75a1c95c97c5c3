"""Play a saved model without torch: `open_engine` picks the fastest way this machine has."""

from __future__ import annotations

from ritornello.checkpoint import Checkpoint
from ritornello.runtime import kernel
from ritornello.runtime.engine import Engine


def open_engine(checkpoint: Checkpoint) -> Engine:
    """A model ready to play, compiled where possible.

    Raises:
        CheckpointError: if the checkpoint is no note model that this version can play.
        ConfigError: see `kernel.load`.
    """
    library = kernel.load() if checkpoint.network.get("cell") == "qrnn" else None
    if library is None:
        return Engine(checkpoint, int8=True)
    from ritornello.runtime.compiled import CompiledEngine

    return CompiledEngine(checkpoint, library)
