"""Helpers that answer at once what the page asks: files read, pieces exported, plans, scores."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from queue import Empty, Queue
from typing import Any

from ritornello.errors import RitornelloError
from ritornello.json_values import JsonObject
from ritornello.studio.helper_process import Helper

_PATIENCE_SECONDS = 60.0


class HelperPool:
    """Some helpers alike; who asks waits for a free one."""

    def __init__(self, count: int, *, timeout_seconds: float, limits: bool = False) -> None:
        """So many helpers, each of which has so long for an answer; see `Helper` for limits."""
        self._helpers = [Helper(limits=limits) for _ in range(count)]
        self._timeout_seconds = timeout_seconds
        self._free: Queue[Helper] = Queue()
        for helper in self._helpers:
            self._free.put(helper)

    def call(self, name: str, /, **arguments: Any) -> JsonObject:
        """What a function of `helper_calls` gives.

        Raises:
            RitornelloError: if it raised one, or there was no helper for a minute.
        """
        with self._taken() as helper:
            return helper.call(name, arguments, timeout_seconds=self._timeout_seconds)

    @contextmanager
    def _taken(self) -> Iterator[Helper]:
        try:
            helper = self._free.get(timeout=_PATIENCE_SECONDS)
        except Empty:
            raise RitornelloError(
                "Too much is being read and written at the moment.",
                next_step="Try again in a minute.",
            ) from None
        try:
            yield helper
        finally:
            self._free.put(helper)

    def stop(self) -> None:
        """End them."""
        for helper in self._helpers:
            helper.stop()
