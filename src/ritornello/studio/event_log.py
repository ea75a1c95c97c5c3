"""Events that threads tell and connections follow, each at its own pace.

A log keeps what was told, so that whoever comes later, or comes back, misses nothing: events have
numbers, and one follows them from any number on. A log counts from the millisecond in which it was
begun, so that the numbers of a studio that was killed are behind those of the one that goes on.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Mapping
from typing import NamedTuple

from ritornello.studio.database import as_json

_PING_SECONDS = 15.0


class Event(NamedTuple):
    """An event: its number, its name, and its data as JSON."""

    number: int
    name: str
    data: str

    def as_text(self) -> str:
        """As a server-sent event (WHATWG HTML, 9.2)."""
        return f"id: {self.number}\nevent: {self.name}\ndata: {self.data}\n\n"


class EventLog:
    """Events in order; `tell` may be called by any thread, `follow` in an event loop."""

    def __init__(self, most: int | None = None) -> None:
        """A log that remembers at least so many of the last events, or all."""
        self._most = most
        self._events: list[Event] = []
        self._newest = time.time_ns() // 1_000_000
        self._is_closed = False
        self._changing = threading.Lock()
        self._waiting: set[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = set()

    def tell(self, name: str, data: Mapping[str, object]) -> None:
        """Add an event of plain values."""
        text = as_json(data)
        with self._changing:
            self._newest += 1
            self._events.append(Event(self._newest, name, text))
            if self._most is not None and len(self._events) > 2 * self._most:
                del self._events[: -self._most]
            self._wake()

    def close(self) -> None:
        """End the log: who follows it gets the rest, and no more."""
        with self._changing:
            self._is_closed = True
            self._wake()

    def _wake(self) -> None:
        for loop, wake in self._waiting:
            if not loop.is_closed():
                loop.call_soon_threadsafe(wake.set)

    @property
    def newest(self) -> int:
        """The number of the last event."""
        return self._newest

    async def follow(self, after: int = 0) -> AsyncIterator[str]:
        """The events after a number as text, as they come; now and then a comment, to keep alive.

        Several that wait come as one text.
        """
        waiting = asyncio.get_running_loop(), asyncio.Event()
        with self._changing:
            self._waiting.add(waiting)
        try:
            while True:
                waiting[1].clear()
                with self._changing:
                    forgotten = self._newest - len(self._events)
                    new = self._events[max(0, after - forgotten) :]
                    is_closed = self._is_closed
                if new:
                    after = new[-1].number
                    yield "".join(event.as_text() for event in new)
                if is_closed:
                    return
                try:
                    await asyncio.wait_for(waiting[1].wait(), _PING_SECONDS)
                except TimeoutError:
                    yield ": still here\n\n"
        finally:
            with self._changing:
                self._waiting.discard(waiting)
