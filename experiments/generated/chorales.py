"""The chorales of Bach of the polyphonic benchmark as pieces for four voices."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np

from experiments.music_sets import MusicSets
from ritornello.corpus.store import Corpus, Entry, write_store
from ritornello.music.piece import Metre, Piece, Tempo, Track

_FILE = Path("bench_polyphonic", "jsb_chorales_16th_satb.json.gz")
_FRAME_TICKS = 6  # a sixteenth note
_VOICES = ("soprano", "alto", "tenor", "bass")
_CHOIR = 52  # General MIDI program


def chorale(frames: np.ndarray, title: str = "") -> Piece:
    """A piece from frames [frames, 4] of MIDI pitches, -1 for a rest; equal ones are tied.

    The frames say neither metre nor tempo: 4/4 from the first frame on, and 80 quarters a minute.
    """
    length = len(frames) * _FRAME_TICKS
    tracks = []
    for name, voice in zip(_VOICES, frames.T, strict=True):
        begins = np.flatnonzero(np.diff(voice, prepend=-2))
        ends = np.append(begins[1:], len(voice))
        rows = [
            (int(begin) * _FRAME_TICKS, int(end - begin) * _FRAME_TICKS, int(voice[begin]), 80)
            for begin, end in zip(begins, ends, strict=True)
            if voice[begin] >= 0
        ]
        tracks.append(Track(rows, _CHOIR, name=name))
    tempi, metres = (Tempo(0, 80.0),), (Metre(0, 4, 4),)
    return Piece(tuple(tracks), 24, tempi, metres, length_ticks=length, title=title)


def open_chorales(data: Path, store: Path) -> MusicSets:
    """The chorales in their canonical split.

    Args:
        data: the folder of music sets. store: holds them as arrays; written if it does not exist.
    """
    if not store.is_dir():
        table = json.loads(gzip.decompress((data / _FILE).read_bytes()))
        write_store(
            (
                (chorale(np.array(frames), name), Entry(name, "chorales", split))
                for split, pieces in table.items()
                for number, frames in enumerate(pieces)
                for name in [f"{split}-{number}"]
            ),
            store,
        )
    return MusicSets(Corpus.open(store), ("chorales",), frozenset())
