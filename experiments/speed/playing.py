"""How fast a model plays: our engines, a Transformer of its size, and what the memory allows.

    python -m experiments.speed.playing runs/mine [--music folder] [--json out.json]

Everything runs on one thread, in one run, and is given in CPU seconds, so that a busy machine
matters less; believe the ratios. Without a model an untrained one of the default size plays.
`--music` scores the MIDI files of a folder in float32 and in whole numbers of 8 bits.
"""

from __future__ import annotations

import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")

import argparse
import ctypes
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from ritornello.generation.compose import begin, finished_piece, write
from ritornello.generation.rules import Rules
from ritornello.generation.session.improvisation import Improvisation
from ritornello.music.io import read
from ritornello.note_model import checkpoint
from ritornello.note_model.checkpoint import Checkpoint
from ritornello.note_model.encoding.sequences import sequences
from ritornello.note_model.encoding.tables import event_columns
from ritornello.note_model.engine import kernel
from ritornello.note_model.engine.compiled import CompiledEngine
from ritornello.note_model.engine.reference import Engine
from ritornello.note_model.likelihood import score
from ritornello.note_model.network import NoteModel, NoteModelConfig

PARTS = ("piano", "guitar", "bass", "strings", "drums")
RULES = Rules(bars=32, tempo_bpm=96, metre="3/4", parts=PARTS)
BATCH = 64
TOKENS_A_NOTE = 4.2  # of a token encoding that tells as much; measured on MidiTok's
TOKENS, CONTEXT_TOKENS = 500, 1024


# --- our engines -------------------------------------------------------------------------------


def untrained() -> Checkpoint:
    torch.manual_seed(0)
    model = NoteModel(NoteModelConfig())
    weights = {name: tensor.detach().numpy() for name, tensor in model.state_dict().items()}
    return Checkpoint(weights, model.settings())


def cpu_seconds(work: Callable[[], Any], rounds: int = 3) -> float:
    """The fastest of some rounds."""
    best = float("inf")
    for _ in range(rounds):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return best


def alone(engine: Engine, notes: int = 1500) -> float:
    """Notes a second of one endless piece, rules, masks and draws included."""
    events: Iterator[Any] = Improvisation.start(engine, RULES, seed=0)
    return notes / cpu_seconds(lambda: list(islice(events, notes)))


def together(engine: Engine) -> float:
    """Notes a second of 64 whole pieces, until the last has ended."""
    found: list[int] = []
    taken = cpu_seconds(
        lambda: found.extend(
            finished_piece(writer).note_count
            for writer in write(engine, begin(engine, RULES, seeds=range(BATCH)))
        ),
        rounds=1,
    )
    return sum(found) / taken


def bare_step_seconds(engine: Engine) -> float:
    """One step of one piece: the trunk and the hidden maps of the heads, no rules and no draws."""
    rows = np.random.default_rng(0).integers(0, [event_columns(plan=engine.plan)])
    condition = np.zeros((1, engine.width), np.float32)
    state = engine.initial_state(1)
    return cpu_seconds(lambda: [engine.step(rows, condition, state) for _ in range(500)], 9) / 500


# --- what the memory allows --------------------------------------------------------------------

READ = """
#include <stddef.h>
long total(const long *from, size_t count) {
    long sum = 0;
    for (size_t i = 0; i < count; i++) sum += from[i];
    return sum;
}
"""


def read_bytes_a_second(size: int) -> float:
    """How fast C reads again and again as many bytes as the matrices have."""
    with tempfile.TemporaryDirectory() as folder:
        source, library = Path(folder) / "read.c", Path(folder) / "read.so"
        source.write_text(READ)
        command = [
            "cc",
            "-O3",
            "-march=native",
            "-shared",
            "-fPIC",
            "-o",
            str(library),
            str(source),
        ]
        subprocess.run(command, check=True)
        total = ctypes.CDLL(str(library)).total
        total.restype = ctypes.c_long
        numbers = np.ones(size // 8, np.int64)
        arguments = ctypes.c_void_p(numbers.ctypes.data), ctypes.c_size_t(len(numbers))
        return size * 300 / cpu_seconds(lambda: [total(*arguments) for _ in range(300)], rounds=5)


# --- a Transformer of the same size ------------------------------------------------------------


class Block(nn.Module):
    """Pre-norm attention over a cache, and a feed-forward map four times as wide."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, at: int) -> Any:
        query, key, value = self.qkv(self.norm(x)).view(3, self.heads, 1, -1)
        keys[:, at], values[:, at] = key[:, 0], value[:, 0]
        heard = F.scaled_dot_product_attention(query[None], keys[None], values[None])
        x = x + self.out(heard.reshape(x.shape))
        return x + self.down(F.gelu(self.up(self.norm2(x))))


class Transformer(nn.Module):
    """A causal token model that keeps keys and values, as large as asked in parameters."""

    def __init__(self, parameters: int, width: int = 256, heads: int = 4) -> None:
        super().__init__()
        layers = round((parameters - TOKENS * width) / (12 * width * width))
        self.embed = nn.Embedding(TOKENS, width)
        self.place = nn.Embedding(CONTEXT_TOKENS, width)
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.caches = torch.randn(2, layers, heads, CONTEXT_TOKENS, width // heads)

    @torch.inference_mode()
    def next_token(self, token: torch.Tensor, at: int) -> torch.Tensor:
        x = self.embed(token) + self.place.weight[at]
        for block, keys, values in zip(self.blocks, *self.caches, strict=True):
            x = block(x, keys, values, at)
        chances = torch.softmax(self.norm(x) @ self.embed.weight.T, dim=-1)
        return torch.multinomial(chances, 1)[0]

    def seconds_a_token(self, tokens: int = 60) -> float:
        """At a full context, its last places written again and again."""

        def write() -> None:
            token = torch.tensor(0)
            for at in range(CONTEXT_TOKENS - tokens, CONTEXT_TOKENS):
                token = self.next_token(token, at)

        return cpu_seconds(write) / tokens


# --- a whole process ---------------------------------------------------------------------------

PROCESS = """
import json, sys, time
from itertools import islice
from ritornello.generation.rules import Rules
from ritornello.generation.session.improvisation import Improvisation
from ritornello.note_model import checkpoint
from ritornello.note_model.engine import open_engine
engine = open_engine(checkpoint.load(checkpoint.find(sys.argv[1])))
rules = Rules(tempo_bpm=96.0, parts=("piano", "bass", "drums"))
events = Improvisation.start(engine, rules, seed=0)
next(events); next(events)
first = time.time() - float(sys.argv[2])
list(islice(events, 1000))
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
print(json.dumps({"first_note_seconds": first, "cpu_seconds": time.process_time(),
                  "peak_megabytes": int(status["VmHWM"].split()[0]) / 1024}))
"""


def whole_process(model: Path, wish: str) -> dict[str, float]:
    """From the start of Python to the first note, and to 1,000 notes; the quickest of three."""
    runs = []
    for _ in range(3):
        done = subprocess.run(
            [sys.executable, "-c", PROCESS, str(model), str(time.time())],
            env={**os.environ, "RITORNELLO_KERNEL": wish},
            check=True,
            capture_output=True,
            text=True,
        )
        runs.append(json.loads(done.stdout))
    return min(runs, key=lambda run: run["cpu_seconds"])


# --- what whole numbers cost -------------------------------------------------------------------


def nats_per_note(model: Checkpoint, music: Path, library: ctypes.CDLL) -> dict[str, Any]:
    paths = sorted(music.rglob("*.mid"))
    pieces = [read(path) for path in paths[:: max(1, len(paths) // 60)]]
    names = model.collections
    collection = names.index(music.name) if music.name in names else None
    rows = [sequences(p, collection, len(names)).part(0, 600) for p in pieces if p.note_count]
    notes = sum(len(row) for row in rows)
    engines = {"float32": Engine(model), "int8": CompiledEngine(model, library)}
    nats = {name: float(np.sum(score(e, rows))) / notes for name, e in engines.items()}
    return {"events": notes, "nats_per_event": nats, "cost": nats["int8"] - nats["float32"]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", nargs="?", help="a model's file or folder")
    parser.add_argument("--music", type=Path, help="score the MIDI files of this folder")
    parser.add_argument("--json", type=Path, help="write the figures here")
    options = parser.parse_args()
    torch.set_num_threads(1)
    model = checkpoint.load(checkpoint.find(options.model)) if options.model else untrained()
    parameters = sum(weight.size for weight in model.weights.values())
    matrices = sum(  # what a bare step reads, a byte each
        weight.size
        for name, weight in model.weights.items()
        if name.endswith(("gates.weight", "hidden.weight"))
    )
    library = kernel.load()
    if library is None:
        raise SystemExit("The comparison needs the kernel: install a C compiler.")

    peer = Transformer(parameters)
    peer_note_seconds = peer.seconds_a_token() * TOKENS_A_NOTE
    engines = {
        "C, int8": CompiledEngine(model, library),
        "NumPy, int8": Engine(model, int8=True),
        "NumPy, float32": Engine(model),
    }
    played = {}
    for name, engine in engines.items():
        single, many = alone(engine), together(engine)
        played[name] = {
            "notes_a_second": single,
            "notes_a_second_in_batch": many,
            "times_the_transformer": single * peer_note_seconds,
        }
    bandwidth, step = read_bytes_a_second(matrices), bare_step_seconds(engines["C, int8"])
    figures: dict[str, Any] = {
        "parameters": parameters,
        "matrix_bytes": matrices,
        "engines": played,
        "transformer_parameters": sum(p.numel() for p in peer.parameters()),
        "transformer_notes_a_second": 1 / peer_note_seconds,
        "read_gigabytes_a_second": bandwidth / 1e9,
        "step_seconds": step,
        "step_share_of_bandwidth": matrices / step / bandwidth,
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / checkpoint.MODEL_FILE
        checkpoint.save(model, path, int8=True)
        figures["process"] = {wish: whole_process(path, wish) for wish in ("c", "numpy")}
    if options.music:
        figures["likelihood"] = nats_per_note(model, options.music, library)
    report(figures)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n")


def report(figures: dict[str, Any]) -> None:
    print(f"{figures['parameters'] / 1e6:.1f} M parameters, one thread, notes per CPU second")
    print(f"{'':22}{'alone':>10}{'batch 64':>10}{'alone, times the Transformer':>32}")
    for name, row in figures["engines"].items():
        single, many, times = row.values()
        print(f"{name:22}{single:10,.0f}{many:10,.0f}{times:32,.0f}")
    size = figures["transformer_parameters"] / 1e6
    name = f"Transformer, {size:.1f} M"
    print(f"{name:22}{figures['transformer_notes_a_second']:10,.1f}")
    print(
        f"C: {figures['step_seconds'] * 1e6:.0f} us a bare step over "
        f"{figures['matrix_bytes'] / 1e6:.1f} MB of weights, "
        f"{figures['step_share_of_bandwidth']:.0%} of the {figures['read_gigabytes_a_second']:.0f} "
        "GB/s at which C reads as much"
    )
    for wish, row in figures["process"].items():
        print(
            f"process ({wish}): first note after {row['first_note_seconds']:.2f} s, "
            f"1,000 notes after {row['cpu_seconds']:.2f} CPU s, {row['peak_megabytes']:.0f} MB"
        )
    if "likelihood" in figures:
        row = figures["likelihood"]
        print(f"int8 costs {row['cost']:+.5f} nats an event over {row['events']:,} events")


if __name__ == "__main__":
    main()
