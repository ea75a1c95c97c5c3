"""Make the bundled model: train it by its recipe, then measure it and put it in the package.

python -m experiments.bundled_model train DATA RUN    # one folder a set; resumes
python -m experiments.bundled_model train DATA RUN --start MODEL    # from an edition's weights
python -m experiments.bundled_model pack DATA RUN     # figures, int8 file and card
"""

from __future__ import annotations

import argparse
import json
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

from experiments.music_sets import unseen
from ritornello.api import write_training_index
from ritornello.corpus.scan import ScanResult, scan
from ritornello.corpus.splits import assign_splits
from ritornello.corpus.store import Corpus, build_store
from ritornello.music.instruments import INSTRUMENTS
from ritornello.note_model import checkpoint
from ritornello.note_model.checkpoint import Checkpoint
from ritornello.note_model.encoding import notes
from ritornello.note_model.encoding.tasks import TASKS
from ritornello.note_model.likelihood import evaluate

_PACKAGE = Path(__file__).resolve().parent.parent / "src" / "ritornello"
_LONGEST_EVENTS = 1024


def read_recipe() -> dict[str, Any]:
    return tomllib.loads((Path(__file__).parent / "default.toml").read_text())


def corpus(data: Path, run: Path, recipe: dict[str, Any]) -> tuple[ScanResult, Corpus]:
    found = scan(data, collections=list(recipe["shares"]))
    return found, build_store(found, run / "corpus", splits=assign_splits(found))


def train(data: Path, run: Path, start: Path | None = None) -> None:
    from ritornello.training.config import TrainConfig
    from ritornello.training.loop import Progress
    from ritornello.training.loop import train as train_model

    def watch(progress: Progress) -> None:
        if progress.step % 50 == 0:
            print(progress, flush=True)

    recipe = read_recipe()
    _, music = corpus(data, run, recipe)
    config = TrainConfig(**recipe["train"], shares=recipe["shares"], threads=1)
    begin = checkpoint.load(start) if start else None
    train_model(music, run, config, start=begin, provenance=_provenance(recipe), watch=watch)


def pack(data: Path, run: Path) -> None:
    recipe = read_recipe()
    found, music = corpus(data, run, recipe)
    model = checkpoint.load(checkpoint.find(run))
    target = _PACKAGE / "assets" / "models" / recipe["name"] / checkpoint.MODEL_FILE
    checkpoint.save(model, target, int8=True)
    rounded = checkpoint.load(target)
    held_out = [(music.collection_of(index), music.piece(index)) for index in unseen(found, music)]
    write_training_index(music, target.parent, held_out=(piece for _, piece in held_out))
    figures = {
        "protocol": f"the first {_LONGEST_EVENTS} events of each validation piece that has no "
        "near copy in training; teacher forced, state new for each piece, int8 weights",
        "open": evaluate(rounded, held_out, controls="open", longest=_LONGEST_EVENTS),
        "given": evaluate(rounded, held_out, controls="given", longest=_LONGEST_EVENTS),
    }
    figures["tasks"] = {
        name: evaluate(rounded, held_out[::2], controls="given", task=name, longest=_LONGEST_EVENTS)
        for name in TASKS
    }
    exact = evaluate(model, held_out[::10], longest=_LONGEST_EVENTS)["nats_per_note"]
    coarse = evaluate(rounded, held_out[::10], longest=_LONGEST_EVENTS)["nats_per_note"]
    figures["int8_loss_nats_per_note"] = round(coarse - exact, 5)
    provenance = {**model.provenance, **_provenance(recipe), "figures": figures,
                  "line_ups": line_ups(music, recipe["shares"]),
                  "minor_shares": minors(music)}  # fmt: skip
    checkpoint.save(replace(model, provenance=provenance), target, int8=True)
    target.with_name("CARD.md").write_text(card(replace(model, provenance=provenance)))
    print(json.dumps(figures, indent=1))


def line_ups(music: Corpus, shares: dict[str, float]) -> list[tuple[tuple[str, ...], float, str]]:
    """Who plays when nobody says, as often as the set's share; drums alone are not a piece."""
    from ritornello.training.music_facts import common_line_ups

    names = [music.collection_of(index) for index in music.indices("train")]
    weights = {name: shares[name] / names.count(name) for name in set(names) - {"groove_midi"}}
    found = common_line_ups(
        (name, notes.encode(music.piece(index)), weights[name])
        for index, name in zip(music.indices("train"), names, strict=True)
        if name in weights
    )
    # A piece that nobody asks more of is in 4/4.
    return [(players, weight, name) for players, weight, name, _ in found]


def minors(music: Corpus) -> dict[str, float]:
    """How often each set is in minor."""
    from ritornello.training.music_facts import minor_shares

    return minor_shares(
        (music.collection_of(index), notes.encode(music.piece(index)))
        for index in music.indices("train")
    )


def _provenance(recipe: dict[str, Any]) -> dict[str, Any]:
    return {key: recipe[key] for key in ("name", "about", "history", "shares", "styles", "credits")}


_CARD = """# Model card: {name}

{about}

Composes for {instruments}.

## How it was made
A recurrent note model ({layers} {cell} blocks of {width} units, {parameters:,} parameters), one
step a note. Trained by `experiments/bundled_model.py` following `experiments/default.toml`:
{minutes}
minutes on one to two cores of a busy server CPU, {steps:,} steps, {notes:,} notes read, each
excerpt transposed by -6 to 5 semitones (never drums). Weights are stored as int8 with a scale for
each row, which costs {int8_loss:+.4f} nats a note. {history}

## Figures
Nats on held-out music, lower is better: {protocol}. "Open" tells the model nothing about the
piece; "given" tells it the set, key, density, instruments and number of bars, as a composer does.
The unigram and the bigram are counted on the training music and score the same events.

| set | pieces | notes | nats/note, open | given | nats/beat, open | unigram | bigram |
|---|---|---|---|---|---|---|---|
{rows}

Nats a note by field (open): {fields}.

By task, nats a composed note of every second of these pieces, told what the piece is like and given
what the task gives; "silence" between given notes counts as well, so tasks with few composed notes
cost more each.

| task | composed notes | nats/note | of that pitch | unigram | bigram |
|---|---|---|---|---|---|
{tasks}

## Data, licences and credits
| set | share of training | credit |
|---|---|---|
{credits}

Every set may be used to train a model that is shipped. The band set is synthetic: melodies and
chords are public domain, their arrangement was made by rules.

## Limits
It knows General MIDI instruments in {classes} classes, times in 1/24 of a quarter note and 32
levels of loudness. It was trained for less than three hours on a CPU: phrases are coherent, long
forms are not yet. It has no notion of lyrics, and it has not heard music written after 1930 outside
games. It may by chance write a passage of its training music: `ritornello originality` measures it,
with the index beside the model, from which no music can be rebuilt.
"""


def card(model: Checkpoint) -> str:
    """The model card, for people."""
    about, network = model.provenance, model.network
    figures, training = about["figures"], about["training"]
    rows = []
    for name in [*figures["open"]["collections"], "all"]:
        told, given = (
            figures[kind] if name == "all" else figures[kind]["collections"][name]
            for kind in ("open", "given")
        )
        rows.append(
            f"| {name} | {told['pieces']} | {told['notes']:,} | {told['nats_per_note']:.2f} "
            f"| {given['nats_per_note']:.2f} | {told['nats_per_beat']:.2f} "
            f"| {told['unigram_nats_per_note']:.2f} | {told['bigram_nats_per_note']:.2f} |"
        )
    shares = about["shares"].items()
    return _CARD.format(
        **{key: network[key] for key in ("layers", "cell", "width")},
        name=about["name"],
        about=about["about"],
        history=about["history"],
        instruments=", ".join(instrument.name for instrument in INSTRUMENTS),
        classes=len(INSTRUMENTS),
        parameters=sum(weight.size for weight in model.weights.values()),
        minutes=round(training["minutes"]),
        steps=training["steps"],
        notes=training["notes_seen"],
        int8_loss=figures["int8_loss_nats_per_note"],
        protocol=figures["protocol"],
        rows="\n".join(rows),
        tasks="\n".join(
            f"| {name} | {told['notes']:,} | {told['nats_per_note']:.2f} "
            f"| {told['fields']['pitch']:.2f} | {told['unigram_nats_per_note']:.2f} "
            f"| {told['bigram_nats_per_note']:.2f} |"
            for name, told in figures["tasks"].items()
        ),
        fields=", ".join(f"{name} {nats:.2f}" for name, nats in figures["open"]["fields"].items()),
        credits="\n".join(
            f"| {name} | {share:.1%} | {about['credits'][name]} |" for name, share in shares
        ),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["train", "pack"])
    parser.add_argument("data", type=Path)
    parser.add_argument("run", type=Path)
    parser.add_argument("--start", type=Path, help="a model whose weights training begins with")
    arguments = parser.parse_args()
    if arguments.what == "train":
        train(arguments.data, arguments.run, arguments.start)
    else:
        pack(arguments.data, arguments.run)


if __name__ == "__main__":
    main()
