"""CPU seconds of one core for a take of three minutes, stage by stage."""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from experiments.partner.units import Units
from experiments.remix.bad import remixed
from experiments.remix.solos import PROTOCOL as OF_SOLOS
from experiments.remix.solos import known_solos
from ritornello.api import remix
from ritornello.dsp.recordings import Recording
from ritornello.dsp.sound_files import read_audio, write_audio
from ritornello.dsp.waveform import Waveform
from ritornello.transcribe.beats import find_beats
from ritornello.transcribe.command import transcribe
from ritornello.transcribe.note_detection import find_notes
from ritornello.transcribe.values import Hints

RATE_HZ = 44_100
HEARD_HZ = 22_050
SECONDS = 180
PROTOCOL = (
    "piano solos one after another, cut at 180 s, a wav of one channel; time.process_time with one "
    "thread, the fastest of the repeats for each stage; notes and beats without the decoding that "
    "they ask for; the whole command as a process of its own, Python's start included, its CPU "
    f"seconds and memory as the system counts them; {OF_SOLOS}"
)


def measure(options: argparse.Namespace, units: Units) -> dict[str, Any]:
    solos = [solo for solo in known_solos(options) if solo.kind == "piano"]
    sound = np.concatenate([read_audio(solo.path).samples for solo in solos])
    if len(sound) < SECONDS * RATE_HZ:
        sound = np.tile(sound, (-(-SECONDS * RATE_HZ // len(sound)), 1))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "take.wav"
        write_audio(Waveform(sound[: SECONDS * RATE_HZ], RATE_HZ), path)
        runs = [
            units.take(f"run {number}", lambda: {**listening(path), **_remixing(path)})
            for number in range(options.repeats)
        ]
        whole = units.take("whole command", lambda: remixed(path, Path(folder) / "remix"))
    stages = {name: min(run[name] for run in runs) for name in runs[0]}
    return {
        "take_seconds": SECONDS,
        "cpu_seconds": stages,
        "whole_command": {
            name: whole[name] for name in ("cpu_seconds", "most_memory_megabytes", "exit_code")
        },
    }


def listening(path: Path) -> dict[str, float]:
    """CPU seconds of its parts, by name."""
    recording = Recording.open(path)

    def blocks() -> Iterator[np.ndarray]:
        return recording.blocks(HEARD_HZ)

    decoding, _ = _timed(lambda: sum(len(block) for block in blocks()))
    notes, found = _timed(lambda: find_notes(blocks()))
    beats, _ = _timed(lambda: find_beats(blocks(), SECONDS, Hints(), found))
    whole, _ = _timed(lambda: transcribe(path))
    parts = {"decoding, once": decoding, "notes": notes - decoding, "beats": beats - decoding}
    rest = whole - sum(parts.values())
    return {**parts, "health, key, chords and decoding again": rest, "listening, all": whole}


def _remixing(path: Path) -> dict[str, float]:
    """CPU seconds of the steps of a remix."""
    marks: list[tuple[str, float]] = []

    def watch(step: str, done: int, total: int) -> None:
        if not marks or marks[-1][0] != step:
            marks.append((step, time.process_time()))

    with tempfile.TemporaryDirectory() as folder:
        whole, _ = _timed(lambda: remix(path, Path(folder) / "remix", watch=watch))
    ends = [at for _, at in marks[1:]] + [time.process_time()]
    steps = {step: end - at for (step, at), end in zip(marks, ends, strict=True)}
    return {**steps, "remix, all": whole}


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    began = time.process_time()
    result = work()
    return time.process_time() - began, result


def markdown(figures: dict[str, Any]) -> str:
    lines = ["| stage | CPU s | times real time |", "|---|---|---|"]
    for name, seconds in figures["cpu_seconds"].items():
        times = figures["take_seconds"] / seconds if seconds else float("inf")
        lines.append(f"| {name} | {seconds:.1f} | {times:.0f} |")
    whole = figures["whole_command"]
    lines.append(f"| the whole command | {whole['cpu_seconds']:.1f} | |")
    return "\n".join([*lines, "", f"Most memory: {whole['most_memory_megabytes']:.0f} MB."])
