"""The processes of a run: one, or as many as `torchrun` started, each with its share of the rows.

All do the same steps on their own rows of the batch and share gradients; rank 0 writes.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import torch
from torch import distributed

from ritornello.errors import ConfigError, RitornelloError

T = TypeVar("T")
_PATIENCE = timedelta(hours=24)  # one rank may read a folder of millions while others wait


@dataclass(frozen=True)
class Ranks:
    """This process among those of the run; alone unless `joined` says otherwise."""

    rank: int = 0
    count: int = 1

    @property
    def writes(self) -> bool:
        """Whether this process is the one that writes files."""
        return self.rank == 0

    def share(self, rows: int) -> range:
        """The rows of a batch that are this rank's.

        Raises:
            ConfigError: if there are fewer rows than ranks.
        """
        if rows < self.count:
            raise ConfigError(
                f"A batch of {rows} rows cannot be shared by {self.count} processes.",
                next_step="Give a larger --batch, or start fewer processes.",
            )
        return range(rows * self.rank // self.count, rows * (self.rank + 1) // self.count)

    def sums(self, values: Sequence[float]) -> list[float]:
        """The sums of values over all ranks."""
        if self.count == 1:
            return [*values]
        total = torch.tensor(values, dtype=torch.float64)
        _together(distributed.all_reduce, total)
        return total.tolist()

    def all(self, value: T) -> list[T]:
        """The values of all ranks, in their order."""
        if self.count == 1:
            return [value]
        found: list[Any] = [None] * self.count
        _together(distributed.all_gather_object, found, value)
        return found

    def first(self, value: T) -> T:
        """The value of rank 0; those of others are not looked at."""
        return self.all(value)[0]

    def agree(self, what: str, value: object) -> None:
        """Refuse to go on unless all ranks have the same value.

        Raises:
            ConfigError: that says which rank differs.
        """
        found = self.all(value)
        for rank, other in enumerate(found):
            if other != found[0]:
                raise ConfigError(
                    f"Rank {rank} has another {what} than rank 0: found {other}, "
                    f"expected {found[0]}.",
                    next_step="Start all processes with the same command, files and version.",
                )


def joined() -> Ranks:
    """This process among those that `torchrun` started; alone if it was not."""
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1:
        return Ranks()
    if not distributed.is_initialized():
        backend = "nccl" if torch.cuda.is_available() else "gloo"
        _together(distributed.init_process_group, backend, timeout=_PATIENCE)
    return Ranks(distributed.get_rank(), distributed.get_world_size())


def left() -> None:
    """Leave the process group."""
    if distributed.is_available() and distributed.is_initialized():
        distributed.destroy_process_group()


def _together(function: Any, *arguments: Any, **options: Any) -> None:
    """Something that all ranks do at once."""
    try:
        function(*arguments, **options)
    except RuntimeError as error:  # gloo's and nccl's
        raise lost(error) from error


def lost(error: Exception) -> RitornelloError:
    """The error for a rank whose fellow ranks are gone."""
    said = str(error).splitlines()[0] if str(error) else type(error).__name__
    return RitornelloError(
        f"Another process of the run is gone ({said}).",
        next_step="Start the same command again: it goes on from its last saved state, with as "
        "many processes as you like.",
    )
