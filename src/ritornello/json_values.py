"""`JsonObject`: the type of what JSON reads and writes: facts, figures, settings, requests, rows.

Its values are what JSON has: None, bool, int, float, str, and lists and objects of these. Who reads
one from outside checks it first. Where fields are fixed and used inside the package, a dataclass
names them instead.
"""

from __future__ import annotations

from typing import Any, TypeAlias

JsonObject: TypeAlias = dict[str, Any]
