"""`ritornello models` and `ritornello doctor`: what there is, and whether it works."""

from __future__ import annotations

from typing import Any

from rich.markup import escape
from rich.table import Table

from ritornello.cli.options import Flag
from ritornello.cli.show import out, print_json, say
from ritornello.json_values import JsonObject

_FIGURES = {
    "held_out": "of the music that its training held back, as `ritornello evaluate` says it.",
    "validation": "of the music that its training held back, told what each piece is like (key, "
    "players, length); `ritornello evaluate` tells nothing unless asked: --controls given.",
}


def models(model: str | None = None, /, *, json: Flag = False) -> None:
    """List the models that have a name, or show the card of one.

    Parameters
    ----------
    model
        A name or path; shows what the model says of itself: data, licences, figures, limits.
    json
        Print the result for programs.
    """
    from ritornello import api

    if model is not None:
        card = api.model_card(model)
        if json:
            print_json(card)
        else:
            _print_card(card)
        return
    found = api.models()
    if json:
        print_json([vars(info) for info in found])
        return
    if not found:
        say("No model has a name yet. Make one: ritornello train FOLDER -o mymodel")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("name", "where", "MB", "writes like", "nats a note"):
        table.add_column(column, justify="right" if column in ("MB", "nats a note") else "left")
    notes: dict[str, list[str]] = {}
    for info in found:
        like = info.problem or ", ".join(info.card["collections"])
        nats, kind = _nats(info.card.get("provenance", {}))
        size = f"{info.size_bytes / 1e6:.1f}"
        table.add_row(info.name, info.origin, size, escape(like), nats)
        if kind:
            notes.setdefault(kind, []).append(info.name)
    out.print(table)
    for kind, names in notes.items():
        say(f"Nats a note of {', '.join(names)}: {kind}")


def _nats(provenance: JsonObject) -> tuple[str, str]:
    """How well a model predicts music that it has not seen, and what the figure is; "" if unknown.

    Figures of two kinds cannot be compared: who is told what a piece is like predicts it better.
    """
    for name, kind in _FIGURES.items():
        figures = provenance.get(name) or {}
        if "nats_per_note" in figures:
            return f"{figures['nats_per_note']:.2f}", kind
    return "", ""


def _print_card(value: Any, indent: int = 0) -> None:
    """Nested facts as indented lines."""
    pairs = value.items() if isinstance(value, dict) else ((None, item) for item in value)
    for name, item in pairs:
        lead = " " * indent + (f"{name}: " if name is not None else "- ")
        if isinstance(item, dict | list) and item:
            out.print(lead.rstrip(), markup=False)
            _print_card(item, indent + 2)
        else:
            shown = f"{item:.4g}" if isinstance(item, float) else str(item)
            out.print(lead + shown, markup=False)


def doctor(*, json: Flag = False) -> int:
    """Check that everything is in place, and say what to do where it is not.

    Parameters
    ----------
    json
        Print the result for programs.
    """
    from ritornello import api

    checks = api.doctor()
    healthy = all(check.ok for check in checks if check.required)
    if json:
        print_json({"healthy": healthy, "checks": [vars(check) for check in checks]})
        return 0 if healthy else 1
    for check in checks:
        sign = "[green]✓[/green]" if check.ok else "[red]✗[/red]" if check.required else "-"
        out.print(f"{sign} {check.name}: {escape(check.found)}")
        if not check.ok:
            out.print(f"    {escape(check.fix)}")
    out.print("All is well." if healthy else "Something that is needed is missing.")
    return 0 if healthy else 1
