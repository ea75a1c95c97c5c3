"""How long a run is, and when something is due in it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from ritornello.errors import ConfigError


@dataclass(frozen=True)
class Spent:
    """What a run has spent so far, in all its sittings.

    Attributes:
        steps: of the optimiser. seconds: of the clock of its length.
        count: of what its loss is a mean of, such as notes, repeats counted.
    """

    steps: int = 0
    seconds: float = 0.0
    count: float = 0.0


@dataclass(frozen=True)
class Length:
    """A run ends when the first of these is reached; at least one is given.

    Attributes:
        steps: of the optimiser. count: of what the loss is a mean of, such as notes.
        seconds: of ``clock``, which is that of the wall unless another is given, such as
            `time.process_time` or a made-up one.
        with_validation: whether the time of validations and savings counts.
    """

    steps: float | None = None
    seconds: float | None = None
    count: float | None = None
    clock: Callable[[], float] = time.monotonic
    with_validation: bool = True

    def __post_init__(self) -> None:
        given = [each for each in (self.steps, self.seconds, self.count) if each is not None]
        if not given:
            raise ConfigError("A run needs a length: minutes, steps or notes.")
        if not min(given) > 0:
            raise ConfigError(f"A run's length is positive; found {min(given)}.")

    def done(self, spent: Spent) -> float:
        """Share of the run that is done, 0 to 1."""
        shares = [
            has / limit
            for has, limit in (
                (spent.steps, self.steps),
                (spent.seconds, self.seconds),
                (spent.count, self.count),
            )
            if limit is not None
        ]
        return min(1.0, max(shares))


@dataclass(frozen=True)
class Every:
    """How far apart validations are: so many steps, seconds, or shares of the run."""

    steps: int | None = None
    seconds: float | None = None
    share: float | None = None

    def passed(self, spent: Spent, done: float) -> int:
        """How many of them should have been by now."""
        if self.steps is not None:
            return spent.steps // self.steps
        if self.seconds is not None:
            return math.floor(spent.seconds / self.seconds + 1e-9)
        return math.floor(done / self.share + 1e-9) if self.share is not None else 0


NEVER = Every()
