"""One run of one published system: its recipe, its data, its folder, and whom it tells."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from ritornello.errors import InputError
from ritornello.json_values import JsonObject
from ritornello.papers.shared.recipe import Budget, Recipe

SETS_VARIABLE = "RITORNELLO_DATA"


@dataclass(frozen=True)
class Study:
    """What a system's ``run`` is given.

    Attributes:
        recipe: of the system. budget: how much of it to run.
        settings: published, with what the budget replaces.
        folder: for models and samples; exists.
        data: the user's own data in the authors' format, or None to use the stand-in.
        seed: of everything random. threads: processors to use.
        say: called with a sentence on what is going on.
    """

    recipe: Recipe
    budget: Budget
    folder: Path
    data: Path | None = None
    seed: int = 0
    threads: int = 1
    say: Callable[[str], None] = field(default=lambda sentence: None)

    @property
    def settings(self) -> JsonObject:
        return self.recipe.settings(self.budget)

    def music_set(self, name: str) -> Path:
        """A folder of the music sets that stand in for data that cannot be had.

        Raises:
            InputError: if it is not on this machine.
        """
        return music_set(name, f"or give your own data: {self.recipe.wants}")


def music_set(name: str, otherwise: str = "") -> Path:
    """A folder of the music sets.

    Raises:
        InputError: if it is not on this machine; ``otherwise`` ends its next step.
    """
    root = music_sets()
    if root is None or not (root / name).exists():
        step = f"Set {SETS_VARIABLE} to the folder of music sets"
        raise InputError(
            f"The music set {name!r} is not on this machine.",
            where=str(root or SETS_VARIABLE),
            next_step=f"{step}, {otherwise}" if otherwise else f"{step}.",
        )
    return root / name


def music_sets() -> Path | None:
    """The folder of music sets: of the environment, else beside a checkout of this project."""
    named = os.environ.get(SETS_VARIABLE)
    beside = Path(__file__).parents[5] / "shared" / "data"
    folder = Path(named) if named else beside
    return folder if folder.is_dir() else None
