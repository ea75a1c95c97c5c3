"""What came of many inputs: the line and the list that a search for faults prints."""

from __future__ import annotations

from collections import Counter


def tell_outcomes(what: str, outcomes: Counter[str], good: tuple[str, str], seconds: float) -> int:
    """Print how many inputs came to what; the number of failures.

    Args:
        what: was searched.
        outcomes: of each input, as a word or the text of a failure.
        good: the two outcomes that are none, such as "used" and "error".
    """
    wrong = {kind: count for kind, count in outcomes.items() if kind not in good}
    counts = ", ".join(f"{outcomes[kind]} {kind}" for kind in good)
    print(
        f"{what}: {outcomes.total()} inputs, {counts}, {sum(wrong.values())} failures "
        f"({seconds:.0f} s)",
        flush=True,
    )
    for kind, count in sorted(wrong.items(), key=lambda item: -item[1])[:20]:
        print(f"    {count} x {kind[:200]}")
    return sum(wrong.values())
