"""Going on from a model's weights with other music: its styles stay, and the new ones join them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import torch
from torch import nn

from ritornello.errors import ConfigError
from ritornello.json_values import JsonObject
from ritornello.music.piece import Piece
from ritornello.note_model.checkpoint import Checkpoint
from ritornello.note_model.encoding import piece_controls
from ritornello.note_model.encoding.sequences import Sequences
from ritornello.note_model.network import NoteModel
from ritornello.note_model.plan_inputs import add_plan_inputs
from ritornello.training.batches import Music
from ritornello.training.validate import choose, score

# Events of the new music by which collections of a model are compared, and how many go on to the
# next round: a few events leave out most of them.
_ROUNDS = ((600, 6), (3000, 1))
_STANDS_OUT = 0.01  # of the nats of no style, by which the likest is to be better
_TABLE = "embed.table.weight"


class JoinedMusic:
    """Music whose collections come after those of a model, as `ritornello.training.batches.Music`.

    A collection that the model knows by name is the model's.

    Args:
        music: whatever is to be learned. known: the collections of the model.
    """

    def __init__(self, music: Music, known: tuple[str, ...]) -> None:
        self._music = music
        self.new = tuple(name for name in music.collections if name not in known)
        self.collections = (*known, *self.new)

    @property
    def note_counts(self) -> np.ndarray:
        return self._music.note_counts

    def piece(self, index: int) -> Piece:
        return self._music.piece(index)

    def collection_of(self, index: int) -> str:
        return self._music.collection_of(index)

    def indices(self, split: str) -> np.ndarray:
        return self._music.indices(split)


def begin_with(
    model: NoteModel,
    start: Checkpoint,
    music: Music,
    say: Callable[[str], None] = lambda sentence: None,
) -> None:
    """Give a network the weights of a model, with room for the collections that are new.

    What a new collection is at first is the one of the model that predicts its music clearly best,
    or music of none.

    Args:
        model: of the same settings, but for dropout and collections.
        start: the model. Its collections come first among those of ``music``. Where it hears no
            plans and the network does, what it hears of them counts nothing at first.
        say: called with the collection that is likest.

    Raises:
        ConfigError: if the settings differ.
    """
    if model.config.plan:
        start = add_plan_inputs(start)
    settings = model.settings()
    free = ("dropout", "collections")
    ours = {name: value for name, value in settings.items() if name not in free}
    theirs = {name: start.network.get(name) for name in ours}
    known = start.collections
    if ours != theirs or music.collections[: len(known)] != known:
        raise ConfigError(
            "A model can go on learning as the same network with its own collections first: "
            f"found {theirs} with {known}, expected {ours} with {music.collections}.",
        )
    new = tuple(music.collections[len(known) :])
    if new:
        like = _likest(start, music, model)
        say(
            f"Among the styles of the model, your music is most like {like}."
            if like
            else "No style of the model stands out as being like your music."
        )
        start = with_room(start, new, like)
    take_weights(model, start.weights)


def take_weights(network: nn.Module, weights: Mapping[str, np.ndarray]) -> None:
    """Give a network weights by their names, as files keep them."""
    network.load_state_dict({name: torch.as_tensor(weight) for name, weight in weights.items()})


def with_room(start: Checkpoint, new: tuple[str, ...], like: str | None) -> Checkpoint:
    """A model with new collections after its own, each at first as one that it has, or as none."""
    known = len(start.collections)
    table = start.weights[_TABLE]
    # The rows of the controls are the last, and the collection is the first of them.
    first = len(table) - sum(piece_controls.sizes(known).values())
    chosen = first + (known if like is None else start.collections.index(like))
    rows = np.repeat(table[chosen : chosen + 1], len(new), axis=0)
    grown = np.concatenate([table[: first + known], rows, table[first + known :]])
    collections = (*start.collections, *new)
    return replace(
        start,
        weights={**start.weights, _TABLE: grown},
        network={**start.network, "collections": len(collections)},
        collections=collections,
    )


def _likest(start: Checkpoint, music: Music, model: NoteModel) -> str | None:
    """The collection as which a model predicts music best; None where none is clearly better than
    to be of no collection."""
    network = NoteModel(replace(model.config, collections=len(start.collections)))
    take_weights(network, start.weights)
    network.eval()
    names: list[str | None] = [*start.collections, None]
    left: list[int] = [*range(len(names))]  # the last is that of music of no collection
    for events, kept in _ROUNDS:
        rows = [row for _, row in choose(music, events, "compose", split="train")]

        def nats_as(collection: int, rows: list[Sequences] = rows) -> float:
            asked = [np.array([collection, *row.controls[1:]]) for row in rows]
            called = [replace(row, controls=each) for row, each in zip(rows, asked, strict=True)]
            return float(score(network, called)[0].sum())

        left = sorted(left, key=nats_as)[:kept]
    stands_out = nats_as(left[0]) < (1 - _STANDS_OUT) * nats_as(len(names) - 1)
    return names[left[0]] if stands_out else None


def provenance_of(start: Checkpoint, name: str) -> JsonObject:
    """The provenance that a fine-tuned model takes over from the model it began with."""
    said: JsonObject = start.provenance
    kept: JsonObject = {key: value for key, value in said.items() if key in ("styles", "credits")}
    return {**kept, "begun_with": {"name": name, "data": said.get("data", [])}}
