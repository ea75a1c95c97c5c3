"""A file's name tells which file it is: no two modules of the package are called alike.

Systems in `papers` and formats in `music.io` have a folder each, alike inside: there `train.py` or
`read.py` may come again.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import ritornello

PACKAGE = Path(ritornello.__file__).parent
ALIKE_INSIDE = (PACKAGE / "papers", PACKAGE / "music" / "io")


def _is_alike_inside(path: Path) -> bool:
    """Whether a file is in a folder of a system or of a format."""
    return any(parent in path.parent.parents for parent in ALIKE_INSIDE)


def test_no_two_files_are_called_alike() -> None:
    places = defaultdict(list)
    for path in sorted(PACKAGE.rglob("*.py")):
        if path.stem not in ("__init__", "__main__") and not _is_alike_inside(path):
            places[path.name].append(str(path.relative_to(PACKAGE)))
    assert not {name: where for name, where in places.items() if len(where) > 1}
