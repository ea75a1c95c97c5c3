"""Kits of recorded drums, as the drum machine Hydrogen keeps them in folders.

Those of Debian's package `hydrogen-drumkits` (in `usr/share/hydrogen/data/drumkits`) are real
drums and cymbals. Most of them are GPL or CC BY-SA: they measure, and no weights learn from them.
"""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from experiments.listening.drum_kits import Kit, one_stroke
from ritornello.dsp.sound_files import read_audio

# Kits that are whole and acoustic: thresholds are chosen on some, others are measured.
CHOOSING = "BJA_Pacific", "ColomboAcousticDrumkit"
MEASURED = "ForzeeStereo", "Millo_MultiLayered2", "The Black Pearl 1.0"
# What names of instruments say, and which other drum stands for one that a kit lacks.
_NAMED = {
    "kick": (r"kick|bass ?drum", ""), "snare": (r"snare(?!.*(roll|rim))", ""),
    "rim": (r"stick|rim", "snare"), "clap": (r"clap(?!er)", "snare"),
    "closed hat": (r"^(?=.*(hh|hat)).*clos", ""), "open hat": (r"^(?=.*(hh|hat)).*open", ""),
    "low tom": (r"floor|tom.*low|low tom", ""), "mid tom": (r"tom.*mid|middle tom|tom 2|^tom$", ""),
    "high tom": (r"tom.*hi|high tom|tom 1", "mid tom"), "crash": (r"crash(?!/ride)", ""),
    "ride": (r"ride(?!.*bell)", "crash"), "bell": (r"bell|cup", "ride"),
    "splash": ("splash", "crash"), "china": ("china", "crash"),
}  # fmt: skip


def recorded_kit(folder: Path, rng: np.random.Generator) -> Kit:
    """The kit of a folder, one sound of each drum, each kind as loud as `Kit.draw` makes it."""
    drums: dict[str, np.ndarray] = {}
    found = layers(folder)
    for drum, (pattern, instead) in _NAMED.items():
        names = [name for name in found if re.search(pattern, name.lower())]
        if not names and instead:
            drums[drum] = drums[instead]
            continue
        files = found[names[rng.integers(len(names))]]
        drums[drum] = one_stroke(read_audio(files[rng.integers(len(files))]))
    return Kit(drums, Kit.levels_drawn(rng))


def layers(folder: Path) -> dict[str, list[Path]]:
    """Instruments of a kit by name, and the recordings of their strokes, soft ones first."""
    text = (folder / "drumkit.xml").read_text(encoding="utf-8", errors="replace")
    root = ElementTree.fromstring(re.sub(r'\sxmlns="[^"]+"', "", text, count=1))
    found: dict[str, list[Path]] = {}
    for instrument in root.iter("instrument"):
        files = [folder / str(item.text) for item in instrument.iter("filename")]
        if any(file.exists() for file in files):
            found[str(instrument.findtext("name"))] = [file for file in files if file.exists()]
    return found
