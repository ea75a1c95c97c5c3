"""Long measurements in units that are kept one by one, so that a stopped one goes on."""

from __future__ import annotations

import argparse
import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from experiments.scorecard import plain, say
from ritornello.atomic import atomic_write

_PLACES = ("data", "store", "results", "work")


@dataclass
class Units:
    """The units of one measurement with one model.

    Attributes:
        folder: a file of JSON for each unit that was measured.
        cpu_seconds: that the units taken so far have used, in whichever run.
    """

    folder: Path
    cpu_seconds: float = 0.0

    @classmethod
    def of(cls, options: argparse.Namespace, model: Path) -> Units:
        """Those of a command; other settings or another model are another measurement."""
        asked = {name: value for name, value in vars(options).items() if name not in _PLACES}
        text = json.dumps([asked, hashlib.sha256(model.read_bytes()).hexdigest()])
        mark = hashlib.sha256(text.encode()).hexdigest()[:12]
        return cls(options.work / f"{options.command}-{mark}")

    def take(self, name: str, measure: Callable[[], Any]) -> Any:
        """The figures of a unit, as JSON has them: kept ones, or newly measured ones."""
        path = self.folder / f"{name}.json"
        if not path.exists():
            began = time.process_time()
            figures = plain(measure())
            unit = {"figures": figures, "cpu_seconds": time.process_time() - began}
            with atomic_write(path) as temporary:
                Path(temporary).write_text(json.dumps(unit), encoding="utf-8")
            say(f"{name}: {unit['cpu_seconds']:.0f} CPU s")
        unit = json.loads(path.read_text(encoding="utf-8"))
        self.cpu_seconds += unit["cpu_seconds"]
        return unit["figures"]
