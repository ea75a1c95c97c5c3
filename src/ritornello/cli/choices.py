"""What the command line offers, from the registries: types of choices, and words for its help.

A line more in a registry is a choice more here, in ``--help`` and in the reference. Only registries
that load nothing heavy are read, as every start of the command passes here.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal, TypeAlias

from ritornello.dsp.sound_formats import LOSSLESS_SUFFIXES, SOUND_FORMATS
from ritornello.files import writable_formats
from ritornello.music.instruments import INSTRUMENTS
from ritornello.music.io import FORMATS
from ritornello.note_model.cells import CELLS
from ritornello.papers.polyphony.benchmarks import BENCHMARKS
from ritornello.papers.systems import SYSTEMS

EVERY_SYSTEM = "all"

if TYPE_CHECKING:  # names that are known when the command runs only
    BenchmarkName: TypeAlias = str
    CellName: TypeAlias = str
    StemFormat: TypeAlias = str
    SystemName: TypeAlias = str
else:
    BenchmarkName = Literal[tuple(BENCHMARKS)]
    CellName = Literal[tuple(CELLS)]
    StemFormat = Literal[tuple(suffix[1:] for suffix in LOSSLESS_SUFFIXES)]
    SystemName = Literal[(*SYSTEMS, EVERY_SYSTEM)]


def listed(names: Iterable[str], last: str = "or") -> str:
    """Names as in a sentence: "a, b or c"."""
    *others, final = names
    return f"{', '.join(others)} {last} {final}" if others else final


_SOUNDS = [suffix[1:] for suffix in SOUND_FORMATS]
# A compressed file is of the same kind to whoever has one.
_READ = list(dict.fromkeys(e.name.removeprefix("compressed ") for e in FORMATS if e.reader))

CELL_HELP = "Kind of network: " + "; ".join(f"{name}, {kind.about}" for name, kind in CELLS.items())
FORMATS_HELP = f"What to write: {', '.join(writable_formats(usual_only=True))}."
TARGET_HELP = f"File to write: {listed(writable_formats(usual_only=True))}; or -."
SOUND_HELP = f"Sound file to write: {listed(_SOUNDS)}; or - for standard output."
SOLO_HELP = (
    f"A sound file of one instrument: {', '.join(_SOUNDS)}; m4a and others with the extra m4a; or "
    "- for standard input."
)
SONG_HELP = f"A {listed(_READ)} file, or - for standard input."
SONGS_HELP = f"{listed(_READ, 'and')} files, or - for standard input."
MUSIC_FOLDER_HELP = f"Of {listed(_READ, 'and')} files, searched with all its sub-folders."
INSTRUMENTS_HELP = "**Instruments**\n\n" + ", ".join(each.name for each in INSTRUMENTS)
