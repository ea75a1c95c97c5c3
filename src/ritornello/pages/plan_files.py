"""Plans as files: TOML to read and edit, SVG and PNG to look at."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

from ritornello.atomic import atomic_write, refuse_existing
from ritornello.errors import InputError, OutputError
from ritornello.pages.plan_picture import plan_png, plan_svg
from ritornello.plan.plan import Plan
from ritornello.plan.plan_text import parse_plan, plan_text

_ENDINGS = (".toml", ".svg", ".png")
_MOST_BYTES = 20_000_000


def refuse_plan_target(path: str | PathLike[str], *, overwrite: bool = False) -> str:
    """Refuse a target before any work; returns its ending in lower case.

    Raises:
        OutputError: if its ending is not known, or it exists and may not be replaced.
    """
    target = Path(path)
    ending = target.suffix.lower()
    if ending not in _ENDINGS:
        raise OutputError(
            f"A plan is written as {', '.join(_ENDINGS)}; found {ending or 'no ending'}.",
            where=str(path),
        )
    refuse_existing(target, overwrite)
    return ending


def save_plan(plan: Plan, path: str | PathLike[str], *, overwrite: bool = False) -> Path:
    """Write a plan: .toml, .svg or .png.

    Raises:
        OutputError: as `refuse_plan_target`, or if it cannot be written.
    """
    ending = refuse_plan_target(path, overwrite=overwrite)
    if ending == ".png":
        content = plan_png(plan)
    else:
        content = (plan_text if ending == ".toml" else plan_svg)(plan).encode()
    with atomic_write(path, overwrite=overwrite) as temporary:
        temporary.write_bytes(content)
    return Path(path)


def load_plan(path: str | PathLike[str]) -> Plan:
    """Read a plan that `save_plan` or a person wrote as TOML.

    Raises:
        InputError: if there is no such file, or it is no TOML. ConfigError: if it is no plan, see
            `plan_text.parse_plan`.
    """
    file = Path(path)
    if not file.is_file():
        raise InputError("There is no such file.", where=str(path))
    if file.stat().st_size > _MOST_BYTES:
        raise InputError("It is too large to be a plan.", where=str(path))
    try:
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise InputError("It is no text, and so no plan.", where=str(path)) from None
    return parse_plan(text, str(path))
