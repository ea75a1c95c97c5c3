"""A plan without densities in, the same plan with a grid and a density for each section out.

Told neither, a network writes what is likeliest: nine of ten songs went in eighths and were about
as busy as their mean, where real ones go in eighths, sixteenths or triplets and differ by octaves.
So both are drawn as they are in a style, one draw for the piece; its sections differ from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from ritornello.plan.plan import OPEN, Plan
from ritornello.rng import Rng

# Of neighbouring sections of training pieces the density differs by half to a whole octave.
_SECTIONS_DIFFER_OCTAVES = 0.35  # standard deviation
_OTHER_GRID = 0.15  # how often a section has a grid of another piece


class Activity(NamedTuple):
    """How busy a piece is.

    Attributes:
        feel: its commonest grid, an index into `feel.FEELS`.
        density: notes a quarter note, of each player.
    """

    feel: int
    density: float


def with_activity(plan: Plan, usual: Sequence[Activity], rng: Rng) -> Plan:
    """The plan with the feel and the density of a style in each section.

    Args:
        plan: without sections, or with any feel or density stated, it comes back as it is.
        usual: of the pieces of a style; one is drawn.
        rng: what is not given is drawn from it.
    """
    stated = (plan.feel != OPEN).any() or not np.isnan(plan.density).all()
    if stated or not plan.sections or not usual:
        return plan
    of_piece = _draw(usual, rng)
    feel, density = plan.feel.copy(), plan.density.copy()
    of_section: dict[str, Activity] = {}
    for section in plan.sections:
        if section.name not in of_section:
            grid = _draw(usual, rng).feel if rng.random() < _OTHER_GRID else of_piece.feel
            octaves = rng.normal(0.0, _SECTIONS_DIFFER_OCTAVES)
            of_section[section.name] = Activity(grid, round(of_piece.density * 2.0**octaves, 2))
        inside = slice(section.start, section.end)
        players = np.maximum(np.where(plan.plays[inside] == 0, 0, 1).sum(axis=1), 1)
        feel[inside] = of_section[section.name].feel
        density[inside] = (of_section[section.name].density * players).round(2)
    return replace(plan, feel=feel, density=density)


def _draw(usual: Sequence[Activity], rng: Rng) -> Activity:
    return usual[int(rng.integers(len(usual)))]
