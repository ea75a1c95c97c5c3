"""What the command says to recordings that are none, or that are hard: no traceback, no remains."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from scipy.signal import lfilter

from experiments.partner.units import Units
from ritornello.rng import Rng

PROTOCOL = (
    "each file given to `ritornello remix FILE -o FOLDER` as a process of its own; exit code, "
    "what it said (of one that worked, the notes), what lies in the folder after, CPU seconds and "
    "most memory of the process (the system's ru_maxrss, which is never below that of the "
    "benchmark itself, about 200 MB); all files but the named ones are 30 s or less; speech is "
    "that of espeak-ng, or buzzing vowels where it is not installed; two hours are a plain take of "
    "30 s again and again"
)
RATE_HZ = 44_100
_LONG_SECONDS = 7200
_WORDS = (
    "A player records a take on a phone and wants a band under it, in time with their timing, "
    "and in their key. This is nobody playing anything at all, only somebody talking. "
)
Maker = Callable[[Path, np.ndarray, Rng], Path]


def measure(options: argparse.Namespace, units: Units) -> dict[str, Any]:
    """A row for each file."""
    take = played_take()
    found = {}
    for name, maker in CASES.items():
        if name == "two hours" and not options.long:
            continue
        found[name] = units.take(name, partial(_tried, maker, take))
    return found


def _tried(maker: Maker, take: np.ndarray) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        path = maker(Path(folder), take, np.random.default_rng(0))
        return remixed(path, Path(folder) / "remix")


def remixed(path: Path, out: Path) -> dict[str, Any]:
    """Run the command and look at all that it leaves behind."""
    words = [sys.executable, "-m", "ritornello", "remix", str(path), "-o", str(out)]
    beside = {item.name for item in path.parent.iterdir()}
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as logged:
        process = subprocess.Popen(words, stdout=said, stderr=logged, stdin=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0), logged.seek(0)
        stdout, stderr = said.read().decode(), logged.read().decode()
    left = sorted(str(item.relative_to(out)) for item in out.rglob("*")) if out.exists() else []
    also = {item.name for item in path.parent.iterdir()} - beside - {out.name}
    wrong = []
    if "Traceback" in stderr + stdout or process.returncode not in (0, 1):
        wrong.append("crashed")
    if process.returncode and left:
        wrong.append("left files behind")
    if also or any(".tmp" in item or ".part" in item for item in left):
        wrong.append(f"left temporary files: {sorted(also)}")
    return {
        "exit_code": process.returncode,
        "said": tidy(stderr if process.returncode else _notes(stdout), path.parent),
        "files": left,
        "megabytes_written": _bytes(out) / 1e6,
        "seconds_of_mix": _seconds(out),
        "cpu_seconds": usage.ru_utime + usage.ru_stime,
        "most_memory_megabytes": usage.ru_maxrss / 1024,
        "wrong": wrong,
    }


def _notes(text: str) -> str:
    """What is said to be unusual."""
    marked = [line.partition("Note:")[2] for line in text.splitlines() if "Note:" in line]
    return " ".join(marked)


def tidy(text: str, folder: Path) -> str:
    """What was said, on one line and without where it ran."""
    return " ".join(text.replace(f"{folder}/", "").split())


def _bytes(folder: Path) -> int:
    return sum(item.stat().st_size for item in folder.rglob("*") if item.is_file())


def _seconds(out: Path) -> float | None:
    mix = out / "mix.wav"
    return float(soundfile.info(mix).duration) if mix.is_file() else None


# --- the files ------------------------------------------------------------------------------------


def played_take(seconds: float = 30.0) -> np.ndarray:
    """Somebody plucks four notes a second, at 120 bpm: four chords, one note after another."""
    chords = ((48, 52, 55, 60), (45, 52, 57, 60), (41, 53, 57, 60), (43, 50, 55, 59))
    sound = np.zeros(round(seconds * RATE_HZ), np.float32)
    length = RATE_HZ
    for number in range(int(seconds / 0.25)):
        pitch = chords[number // 8 % 4][(0, 2, 1, 3)[number % 4]]
        at = np.arange(length) / RATE_HZ
        radians = 2 * np.pi * 440 * 2 ** ((pitch - 69) / 12) * at
        partials = np.zeros(length)
        for k in range(1, 8):
            partials += np.sin(k * radians) * np.exp(-3 * k * at) / k
        start = round(number * 0.25 * RATE_HZ)
        end = min(start + length, len(sound))
        sound[start:end] += 0.15 * partials[: end - start].astype(np.float32)
    return sound


def _wav(folder: Path, samples: np.ndarray, rate_hz: int = RATE_HZ) -> Path:
    soundfile.write(folder / "take.wav", samples, rate_hz, "PCM_16")
    return folder / "take.wav"


def _mp3(folder: Path, samples: np.ndarray) -> Path:
    soundfile.write(folder / "take.mp3", samples[: 20 * RATE_HZ], RATE_HZ)
    return folder / "take.mp3"


def _silence(folder: Path, take: np.ndarray, rng: Rng) -> Path:
    return _wav(folder, np.zeros_like(take))


def _noise(folder: Path, take: np.ndarray, rng: Rng) -> Path:
    return _wav(folder, 0.1 * rng.standard_normal(len(take)))


def _speech(folder: Path, take: np.ndarray, rng: Rng) -> Path:
    if shutil.which("espeak-ng"):
        words = ["espeak-ng", "-w", str(folder / "take.wav"), _WORDS * 3]
        subprocess.run(words, check=True, capture_output=True)
        return folder / "take.wav"
    spoken = []
    for _ in range(100):  # syllables: a buzz that glides, through two formants, and rests
        length = int(rng.uniform(0.08, 0.25) * RATE_HZ)
        hz = np.linspace(rng.uniform(100, 160), rng.uniform(90, 150), length)
        buzz = np.diff(np.floor(np.cumsum(hz) / RATE_HZ), prepend=0)
        for formant in (rng.uniform(300, 800), rng.uniform(900, 2300)):
            pole = 0.98 * np.exp(2j * np.pi * formant / RATE_HZ)
            buzz = lfilter([0.05], [1, -2 * pole.real, abs(pole) ** 2], buzz)
        spoken += [buzz * np.hanning(length), np.zeros(int(rng.exponential(0.08) * RATE_HZ))]
    sound = np.concatenate(spoken)
    return _wav(folder, 0.5 * sound / np.abs(sound).max())


def _clipping(folder: Path, take: np.ndarray, rng: Rng) -> Path:
    return _wav(folder, np.clip(8 * take, -1, 1))


def _one_second(folder: Path, take: np.ndarray, rng: Rng) -> Path:
    return _wav(folder, take[:RATE_HZ])


def _two_hours(folder: Path, take: np.ndarray, rng: Rng) -> Path:
    path = folder / "take.flac"
    with soundfile.SoundFile(path, "w", RATE_HZ, 1, "PCM_16") as file:
        for _ in range(round(_LONG_SECONDS * RATE_HZ / len(take))):
            file.write(take)
    return path


def _eight_khz(folder: Path, take: np.ndarray, rng: Rng) -> Path:
    import soxr

    return _wav(folder, soxr.resample(take, RATE_HZ, 8000), 8000)


def _six_channels(folder: Path, take: np.ndarray, rng: Rng) -> Path:
    return _wav(folder, np.stack([take * gain for gain in (0.6, 0.6, 1, 0.1, 0.3, 0.3)], 1))


def _m4a(folder: Path, take: np.ndarray, rng: Rng) -> Path:
    import av

    path = folder / "take.m4a"
    with av.open(path, "w") as file:
        stream = file.add_stream("aac", rate=RATE_HZ, layout="mono")
        for start in range(0, len(take) - 1023, 1024):
            frame = av.AudioFrame.from_ndarray(take[None, start : start + 1024], "fltp", "mono")
            frame.rate, frame.pts = RATE_HZ, start
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return path


def _corrupt_mp3(folder: Path, take: np.ndarray, rng: Rng) -> Path:
    path = _mp3(folder, take)
    content = bytearray(path.read_bytes())
    third = len(content) // 3
    content[third : 2 * third] = rng.bytes(third)
    path.write_bytes(content)
    return path


def _cut_mp3(folder: Path, take: np.ndarray, rng: Rng) -> Path:
    path = _mp3(folder, take)
    path.write_bytes(path.read_bytes()[:-5000][: path.stat().st_size // 2 + 77])
    return path


def _text(folder: Path, take: np.ndarray, rng: Rng) -> Path:
    (folder / "take.mp3").write_text(_WORDS * 100, encoding="utf-8")
    return folder / "take.mp3"


def _empty(folder: Path, take: np.ndarray, rng: Rng) -> Path:
    (folder / "take.wav").write_bytes(b"")
    return folder / "take.wav"


def _missing(folder: Path, take: np.ndarray, rng: Rng) -> Path:
    return folder / "nothing.wav"


def _no_pulse(folder: Path, take: np.ndarray, rng: Rng) -> Path:
    """Tones at any moment, none of them more likely than another."""
    sound = np.zeros(len(take))
    at = np.arange(3 * RATE_HZ) / RATE_HZ
    for start in rng.integers(0, len(take), 30):
        hz = 440 * 2 ** ((int(rng.choice((48, 52, 55, 59, 62, 64, 67))) - 69) / 12)
        tone = np.sin(2 * np.pi * hz * at) + 0.4 * np.sin(4 * np.pi * hz * at)
        end = min(start + len(at), len(sound))
        sound[start:end] += (0.15 * tone * np.exp(-2 * at))[: end - start]
    return _wav(folder, sound)


def _drone(folder: Path, take: np.ndarray, rng: Rng) -> Path:
    at = np.arange(len(take)) / RATE_HZ
    swell = 0.6 + 0.4 * np.sin(2 * np.pi * at / 23)
    tones = sum(np.sin(2 * np.pi * hz * at + hz) / n for n, hz in enumerate((98, 147, 196, 294), 1))
    return _wav(folder, 0.2 * swell * np.minimum(1, at / 3) * tones)


CASES: dict[str, Maker] = {
    "a plain take": lambda folder, take, rng: _wav(folder, take),
    "silence": _silence,
    "noise": _noise,
    "speech": _speech,
    "clipping": _clipping,
    "one second": _one_second,
    "m4a": _m4a,
    "8 kHz": _eight_khz,
    "6 channels": _six_channels,
    "corrupt mp3": _corrupt_mp3,
    "cut mp3": _cut_mp3,
    "text called mp3": _text,
    "empty file": _empty,
    "no file": _missing,
    "no beat (a drone)": _drone,
    "no beat (tones at random)": _no_pulse,
    "two hours": _two_hours,
}


def markdown(figures: dict[str, Any]) -> str:
    head = ["file", "exit", "files", "mix s", "CPU s", "MB at most", "wrong", "said"]
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for name, row in figures.items():
        mix = row["seconds_of_mix"]
        lines.append(
            f"| {name} | {row['exit_code']} | {len(row['files'])} "
            f"| {'' if mix is None else f'{mix:.2f}'} | {row['cpu_seconds']:.0f} "
            f"| {row['most_memory_megabytes']:.0f} | {', '.join(row['wrong']) or 'nothing'} "
            f"| {row['said']} |"
        )
    return "\n".join(lines)
