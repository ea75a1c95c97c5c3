"""Damaged files give a piece or one of our errors; `experiments.fuzz` tries more."""

from __future__ import annotations

import random

import pytest

from experiments.fuzz.fuzz_readers import damage, outcome
from ritornello.music.io import FORMATS, Format
from ritornello.music.keys import KeyName
from ritornello.music.piece import KeyChange, Metre, Piece, Tempo, Track

PIECE = Piece(
    tracks=(
        Track([(beat * 24, 24, 60 + beat % 7, 80) for beat in range(40)], program=40, name="Vl"),
        Track([(beat * 16, 8, 36, 100) for beat in range(40)], is_drum=True),
    ),
    resolution=24,
    tempos=(Tempo(0, 97.0), Tempo(96, 60.0)),
    metres=(Metre(0, 3, 4), Metre(288, 6, 8)),
    keys=(KeyChange(0, KeyName(2, "minor")),),
    title="Fuzz",
)
ABC = b'X:1\nT:Fuzz\nM:6/8\nL:1/8\nQ:3/8=80\nK:Ador\n|:"Am"EAB cBA|(3GAB {c}d2 e>f [ce]2:|\n'
INPUTS = {"MIDI": 150, "ABC": 60, "piano-roll": 60, "MusicXML": 100, "compressed MusicXML": 50}


@pytest.mark.parametrize("entry", [f for f in FORMATS if f.reader], ids=lambda f: f.name)
def test_damaged_files_are_read_or_refused(entry: Format) -> None:
    data = entry.write_bytes(PIECE) if entry.writer else ABC
    assert outcome(entry, data) == "piece"
    for seed in range(INPUTS[entry.name]):
        damaged = damage(data, random.Random(seed))
        assert outcome(entry, damaged) in ("piece", "error"), f"seed {seed}"
