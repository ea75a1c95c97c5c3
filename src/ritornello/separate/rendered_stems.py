"""MIDI to rendered stems: any number of training examples whose stems are known exactly.

An example is a few seconds of music in the parts bass, drums, piano and other (`PARTS`). What is
played is drawn in the main process (`SongBook.draw`: which songs, from where, by which sounds) and
rendered in others (`play`), so that an example is a function of the songs, the settings and its
number alone, whatever the number of processes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from os import PathLike
from pathlib import Path

import numpy as np

from ritornello.corpus.augment import augment
from ritornello.corpus.pool import Failure, map_in_processes
from ritornello.corpus.scan import scan
from ritornello.corpus.store import Corpus
from ritornello.dsp.sound_files import write_audio
from ritornello.dsp.waveform import Waveform
from ritornello.errors import InputError, RitornelloError
from ritornello.music.instruments import INSTRUMENTS
from ritornello.music.io import read_with_repairs
from ritornello.music.piece import Piece, Track
from ritornello.rng import Rng
from ritornello.separate.stem_examples import StemExamples, write_examples
from ritornello.separate.stem_folders import PARTS, part_of
from ritornello.separate.stem_player import RENDER_RATE_HZ, Example, Line, RenderConfig, Score, play

_TRIES = 6
_MOST_LINES = 4  # of one part; an orchestra has many more
_KEEPS_PART = 0.85
_OWN_PROGRAM = 0.4
_LINE_SPREAD_DB = 4.0
_TIMEOUT_SECONDS = 300.0


class SongBook:
    """Songs to sample examples from.

    Collections are drawn by the square root of their size, so that a large one does not drown a
    small one.

    Args:
        read: gives the piece of a number.
        names: of the songs, by number. collections: where each belongs.

    Raises:
        InputError: if no song has a note.
    """

    def __init__(
        self, read: Callable[[int], Piece], names: Sequence[str], collections: Sequence[str]
    ) -> None:
        self.read, self.names, self.collections = read, names, np.array(collections)
        self.parts = np.zeros((len(names), len(PARTS)), bool)
        for index in range(len(names)):
            for track in read(index).tracks:
                self.parts[index, _part(track)] |= len(track) > 0
        if not self.parts.any():
            raise InputError(
                f"None of the {len(names)} songs has a note.", next_step="Give MIDI files of songs."
            )

    @classmethod
    def of_corpus(
        cls, corpus: Corpus, side: str, leave_out: frozenset[str] = frozenset()
    ) -> SongBook:
        """The songs of one side of a corpus, but for those of these file names."""
        indices = [
            int(index)
            for index in corpus.indices(side)
            if Path(corpus.name_of(index)).name not in leave_out
        ]
        return cls(
            lambda index: corpus.piece(indices[index]),
            [corpus.name_of(index) for index in indices],
            [corpus.collection_of(index) for index in indices],
        )

    @classmethod
    def of_folder(cls, folder: str | PathLike[str]) -> SongBook:
        """The music files of a folder that can be used, read when they are drawn.

        Raises:
            InputError: if there are none.
        """
        found = scan(folder)
        used = found.used
        if not used:
            raise InputError(
                f"None of the {len(found.files)} files can be used.",
                where=str(folder),
                next_step="Give MIDI files of songs.",
            )
        return cls(
            lambda index: read_with_repairs(found.folder / used[index].path)[0],
            [item.path for item in used],
            [item.collection for item in used],
        )

    @classmethod
    def of_pieces(cls, pieces: Sequence[Piece]) -> SongBook:
        """Songs in memory, such as composed ones."""
        names = [piece.title or f"song {number}" for number, piece in enumerate(pieces, 1)]
        return cls(lambda index: pieces[index], names, ["songs"] * len(pieces))

    def draw(self, config: RenderConfig, number: int) -> Score:
        """The score of the example with a number."""
        rng = np.random.default_rng((config.seed, number))
        lines: list[Line] = []
        names: list[str] = []
        if rng.random() < config.mixed:
            there = np.flatnonzero(self.parts.any(axis=0))
            kept = [part for part in there if rng.random() < _KEEPS_PART]
            for part in kept or [rng.choice(there)]:
                index = self._draw_song(self.parts[:, part], rng)
                lines += self._lines(index, {int(part)}, config, rng)
                names.append(self.names[index])
        else:
            # Whole songs: those with three parts or, where there is none, with as many as can be.
            sizes = self.parts.sum(axis=1)
            index = self._draw_song(sizes >= min(3, sizes.max()), rng)
            lines += self._lines(index, set(range(len(PARTS))), config, rng)
            names.append(self.names[index])
        return Score(tuple(lines), tuple(names), config, (config.seed, number))

    def _draw_song(self, wanted: np.ndarray, rng: Rng) -> int:
        collections, sizes = np.unique(self.collections[wanted], return_counts=True)
        collection = rng.choice(collections, p=np.sqrt(sizes) / np.sqrt(sizes).sum())
        return int(rng.choice(np.flatnonzero(wanted & (self.collections == collection))))

    def _lines(self, index: int, parts: set[int], config: RenderConfig, rng: Rng) -> list[Line]:
        """Some parts of a song in another key, from where most of them play."""
        piece = augment(self.read(index), rng)
        tracks = [track for track in piece.tracks if len(track) and _part(track) in parts]
        times = [_seconds(piece, track) for track in tracks]
        onsets = np.concatenate([onset for onset, _ in times])
        best: list[tuple[Track, np.ndarray]] = []
        for onset in rng.choice(onsets, _TRIES):
            start = max(0.0, onset - rng.uniform(0, config.seconds / 2))
            heard = [
                (track, notes)
                for track, time in zip(tracks, times, strict=True)
                if len(notes := _cut(track, *time, start, config.seconds))
            ]
            if len({_part(track) for track, _ in heard}) > len({_part(track) for track, _ in best}):
                best = heard
        lines = []
        for part in sorted({_part(track) for track, _ in best}):
            of_part = [each for each in best if _part(each[0]) == part]
            for chosen in rng.permutation(len(of_part))[:_MOST_LINES]:
                track, notes = of_part[chosen]
                lines.append(_line(part, track, notes, config, rng))
        return lines


def render_examples(
    songs: SongBook, config: RenderConfig, *, count: int, first: int = 0, workers: int | None = None
) -> Iterator[Example]:
    """Examples number ``first`` and following, in order.

    Args:
        workers: processes; by default one for each processor, 0 for none but this.

    Raises:
        RitornelloError: if an example cannot be rendered.
    """
    scores = (songs.draw(config, number) for number in range(first, first + count))
    if workers == 0:
        yield from map(play, scores)
        return
    answers = map_in_processes(play, scores, workers=workers, timeout_seconds=_TIMEOUT_SECONDS)
    for number, answer in enumerate(answers, first):
        if isinstance(answer, Failure):
            raise RitornelloError(f"Example {number} could not be rendered: {answer.detail}")
        yield answer


def save_examples(
    songs: SongBook,
    config: RenderConfig,
    folder: str | PathLike[str],
    *,
    count: int,
    first: int = 0,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> StemExamples:
    """Render examples into a folder for training; arguments and errors as `render_examples`.

    Args:
        folder: older examples there are replaced.
        progress: called with (examples done, examples in all).

    Raises:
        OutputError: if the folder cannot be written.
    """

    def told() -> Iterator[tuple[np.ndarray, tuple[str, ...]]]:
        made = render_examples(songs, config, count=count, first=first, workers=workers)
        for done, example in enumerate(made, 1):
            yield example.stems, example.sources
            if progress:
                progress(done, count)

    return write_examples(
        folder, told(), count=count, samples=config.samples, rate_hz=config.rate_hz
    )


def render_stem_folders(
    music: str | PathLike[str],
    folder: str | PathLike[str],
    *,
    count: int = 100,
    seconds: float = 20.0,
    soundfonts: Sequence[str | PathLike[str]] = (),
    seed: int = 0,
    workers: int | None = None,
    overwrite: bool = False,
) -> list[Path]:
    """Songs with their stems out of a folder of MIDI files, to train a separator with.

    Args:
        music: read with all its sub-folders. folder: gets a folder for each song; see
            `save_stem_folders`.
        count: songs, or rather stretches of them. seconds: length of each, at 44,100 Hz.
        soundfonts: paths; none for the font of the package.
        workers: see `render_examples`.

    Raises:
        InputError: if no file can be used. OutputError: if a file exists or cannot be written.
    """
    config = RenderConfig(44_100, seconds, tuple(map(str, soundfonts)), seed=seed)
    examples = render_examples(SongBook.of_folder(music), config, count=count, workers=workers)
    return save_stem_folders(examples, folder, overwrite=overwrite)


def save_stem_folders(
    examples: Iterator[Example], folder: str | PathLike[str], *, overwrite: bool = False
) -> list[Path]:
    """Write examples as people keep stems: ``<folder>/<song>/<stem>.flac`` and ``mix.flac``.

    Parts that rest have no file. `ritornello.separate.stem_folders.read_songs` reads the folder.

    Returns:
        The folders of the songs.

    Raises:
        OutputError: if a file exists or cannot be written.
    """
    places = []
    for number, example in enumerate(examples, 1):
        place = Path(folder) / f"song{number:03d}"
        for name, sound in (("mix", example.mix), *zip(PARTS, example.stems.T, strict=True)):
            if sound.any():
                waveform = Waveform(np.ascontiguousarray(sound[:, None]), example.rate_hz)
                write_audio(waveform, place / f"{name}.flac", overwrite=overwrite)
        places.append(place)
    return places


# --- from a song to lines -------------------------------------------------------------------------


def _part(track: Track) -> int:
    return PARTS.index(part_of(INSTRUMENTS[track.instrument].name))


def _seconds(piece: Piece, track: Track) -> tuple[np.ndarray, np.ndarray]:
    """Onset and end of each note in seconds."""
    onsets, durations = track.notes["onset"], track.notes["duration"]
    return piece.ticks_to_seconds(onsets), piece.ticks_to_seconds(onsets + durations)


def _cut(
    track: Track, onsets: np.ndarray, ends: np.ndarray, start: float, seconds: float
) -> np.ndarray:
    """Notes that sound in a stretch, as of `Line.notes`; those that began before begin with it."""
    inside = (onsets < start + seconds) & (ends > start)
    times = np.stack([np.maximum(onsets[inside] - start, 0), ends[inside] - start], axis=1)
    notes = track.notes[inside]
    samples = np.rint(times * RENDER_RATE_HZ).astype(np.int64)
    return np.column_stack([samples, notes["pitch"], notes["velocity"]])


def _line(part: int, track: Track, notes: np.ndarray, config: RenderConfig, rng: Rng) -> Line:
    """A player for these notes: one of the fonts and of the instrument's programs."""
    programs = INSTRUMENTS[track.instrument].programs
    fonts = config.soundfonts or ("",)
    own = track.is_drum or rng.random() < _OWN_PROGRAM
    return Line(
        part,
        notes,
        track.program if own else int(rng.choice(programs)),
        track.is_drum,
        # Other fonts change nothing else.
        fonts[int(rng.random() * len(fonts))],
        float(rng.random()),
        float(rng.uniform(-_LINE_SPREAD_DB, _LINE_SPREAD_DB)),
    )
