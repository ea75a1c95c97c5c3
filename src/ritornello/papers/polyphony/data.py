"""The benchmark sets of piano-rolls: canonical splits, one JSON file each.

A file is ``{"train" | "valid" | "test": [piece[frame[MIDI pitch]]]}``, gzipped; -1 is a rest of a
voice in the chorales in parts (Boulanger-Lewandowski et al. 2012; Huang et al. 2017).
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np

from ritornello.errors import InputError
from ritornello.papers.polyphony.encoding import encode_sets, encode_voices

SPLITS = ("train", "valid", "test")


def load_frames(path: Path, *, voices: int = 1) -> dict[str, list[np.ndarray]]:
    """The pieces of each split, bool [frames, voices, 88].

    Args:
        voices: 1 where a frame is a set of pitches; else each frame has this many, in parts.

    Raises:
        InputError: if the file is missing or is something else.
    """
    encode = encode_sets if voices == 1 else encode_voices
    try:
        table = json.loads(gzip.decompress(path.read_bytes()))
        return {split: [encode(piece) for piece in table[split]] for split in SPLITS}
    except FileNotFoundError as error:
        raise InputError(
            "This benchmark set is not here.",
            where=str(path),
            next_step="Set RITORNELLO_DATA to the folder of music sets.",
        ) from error
    except (OSError, EOFError, ValueError, KeyError, IndexError, TypeError) as error:
        raise InputError(
            f"This is no benchmark set of piano-rolls ({type(error).__name__}: {error}).",
            where=str(path),
            next_step="Expected gzipped JSON: {split: [piece[frame[MIDI pitch]]]}.",
        ) from error
