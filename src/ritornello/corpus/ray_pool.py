"""Files read by the machines of a Ray cluster, with the answers of the processes here.

`map_with_ray` takes the place of `ritornello.corpus.pool.map_in_processes`: the same answers in the
same order. A task of Ray reads some items in a watched process of its machine, so that an item that
crashes its reader or takes too long costs that item alone; what a lost machine had is done again
elsewhere. It needs the extra ``cluster``, and the files at the same path on every machine.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, TypeVar

from ritornello.corpus.pool import Failure, map_in_processes
from ritornello.errors import MissingExtraError

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")
_ITEMS_A_TASK = 64
_TASKS_PER_WORKER = 4  # waiting or at work


def map_with_ray(
    function: Callable[[_Item], _Result],
    items: Iterable[_Item],
    *,
    workers: int | None = None,
    timeout_seconds: float = 20.0,
) -> Iterator[_Result | Failure]:
    """``function(item)`` for each item, in order, computed by a cluster.

    The cluster is the one that ``RAY_ADDRESS`` names, or else all processors of this machine.

    Args:
        function: a function at the top level of an importable module.
        items: anything that can be pickled.
        workers: tasks at once; by default one for each processor of the cluster.
        timeout_seconds: an item that takes longer is given up.

    Yields:
        The result, or a `ritornello.corpus.pool.Failure` when the function raised, the process died
        or was too slow.

    Raises:
        MissingExtraError: without Ray.
    """
    try:
        import ray
    except ImportError as error:
        raise MissingExtraError("Reading on a cluster needs Ray.", extra="cluster") from error
    if not ray.is_initialized():
        ray.init(include_dashboard=False, log_to_driver=False, logging_level="WARNING")
    read: Any = ray.remote(_read)
    at_once = workers or int(ray.cluster_resources().get("CPU", 1))
    todo, tasks = iter(items), deque[Any]()
    while some := [*islice(todo, _ITEMS_A_TASK)]:
        if len(tasks) >= at_once * _TASKS_PER_WORKER:
            yield from ray.get(tasks.popleft())
        tasks.append(read.remote(function, some, timeout_seconds))
    for task in tasks:
        yield from ray.get(task)


def _read(
    function: Callable[[_Item], _Result], items: list[_Item], timeout_seconds: float
) -> list[_Result | Failure]:
    """What a task does."""
    return [*map_in_processes(function, items, workers=1, timeout_seconds=timeout_seconds)]
