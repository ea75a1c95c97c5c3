"""Three voices below Bach's sopranos: nats a note, faults of voice leading, sounding harmony.

Beside Bach's own and those of a first-order chain stand the voices of two models: the one asked
for, which may never have heard a chorale of his, and one that learns his training chorales alone.
"""

from __future__ import annotations

import argparse
import gzip
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from experiments.generated.chorales import chorale
from experiments.generated.real_music import CHORALES
from experiments.partner.units import Units
from ritornello.api import Composer, find_model
from ritornello.corpus.store import Corpus, Entry, write_store
from ritornello.generation.instrumentation import read_instrumentations
from ritornello.generation.partner import choir
from ritornello.metrics import chorale_baseline
from ritornello.metrics.consonance import agreement_table
from ritornello.metrics.voice_leading_faults import SATB_RANGES, chords, faults, per_100_chords
from ritornello.music.instruments import INSTRUMENTS
from ritornello.music.piece import Piece
from ritornello.note_model import checkpoint, likelihood

PROTOCOL = (
    "chorales of Bach in four voices, sixteenths, canonical split; the soprano is given; each "
    "lower voice once, default boldness, written by `harmonise` or drawn from the chain; faults: "
    "see metrics/voice_leading_faults.py; harmony: soprano given, the others composed, see "
    "metrics/consonance.py; nats: exact, of the composed voices by their notes, without those of "
    "loudness, which the chorales lack; the voices are for the instrument that `harmonise` hears "
    "them as; told nothing but the soprano, or also key, how busy the whole is and its length; "
    "the chain is told the soprano; the model of chorales alone is taught the training side with "
    "tasks and the settings that `train` has for so much music, nothing chosen on another side"
)
_VOICES = ("soprano", "alto", "tenor", "bass")
_COLLECTION = "chorales"


def measure(options: argparse.Namespace, units: Units) -> dict[str, Any]:
    """Of Bach, the chain and each model: faults, harmony and, but for Bach, nats."""
    sides = json.loads(gzip.decompress((options.data / CHORALES).read_bytes()))
    train = [np.array(rows) for rows in sides["train"]]
    held_out = [np.array(rows) for rows in sides[options.side]][: options.chorales]

    def alone() -> dict[str, Any]:
        found = checkpoint.load(taught(train, options, units.folder))
        return {**by_model(found, held_out, options.seed), "taught": found.provenance["training"]}

    model = checkpoint.load(find_model(options.model))
    return {
        "Bach": units.take("Bach", lambda: judged([*map(piece_of, held_out)])),
        "first-order chain": units.take("chain", lambda: by_chain(train, held_out, options.seed)),
        "ours": units.take("ours", lambda: by_model(model, held_out, options.seed)),
        "ours, chorales alone": units.take("chorales alone", alone),
    }


def piece_of(frames: np.ndarray) -> Piece:
    return chorale(frames, _COLLECTION)


def judged(pieces: Sequence[Piece]) -> dict[str, Any]:
    """Faults per 100 chords and harmony of chorales, tracks from the soprano down."""
    pairs = [(replace(p, tracks=p.tracks[:1]), replace(p, tracks=p.tracks[1:])) for p in pieces]
    return {
        "chorales": len(pieces),
        "faults": per_100_chords(faults(chords(p.tracks), SATB_RANGES) for p in pieces),
        "harmony": agreement_table(pairs),
    }


def by_chain(
    train: Sequence[np.ndarray], held_out: Sequence[np.ndarray], seed: int
) -> dict[str, Any]:
    chain = chorale_baseline.learn(train)
    drawn = (
        chorale_baseline.harmonise(chain, frames[:, 0], seed + number)
        for number, frames in enumerate(held_out)
    )
    scored = chorale_baseline.likelihood(chain, held_out)
    nats = {name: scored[name] for name in ("nats_per_note", "notes")}
    return {**judged([*map(piece_of, drawn)]), "nats": {"told the soprano": nats}}


def by_model(
    model: checkpoint.Checkpoint, held_out: Sequence[np.ndarray], seed: int
) -> dict[str, Any]:
    composer = Composer(model)
    real = [piece_of(frames) for frames in held_out]
    composed = []
    for number, piece in enumerate(real):
        soprano = replace(piece, tracks=piece.tracks[:1])
        made = composer.harmonise(soprano, _VOICES[1:], melody=1, seed=seed + number).piece
        voices = {track.name: track for track in made.tracks}
        composed.append(replace(made, tracks=tuple(voices[name] for name in _VOICES)))
    return {**judged(composed), "nats": nats_of(model, real)}


def nats_of(model: checkpoint.Checkpoint, real: Sequence[Piece]) -> dict[str, Any]:
    """Nats of the lower voices, as `harmonise` hears them, by what the model is told."""
    singers = choir(read_instrumentations(model.provenance.get("line_ups", ())))
    if singers is not None:
        program = INSTRUMENTS[singers].program
        real = [
            replace(piece, tracks=tuple(replace(track, program=program) for track in piece.tracks))
            for piece in real
        ]
    found = {}
    for name, controls in (("told the soprano", "open"), ("told also key and density", "given")):
        scored = likelihood.evaluate(
            model, [(_COLLECTION, piece) for piece in real], controls=controls, task="harmonise"
        )
        fields = {name: nats for name, nats in scored["fields"].items() if name != "velocity"}
        found[name] = {"nats_per_note": sum(fields.values()), "notes": scored["notes"], **fields}
    return found


def taught(train: Sequence[np.ndarray], options: argparse.Namespace, folder: Path) -> Path:
    """The file of a model of the training chorales; a run that was stopped goes on."""
    from ritornello.training.config import TrainConfig, network_settings
    from ritornello.training.loop import train as teach

    store = folder / "store"
    if not store.exists():
        entries = ((piece_of(frames), Entry(f"{i}", _COLLECTION)) for i, frames in enumerate(train))
        write_store(entries, store)
    corpus = Corpus.open(store)
    settings = network_settings(int(corpus.note_counts.sum()))
    config = TrainConfig(steps=options.steps, threads=1, seed=options.seed, **settings)
    return teach(corpus, folder / "model", config)


def markdown(figures: dict[str, Any]) -> str:
    """A row for each who wrote the lower voices."""
    names = ("parallel_fifths", "parallel_octaves", "direct_fifths_octaves", "crossings",
             "wide_spacings", "out_of_range")  # fmt: skip
    told = ("told the soprano", "told also key and density")
    titles = [f"nats a note, {way}" for way in told] + [name.replace("_", " ") for name in names]
    lines = [
        f"| lower voices | {' | '.join(titles)} | notes on a sounding pitch class, % |",
        "|---" * (2 + len(titles)) + "|",
    ]
    for who, found in figures.items():
        nats = [found.get("nats", {}).get(way, {}).get("nats_per_note") for way in told]
        cells = ["" if each is None else f"{each:.3f}" for each in nats]
        cells += [f"{found['faults'][name]:.2f}" for name in names]
        share = found["harmony"]["as written"]["notes_sounding"]
        lines.append(f"| {who} | {' | '.join(cells)} | {100 * share:.1f} |")
    return "\n".join(lines)
