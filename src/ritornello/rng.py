"""`Rng`: the type of every random generator in the package, always called ``rng``.

Nothing draws from a hidden global one: who draws is handed an `Rng`, made of a seed by
``numpy.random.default_rng``, so that the same seed gives the same music.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

Rng: TypeAlias = np.random.Generator
