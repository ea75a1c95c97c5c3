"""The state of a run on disk: written whole or not at all, and read without trusting it."""

from __future__ import annotations

from pathlib import Path
from pickle import UnpicklingError
from typing import Any, TypeAlias

import torch

from ritornello.atomic import atomic_write
from ritornello.errors import CheckpointError, ConfigError, OutputError
from ritornello.json_values import JsonObject

TrainingState: TypeAlias = dict[
    str, Any
]  # of an optimiser, a network, generators: what torch saves

_VERSION = 1


def save(path: Path, identity: JsonObject, state: TrainingState) -> None:
    """Write a state, with the settings that must be the same when it is taken up.

    Raises:
        OutputError: if it cannot be written, as on a full disk; the one before stays.
    """
    try:
        with atomic_write(path, overwrite=True) as temporary:
            torch.save({"version": _VERSION, "identity": identity, **state}, temporary)
    except RuntimeError as error:  # what torch says of a full disk
        raise OutputError(
            f"The state of the run could not be written ({str(error).splitlines()[0]}); the last "
            "one is still there.",
            where=str(path),
            next_step="Free some space and start the same command again: it goes on from there.",
        ) from error


def load(path: Path, identity: JsonObject | None = None) -> TrainingState:
    """Read a state.

    Args:
        identity: settings that it must have been saved with; None accepts any.

    Raises:
        CheckpointError: if it is damaged, or of another version of ritornello.
        ConfigError: if it was saved with other settings.
    """
    again = "Choose another folder to begin anew."
    try:
        state: TrainingState = torch.load(path, map_location="cpu", weights_only=True)
        known = isinstance(state, dict) and state.get("version") == _VERSION
    except (RuntimeError, OSError, ValueError, EOFError, KeyError, UnpicklingError) as error:
        said = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise CheckpointError(
            f"The run cannot be read ({said}).", where=str(path), next_step=again
        ) from error
    if not known:
        raise CheckpointError(
            "The run was saved by another version of ritornello.", where=str(path), next_step=again
        )
    then = state["identity"]
    now = then if identity is None else identity
    if differing := [name for name in {**now, **then} if now.get(name) != then.get(name)]:
        changes = "; ".join(
            f"{name} was {then.get(name)}, is {now.get(name)}" for name in differing
        )
        raise ConfigError(
            f"The run in this folder has other settings: {changes}.",
            where=str(path.parent),
            next_step="Choose another folder, or give the settings it began with.",
        )
    return state
