"""Whoever follows a log and comes back misses nothing, even if the studio began anew meanwhile."""

from __future__ import annotations

import asyncio
import re
import time

from ritornello.studio.event_log import EventLog


def _followed(log: EventLog, after: int = 0) -> str:
    async def all_of_it() -> str:
        return "".join([text async for text in log.follow(after)])

    return asyncio.run(all_of_it())


def _numbers(text: str) -> list[int]:
    return [int(number) for number in re.findall(r"id: (\d+)", text)]


def test_who_comes_back_gets_what_is_new() -> None:
    log = EventLog()
    for number in range(5):
        log.tell("progress", {"n": number})
    log.close()
    first, second, *_, last = _numbers(_followed(log))
    assert _numbers(_followed(log, second)) == [second + 1, second + 2, last]
    assert (first, last) == (second - 1, log.newest)


def test_numbers_of_a_log_that_was_lost_are_behind_those_of_the_next() -> None:
    lost = EventLog()
    for _ in range(20):
        lost.tell("progress", {})
    time.sleep(0.05)
    begun_anew = EventLog()
    begun_anew.tell("restart", {})
    begun_anew.close()
    assert "restart" in _followed(begun_anew, lost.newest)
