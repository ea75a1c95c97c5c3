"""The songs of `lakh-lstm`: found, without copies, split by song, and spelt as tokens."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ritornello.corpus.duplicates import near_groups, signature
from ritornello.errors import InputError
from ritornello.music.grid import on_grid
from ritornello.music.io import read
from ritornello.music.piece import Piece
from ritornello.papers.lakh_lstm import encoding as chord_tokens
from ritornello.papers.lakh_lstm.encoding import Losses, Vocabulary
from ritornello.papers.lakh_lstm.lakh import read_lakh
from ritornello.papers.shared.study import Study

STAND_IN = "pop909"
_HELD_OUT = 0.1  # share of the songs in validation, and again in test
_ORDER_SEED = 0  # the songs and their split are the same for every seed of a study
SIDES = ("train", "valid", "test")


@dataclass(frozen=True)
class Song:
    """A song, its tokens and what they lose. ``genre`` is empty where none is told."""

    name: str
    piece: Piece
    genre: str
    tokens: list[str]
    losses: Losses


@dataclass(frozen=True)
class Songs:
    """The songs of a study.

    Attributes:
        train, valid, test: songs of each side.
        vocabulary: of the training songs, rare tokens dropped.
        found: files with music (and, in Lakh, with a genre); left_out: why others are not used.
    """

    train: list[Song]
    valid: list[Song]
    test: list[Song]
    vocabulary: Vocabulary
    found: int
    left_out: dict[str, int]

    def side(self, name: str) -> list[Song]:
        return {"train": self.train, "valid": self.valid, "test": self.test}[name]

    def ids(self, name: str) -> list[np.ndarray]:
        """Ids of the known tokens of each song of a side."""
        return [self.vocabulary.thinned(song.tokens) for song in self.side(name)]

    @property
    def all(self) -> list[Song]:
        return [*self.train, *self.valid, *self.test]

    @property
    def losses(self) -> Losses:
        """Of all songs together."""
        return Losses(*np.sum([song.losses for song in self.all], axis=0).tolist())

    def unknown(self, name: str) -> tuple[int, int]:
        """Tokens of a side that the network does not know, and all its tokens."""
        tokens = [token for song in self.side(name) for token in song.tokens]
        return sum(token not in self.vocabulary.ids for token in tokens), len(tokens)

    def in_words(self) -> str:
        """What was learned from, in a few sentences with counts."""
        losses, vocabulary = self.losses, self.vocabulary
        unknown, held_out = self.unknown("test")
        left_out = "; ".join(f"{count} {reason}" for reason, count in self.left_out.items())
        genres = Counter(song.genre for song in self.all if song.genre)
        return (
            f"{len(self.all)} songs of {self.found} found ({len(self.train)} to learn from, "
            f"{len(self.valid)} for validation, {len(self.test)} for the test), {losses.notes:,} "
            f"notes as {sum(len(song.tokens) for song in self.all):,} tokens; "
            f"{len(vocabulary)} tokens known, {len(vocabulary.dropped)} rare ones dropped "
            f"({sum(vocabulary.dropped.values()):,} times in training, {unknown:,} of "
            f"{held_out:,} in the test). Left out: {left_out or 'nothing'}."
            + (f" Genres: {', '.join(f'{g} {n}' for g, n in genres.most_common())}." * bool(genres))
        )


def load_songs(study: Study) -> Songs:
    """As many songs as the budget asks for, of the user's Lakh folder or else of the stand-in.

    Raises:
        InputError: if there is no data, or it leaves fewer than three songs.
    """
    window, wanted = study.settings["window"], study.settings["songs"]
    files, left_out = _files(study)
    order = np.random.default_rng(_ORDER_SEED).permutation(len(files))
    songs: list[Song] = []
    for index in order:
        if len(songs) == wanted:
            break
        path, name, genre = files[index]
        try:
            piece = read(path)
        except InputError:
            left_out["cannot be read"] += 1
            continue
        encoded = chord_tokens.encode(piece)
        if len(encoded.tokens) <= window:
            left_out[f"of {window} tokens or fewer"] += 1
        else:
            songs.append(Song(name, piece, genre, encoded.tokens, encoded.losses))
    songs, copies = _without_copies(songs)
    left_out["near copies of another"] += copies
    if len(songs) < len(SIDES):
        raise InputError(
            f"{len(songs)} songs can be used; at least {len(SIDES)} are needed, one each to learn "
            "from, to choose by and to test on.",
            where=str(study.data or STAND_IN),
            next_step=study.recipe.wants,
        )
    held_out = max(1, round(_HELD_OUT * len(songs)))
    test, valid, train = songs[:held_out], songs[held_out : 2 * held_out], songs[2 * held_out :]
    vocabulary = Vocabulary.learn(
        (song.tokens for song in train), least=study.settings["least_count"]
    )
    found = Songs(train, valid, test, vocabulary, len(files), dict(+left_out))
    for side in SIDES:
        if max(map(len, found.ids(side))) <= window:
            raise InputError(
                f"No song of the {side} split has more than {window} known tokens.",
                where=str(study.data or STAND_IN),
                next_step="Give more or longer songs.",
            )
    return found


def _files(study: Study) -> tuple[list[tuple[Path, str, str]], Counter[str]]:
    """Path, name and genre of each song, and how many files were left out for each reason."""
    if study.data is not None:
        lakh = read_lakh(study.data)
        # Of the versions of a song the first: another would put it on two sides.
        first = {(song.artist, song.title): song for song in reversed(lakh.songs)}
        files = [(song.path, f"{song.artist}/{song.title}", song.genre) for song in first.values()]
        left_out = Counter(lakh.reasons)
        left_out["another version of a song"] += len(lakh.songs) - len(first)
        return sorted(files), left_out
    folder = study.music_set(STAND_IN)
    paths = sorted(folder.glob("*/*.mid"))
    return [(path, path.stem, "") for path in paths], Counter()


def _without_copies(songs: list[Song]) -> tuple[list[Song], int]:
    """The songs without near copies of an earlier one, and how many those were."""
    groups = near_groups([signature(on_grid(song.piece)[0]) for song in songs])
    copies = {index for group in groups for index in group[1:]}
    return [song for index, song in enumerate(songs) if index not in copies], len(copies)


def pieces_of_side(songs: Songs, side: str) -> Iterator[tuple[str, Piece, str]]:
    """The known tokens of each song of a side as a piece: what the network learns from, heard."""
    for song, ids in zip(songs.side(side), songs.ids(side), strict=True):
        yield song.name, chord_tokens.decode(songs.vocabulary.spelt(ids), title=song.name), side
