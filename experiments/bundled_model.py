"""Make the bundled model: train it by its recipe, then measure it and put it in the package.

    python -m experiments.bundled_model train DATA RUN --minutes 600    # resumes what RUN holds
    python -m experiments.bundled_model compare DATA RUN                # beside the bundled one
    python -m experiments.bundled_model pack DATA RUN                   # figures, int8 file, card

DATA has a folder for each set. A run begins with the weights of the bundled model, or of
``--begin``, and is planned to end after its minutes; more minutes go on with a finished one.
Several processes share it: ``torchrun --nproc-per-node 2 -m experiments.bundled_model train ...``.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

from experiments.edition_sets import EditionSets, begun_with, by_set, stored
from ritornello.api import write_training_index
from ritornello.music.instruments import INSTRUMENTS
from ritornello.music.piece import Piece
from ritornello.note_model import checkpoint
from ritornello.note_model.checkpoint import Checkpoint
from ritornello.note_model.encoding import notes
from ritornello.note_model.encoding.tasks import TASKS
from ritornello.note_model.likelihood import evaluate

_PACKAGE = Path(__file__).resolve().parent.parent / "src" / "ritornello"
_TARGET = _PACKAGE / "assets" / "models" / "default" / checkpoint.MODEL_FILE
_LONGEST_EVENTS = 1024


def read_recipe() -> dict[str, Any]:
    return tomllib.loads((Path(__file__).parent / "default.toml").read_text())


def music_of(data: Path, run: Path, recipe: dict[str, Any], known: tuple[str, ...]) -> EditionSets:
    """The sets of a run; the collections of the model that it begins with come first."""
    corpus, new = stored(data, run, [*recipe["shares"]])
    return EditionSets(corpus, new, data, known)


def train(data: Path, run: Path, minutes: float, start: Path, **changes: Any) -> None:
    """Train an edition, or go on with it.

    Args:
        start: the model it begins with. changes: of settings of the recipe.
    """
    from ritornello.training import ranks as processes
    from ritornello.training.config import TrainConfig
    from ritornello.training.loop import Progress
    from ritornello.training.loop import train as train_model

    def watch(progress: Progress) -> None:
        if progress.step % 50 == 0:
            print(progress, flush=True)

    recipe = read_recipe()
    ranks = processes.joined()
    begin = checkpoint.load(checkpoint.find(start))
    if ranks.writes:
        stored(data, run, [*recipe["shares"]])
    ranks.first(None)  # the others wait for the corpus
    music = music_of(data, run, recipe, begin.collections)
    shares = music.shares(recipe["shares"])
    settings = {"threads": 1, **recipe["train"], "minutes": minutes, **changes}
    config = TrainConfig(**settings, shares=shares)
    train_model(
        music,
        run,
        config,
        start=begun_with(begin, music),
        provenance=_provenance(recipe),
        watch=watch,
        say=print,
        ranks=ranks,
    )
    processes.left()


def compare(data: Path, run: Path, every: int, *, now: bool) -> None:
    """Print nats a note of a run beside the bundled model, by set and by task."""
    models = {"bundled": checkpoint.load(_TARGET), "run": model_of(run, now=now)}
    music = music_of(data, run, read_recipe(), models["run"].collections)
    for name, model in models.items():
        held_out = _held_out(music, model)[::every]
        told = evaluate(model, held_out, controls="given", longest=_LONGEST_EVENTS)
        planned = evaluate(model, held_out, controls="given", longest=_LONGEST_EVENTS, plan=True)
        figures = {
            "all": told["nats_per_note"],
            "told its plan": planned["nats_per_note"],
            "sets": {key: row["nats_per_note"] for key, row in by_set(told, music).items()},
            "tasks": _by_task(model, held_out),
        }
        print(json.dumps({name: figures}), flush=True)


def _by_task(model: Checkpoint, held_out: list[tuple[str, Piece]]) -> dict[str, float]:
    return {
        task: evaluate(model, held_out[::2], controls="given", task=task, longest=_LONGEST_EVENTS)[
            "nats_per_note"
        ]
        for task in TASKS
    }


def model_of(run: Path, *, now: bool) -> Checkpoint:
    """The model of a run: the best of its validations, or its moving average as it is now."""
    best = checkpoint.load(checkpoint.find(run))
    if not now:
        return best
    from ritornello.training import run_state
    from ritornello.training.loop import RESUME_FILE

    state = run_state.load(run / RESUME_FILE)
    weights = {name: tensor.numpy() for name, tensor in state["average"].items()}
    spent = state["spent"]
    training = {
        **best.provenance["training"],
        "steps": spent["steps"],
        "notes_seen": int(spent["count"]),
        "minutes": round(spent["seconds"] / 60, 1),
    }
    about = {key: value for key, value in best.provenance.items() if key != "validation"}
    return replace(best, weights=weights, provenance={**about, "training": training})


def _held_out(music: EditionSets, model: Checkpoint) -> list[tuple[str, Piece]]:
    """Held-out pieces without a near copy in training, each by its style if a model knows it."""
    found = []
    for index in music.unseen:
        style, of_set = music.collection_of(index), music.set_of(index)
        found.append((style if style in model.collections else of_set, music.piece(index)))
    return found


def pack(data: Path, run: Path, every: int, *, now: bool) -> None:
    """Put a run's model into the package, with index, figures and card.

    Args:
        every: figures are those of each so many held-out pieces.
    """
    recipe = read_recipe()
    model = model_of(run, now=now)
    music = music_of(data, run, recipe, model.collections)
    target = _TARGET
    checkpoint.save(model, target, int8=True)
    rounded = checkpoint.load(target)
    held_out = _held_out(music, model)
    index = write_training_index(music.corpus, run, held_out=(piece for _, piece in held_out))
    shutil.copyfile(index, target.with_name(index.name))
    held_out = held_out[::every]
    pieces = "each" if every == 1 else f"each {every}th"
    figures: dict[str, Any] = {
        "protocol": f"the first {_LONGEST_EVENTS} events of {pieces} validation piece that has no "
        "near copy in training; teacher forced, state new for each piece, int8 weights",
        **{
            controls: evaluate(rounded, held_out, controls=controls, longest=_LONGEST_EVENTS)
            for controls in ("open", "given")
        },
    }
    for controls in ("open", "given"):
        figures[controls]["collections"] = by_set(figures[controls], music)
    planned = evaluate(rounded, held_out, controls="given", longest=_LONGEST_EVENTS, plan=True)
    figures["planned"] = planned["nats_per_note"]
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


def line_ups(
    music: EditionSets, shares: dict[str, float]
) -> list[tuple[tuple[str, ...], float, str]]:
    """Who plays when nobody says, as often as the set's share; drums alone are not a piece."""
    from ritornello.training.music_facts import common_line_ups

    names = [music.collection_of(index) for index in music.indices("train")]
    drums = {name for name, parent in music.parents.items() if parent == "groove_midi"}
    of_all = music.shares(shares)
    weights = {name: of_all[name] / names.count(name) for name in set(names) - drums}
    found = common_line_ups(
        (name, notes.encode(music.piece(index)), weights[name])
        for index, name in zip(music.indices("train"), names, strict=True)
        if name in weights
    )
    # A piece that nobody asks more of is in 4/4.
    return [(players, weight, name) for players, weight, name, _ in found]


def minors(music: EditionSets) -> dict[str, float]:
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

Nats a note by field (open): {fields}. Told the plan of each piece as well as what is given:
{planned:.2f} in all.

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
levels of loudness. It was trained for some hours on a CPU: phrases are coherent, long forms only
where a plan says them. It has no notion of lyrics, and has heard no music written after 1930 but
that of games. It may by chance write a passage of its training music: `ritornello originality`
measures it, with the index beside the model, from which no music can be rebuilt.
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
        planned=figures["planned"],
        fields=", ".join(f"{name} {nats:.2f}" for name, nats in figures["open"]["fields"].items()),
        credits="\n".join(
            f"| {name} | {share:.1%} | {about['credits'][name]} |" for name, share in shares
        ),
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["train", "compare", "pack"])
    parser.add_argument("data", type=Path)
    parser.add_argument("run", type=Path)
    parser.add_argument("--begin", type=Path, default=_TARGET, help="whose weights to begin with")
    parser.add_argument("--minutes", type=float, default=600.0, help="of the clock, all sittings")
    parser.add_argument("--every", type=int, default=1, help="figures of each so many pieces")
    parser.add_argument("--now", action="store_true", help="weights as they are, not the best")
    arguments = parser.parse_args()
    if arguments.what == "train":
        train(arguments.data, arguments.run, arguments.minutes, arguments.begin)
    elif arguments.what == "compare":
        compare(arguments.data, arguments.run, arguments.every, now=arguments.now)
    else:
        pack(arguments.data, arguments.run, arguments.every, now=arguments.now)


if __name__ == "__main__":
    main()
