"""The command that made a figure, as others can give it, and commands that experiments share."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path


def command_of(program: str) -> str:
    """``python -m program`` with the arguments of this process; of absolute paths the last name."""
    words = (Path(word).name if Path(word).is_absolute() else word for word in sys.argv[1:])
    return " ".join([f"python -m {program}", *words])


def train_and_pack(
    description: str | None, minutes: float
) -> tuple[argparse.ArgumentParser, argparse.ArgumentParser, argparse.ArgumentParser]:
    """What a script that trains a network, and packs its best weights, is asked.

    Args:
        description: its docstring. minutes: of processor time that training takes by default.

    Returns:
        the parser of all, and those of ``train STORE WORK --minutes M`` and of ``pack WORK``, to
        which a script adds its own options.
    """
    parser = argparse.ArgumentParser(description=(description or "").splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    training, packing = commands.add_parser("train"), commands.add_parser("pack")
    training.add_argument("store", type=Path)
    training.add_argument("work", type=Path)
    training.add_argument("--minutes", type=float, default=minutes, help="of processor time")
    packing.add_argument("work", type=Path)
    return parser, training, packing
