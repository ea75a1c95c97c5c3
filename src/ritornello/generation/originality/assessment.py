"""How much of a piece stands in a model's training music, and how to have one that copies less."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from ritornello.corpus.store import Corpus
from ritornello.errors import CheckpointError, ConfigError
from ritornello.files import load
from ritornello.generation.originality.copying import WINDOWS_QUARTERS
from ritornello.generation.originality.index import INDEX_FILE, Originality, TrainingIndex, describe
from ritornello.music.piece import Piece
from ritornello.note_model.library import DEFAULT_MODEL, find_model

_BAR, _TWO_BARS = WINDOWS_QUARTERS
# From one seed to the next that is tried: more than people number pieces with, so that pieces made
# with seeds beside each other never become the same one.
_NEXT_SEED = 1_000_003


@dataclass(frozen=True)
class Limit:
    """The largest share of a piece, all parts together, that may stand in the training music.

    Attributes:
        longest_quarters: the longest passage, in quarter notes.
        two_bar_share: of the windows of eight quarters, those that are found.
        one_bar_share: of the windows of four quarters; by default that of real held-out music, or
            one window in short pieces. Without held-out music nothing is asked of it.
    """

    longest_quarters: int = _TWO_BARS - 1
    two_bar_share: float = 0.0
    one_bar_share: float | None = None


@dataclass(frozen=True)
class Attempt:
    """The most original of the pieces that were tried, and how many were tried.

    Attributes:
        piece, seed: it, and what it was made with.
        tries: how many pieces were made.
        originality: of the piece.
        within_limit: whether it keeps to the limit; if not, it is the one that copies least.
    """

    piece: Piece
    seed: int
    tries: int
    originality: Originality
    within_limit: bool


def originality(
    piece: Piece | str | PathLike[str], *, model: str | PathLike[str] = DEFAULT_MODEL
) -> Originality:
    """The share of a piece that stands in a model's training music, in any transposition.

    For many pieces, keep `training_index` and call its ``measure``.

    Args:
        piece: or a file of one. model: a name or path.

    Returns:
        Shares of windows of one and two bars and the longest passage, see
        `ritornello.generation.originality.index.Copied`.

    Raises:
        CheckpointError: if there is no such model, or it has no index of its training music.
        InputError: if the file cannot be read.
    """
    index = training_index(model)
    return index.measure(load(piece))


def training_index(model: str | PathLike[str] = DEFAULT_MODEL) -> TrainingIndex:
    """The index of a model's training music, which lies beside the model.

    Raises:
        CheckpointError: if there is no such model, or no whole index of this version beside it.
    """
    return TrainingIndex.load(find_model(model).with_name(INDEX_FILE))


def write_training_index(
    music: Corpus, folder: Path, *, held_out: Iterable[Piece] | None = None
) -> Path:
    """Write the index of a corpus beside its model, unless it is there already.

    Args:
        music: its "train" side is indexed.
        folder: of the model.
        held_out: real pieces to compare with; by default the "valid" side.
    """
    path = folder / INDEX_FILE
    if path.is_file():
        try:
            if describe(path)["music"] == music.fingerprint:
                return path
        except CheckpointError:
            pass  # damaged or of another version: it is replaced
    taught = music.indices("train").tolist()
    if held_out is None:
        held_out = map(music.piece, music.indices("valid").tolist())
    TrainingIndex.build(map(music.piece, taught), held_out=held_out, music=music.fingerprint).save(
        path
    )
    return path


def most_original(
    make: Callable[[int], Piece],
    index: TrainingIndex,
    *,
    limit: Limit = Limit(),
    seed: int = 0,
    tries: int = 10,
) -> Attempt:
    """Make pieces with one seed after another until one copies no more than a limit.

    >>> from ritornello import Composer
    >>> composer, index = Composer.load(), training_index()
    >>> attempt = most_original(lambda seed: composer.compose(bars=4, seed=seed), index)
    >>> attempt.piece.bar_count
    4

    Args:
        make: the piece of a seed. index: of the training music.
        seed: the first that is tried; the further ones follow from it alone.
        tries: how many pieces are made at most.

    Returns:
        The first piece within the limit, or the one that copies least if none is.

    Raises:
        ConfigError: if nothing may be tried.
    """
    if tries < 1:
        raise ConfigError(f"At least one try is needed; found {tries}.")
    best: Attempt | None = None
    for number in range(tries):
        tried = seed + number * _NEXT_SEED
        piece = make(tried)
        found = index.measure(piece)
        within = _within(found, limit, index)
        if best is None or within or _copying_order(found) < _copying_order(best.originality):
            best = Attempt(piece, tried, number + 1, found, within)
        if within:
            break
    assert best is not None  # there was a try
    return Attempt(best.piece, best.seed, number + 1, best.originality, best.within_limit)


def _copying_order(found: Originality) -> tuple[float, int, float]:
    """What counts as copying more: two bars, then the longest passage, then one bar."""
    texture = found.texture
    return _share(found, _TWO_BARS), texture.longest_quarters, _share(found, _BAR)


def _within(found: Originality, limit: Limit, index: TrainingIndex) -> bool:
    two_bars, longest, one_bar = _copying_order(found)
    most = limit.one_bar_share
    if most is None:
        usual = index.held_out.get("texture", {}).get("shares", {}).get(str(_BAR), 1.0)
        most = max(usual, 1 / max(1, found.texture.windows[_BAR]))
    return two_bars <= limit.two_bar_share and longest <= limit.longest_quarters and one_bar <= most


def _share(found: Originality, quarters: int) -> float:
    share = found.texture.shares[quarters]
    return 0.0 if math.isnan(share) else share
