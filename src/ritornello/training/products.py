"""Which matrix products a processor does fastest, and training with those.

float32   operands and sums as they are
medium    operands of float32 matrices are rounded to bfloat16 on the way, where torch can
bfloat16  operands are bfloat16 already, and so are results; weights, states, sums and all that is
          element by element stay float32 (`torch.autocast`)

Rounding costs nothing that could be measured in nats (docs/decisions/training.md); which is fastest
depends on the processor: one with instructions for bfloat16 gains four to eight times, one without
loses as much.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from ritornello.errors import ConfigError

AUTO = "auto"
PRODUCTS = ("float32", "medium", "bfloat16")
_EVENTS, _INPUTS, _OUTPUTS = 1024, 768, 1152  # as a block of the note model has it
_TIMES = 3
_WORTH = 1.15  # rounding has to gain something


@contextmanager
def precision(products: str) -> Iterator[None]:
    """A context in which float32 products are computed in a number format, forward and backward."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium" if products == "medium" else before)
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


def operands(products: str, device: torch.device | str = "cpu") -> torch.autocast:
    """A context for a forward pass whose matrix products have operands of a number format."""
    enabled = products == "bfloat16"
    return torch.autocast(torch.device(device).type, torch.bfloat16, enabled=enabled)


@torch.no_grad()
def speeds() -> dict[str, float]:
    """Measured speed of each number format on this processor, in 10^9 operations a second."""
    left, right = torch.randn(_EVENTS, _INPUTS), torch.randn(_OUTPUTS, _INPUTS)
    operations = 2 * _EVENTS * _INPUTS * _OUTPUTS
    found = {}
    for products in PRODUCTS:
        kind = torch.bfloat16 if products == "bfloat16" else torch.float32
        pair = left.to(kind), right.to(kind)
        with precision(products):
            best = float("inf")
            for _ in range(_TIMES + 1):  # the first prepares
                began = time.perf_counter()
                torch.nn.functional.linear(*pair)
                best = min(best, time.perf_counter() - began)
        found[products] = operations / best / 1e9
    return found


def fastest(found: dict[str, float]) -> str:
    """The fastest kind; float32 unless another gains something."""
    best = max(PRODUCTS, key=found.__getitem__)
    return best if found[best] > _WORTH * found["float32"] else "float32"


def chosen(products: str) -> tuple[str, dict[str, float]]:
    """A kind by name, or the fastest where the name is `AUTO`; and the speeds, if they were taken.

    Raises:
        ConfigError: if there is no such kind.
    """
    if products == AUTO:
        found = speeds()
        return fastest(found), found
    if products not in PRODUCTS:
        raise ConfigError(
            f"No products are called {products!r}.",
            next_step=f"Known: {', '.join((AUTO, *PRODUCTS))}.",
        )
    return products, {}
