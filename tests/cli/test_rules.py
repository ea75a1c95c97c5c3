"""Rules are never broken: composed pieces, counted by mido, which knows nothing of ritornello."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import mido
import numpy as np
import pytest

from tests.cli.conftest import Outcome

SCALES = {
    "major": {0, 2, 4, 5, 7, 9, 11},
    "minor": {0, 2, 3, 5, 7, 8, 9, 10, 11},
    "dorian": {0, 2, 3, 5, 7, 9, 10},
    "minor pentatonic": {0, 3, 5, 7, 10},
}
TONICS = {"C": 0, "D": 2, "F#": 6, "Bb": 10}
# A part, the General MIDI programs it may have, and a range to ask for.
PARTS = {
    "piano": (range(6), (48, 84)),
    "bass": (range(32, 40), (28, 50)),
    "violin": ((40,), (60, 90)),
    "flute": (range(72, 80), (62, 95)),
    "strings": ((44, 45, 48, 49, 50, 51), (40, 80)),
    "lead": (range(80, 88), (50, 90)),
}
METRES = ((4, 4), (3, 4), (2, 4), (6, 8), (5, 4), (7, 8))


@dataclass
class Case:
    """Rules for one piece, and how to ask for them."""

    seed: int
    bars: int
    metre: tuple[int, int]
    tempo: int
    tonic: str
    scale: str
    parts: list[str]
    drums: bool
    polyphony: dict[str, int] = field(default_factory=dict)
    ranges: dict[str, tuple[int, int]] = field(default_factory=dict)

    @classmethod
    def random(cls, seed: int) -> Case:
        rng = np.random.default_rng(seed)
        parts = rng.choice(list(PARTS), rng.integers(1, 5), replace=False).tolist()
        case = cls(
            seed,
            bars=int(rng.integers(1, 13)),
            metre=METRES[rng.integers(len(METRES))],
            tempo=int(rng.integers(40, 220)),
            tonic=str(rng.choice(list(TONICS))),
            scale=str(rng.choice(list(SCALES))),
            parts=parts,
            drums=bool(rng.random() < 0.5),
        )
        case.polyphony = {name: int(rng.integers(1, 4)) for name in parts if rng.random() < 0.6}
        case.ranges = {name: PARTS[name][1] for name in parts if rng.random() < 0.6}
        return case

    def arguments(self) -> list[str]:
        names = [*self.parts, *(["drums"] if self.drums else [])]
        given = [
            *("--bars", str(self.bars), "--metre", f"{self.metre[0]}/{self.metre[1]}"),
            *("--tempo", str(self.tempo), "--key", f"{self.tonic} {self.scale}"),
            *("--parts", ",".join(names), "--seed", str(self.seed)),
        ]
        if self.polyphony:
            pairs = (f"{name}={most}" for name, most in self.polyphony.items())
            given += ["--polyphony", ",".join(pairs)]
        for name, (low, high) in self.ranges.items():
            given += ["--range", f"{name}={low}-{high}"]
        return given


def violations(case: Case, path: Path) -> list[str]:
    """Every way in which the file is not what was asked for."""
    file = mido.MidiFile(path)
    found: list[str] = []
    bar = file.ticks_per_beat * 4 * case.metre[0] // case.metre[1]
    ends = [sum(message.time for message in track) for track in file.tracks]
    if max(ends) != case.bars * bar:
        found.append(f"{max(ends) / bar} bars")
    played: dict[str, int] = defaultdict(int)
    for track in file.tracks:
        held: defaultdict[int, int] = defaultdict(int)
        tick, program = 0, None
        for message in track:
            tick += message.time
            if message.type == "time_signature":
                if (tick, message.numerator, message.denominator) != (0, *case.metre):
                    found.append(f"metre {message}")
            elif message.type == "set_tempo":
                if tick or round(mido.tempo2bpm(message.tempo), 1) != case.tempo:
                    found.append(f"tempo {message}")
            elif message.type == "program_change":
                program = message.program
            elif message.type == "note_on" and message.velocity:
                name = _part(message.channel, program)
                played[name] += 1
                held[message.note] += 1
                found += _wrong_note(case, name, message.note, sum(held.values()))
            elif message.type in ("note_off", "note_on"):
                held[message.note] -= 1
    asked = {*case.parts, *(["drums"] if case.drums else [])}
    if set(played) != asked:
        found.append(f"parts {set(played)} instead of {asked}")
    return found


def _part(channel: int, program: int | None) -> str:
    if channel == 9:
        return "drums"
    return next((n for n, (programs, _) in PARTS.items() if program in programs), str(program))


def _wrong_note(case: Case, name: str, pitch: int, held: int) -> list[str]:
    found = []
    if name != "drums" and (pitch - TONICS[case.tonic]) % 12 not in SCALES[case.scale]:
        found.append(f"{name} plays {pitch} outside {case.tonic} {case.scale}")
    low, high = case.ranges.get(name, (0, 127))
    if not low <= pitch <= high:
        found.append(f"{name} plays {pitch} outside {low}-{high}")
    if held > case.polyphony.get(name, 127):
        found.append(f"{name} holds {held} notes")
    return found


@pytest.mark.parametrize("seed", range(20))
def test_no_rule_is_broken(
    seed: int, command: Callable[..., Outcome], tiny_model: Path, tmp_path: Path
) -> None:
    case = Case.random(seed)
    done = command("compose", "-m", tiny_model, *case.arguments(), "-f", "mid", "--json")
    assert done.code == 0, done.err
    assert violations(case, Path(json.loads(done.out)["pieces"][0]["files"][0])) == []


def test_the_counter_sees_broken_rules(
    command: Callable[..., Outcome], tiny_model: Path, tmp_path: Path
) -> None:
    case = Case.random(3)
    done = command("compose", "-m", tiny_model, *case.arguments(), "-f", "mid", "--json")
    path = Path(json.loads(done.out)["pieces"][0]["files"][0])
    case.bars, case.tempo, case.metre, case.parts = case.bars + 1, 39, (9, 16), ["organ"]
    kinds = " ".join(violations(case, path))
    assert all(word in kinds for word in ("bars", "tempo", "metre", "parts"))
