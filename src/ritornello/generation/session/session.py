"""A session: music that plays for as long as one likes, and its state as something to have.

Its state is a value. It can be kept and taken up again, tomorrow and in another process; the music
can branch, and be taken back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ritornello.errors import CheckpointError, ConfigError
from ritornello.files import save as save_piece
from ritornello.generation.rules import Rules, check_seed
from ritornello.generation.sampling import Sampling
from ritornello.generation.session.improvisation import Improvisation
from ritornello.generation.session.snapshot import Snapshot
from ritornello.generation.writer import Event
from ritornello.json_values import JsonObject
from ritornello.music.piece import Piece
from ritornello.note_model.encoding import notes
from ritornello.note_model.encoding.notes import FIRST_PART, PART, REST, SHIFT
from ritornello.plan.swing import as_swung, even_swing, swung_later

CHANGEABLE = (
    "tempo_bpm", "key", "parts", "polyphony", "ranges", "density", "densities", "chords",
    "collection",
)  # fmt: skip


class StreamedNote(NamedTuple):
    """A note of music without an end.

    ``onset_seconds`` counts from the start and follows the tempo and the swing; ticks are 24 a
    quarter note, and straight;
    ``part`` is the name of an instrument, such as "violin", or of its second player, "violin 2";
    ``pitch`` is a MIDI number, of drums a percussion key; ``velocity`` is 1-127.
    """

    onset_seconds: float
    duration_seconds: float
    onset_ticks: int
    duration_ticks: int
    part: str
    pitch: int
    velocity: int


class Session:
    """Endless music, composed while it is played: an iterator over notes that can be steered,
    kept, rewound and branched. From `Composer.session`.

    >>> from ritornello import Composer
    >>> session = Composer.load().session(parts=("piano", "bass"), seed=1)
    >>> verse = session.bars(2)
    >>> there = session.snapshot()
    >>> one, other = session.bars(2), session.branch(seed=2).bars(2)
    >>> session.restore(there)
    >>> session.bars(2) == one
    True

    It costs the same for each note, in time and in memory, however long it plays.

    Attributes:
        warnings: how the model read the primer otherwise than it is written, in sentences.
    """

    def __init__(
        self,
        music: Improvisation,
        model: str,
        check: Callable[[Rules, JsonObject], Rules],
        warnings: tuple[str, ...] = (),
    ) -> None:
        self._music, self._model, self._check = music, model, check
        self.warnings = warnings

    # --- playing ----------------------------------------------------------------------------------

    def __iter__(self) -> Iterator[StreamedNote]:
        return self

    def __next__(self) -> StreamedNote:
        return next(self._notes_of(self._music))

    def notes(self, count: int) -> list[StreamedNote]:
        """The next so many notes.

        Raises:
            ConfigError: if the count is not positive; so with all counts here.
        """
        return [next(self) for _ in range(_check_count("notes", count))]

    def bars(self, count: int) -> list[StreamedNote]:
        """The notes up to the bar line so many bars on; the rest of a bar begun is the first."""
        return [*self._notes_of(self._music.bars(_check_count("bars", count)))]

    def _notes_of(self, events: Iterable[Event]) -> Iterator[StreamedNote]:
        music = self._music
        ratio = music.settings.rules.swing
        for event in events:
            if FIRST_PART <= event[PART] < REST:
                yield _streamed_note(
                    event, music.onset_ticks, music.onset_seconds, music.tempo_bpm, ratio
                )

    # --- steering ---------------------------------------------------------------------------------

    @property
    def rules(self) -> Rules:
        """What is asked of the music, at the latest from the next bar line on."""
        return self._music.settings.rules

    def change(
        self, *, temperature: float | None = None, top_p: float | None = None, **fields: Any
    ) -> None:
        """Ask for something else, from the next bar line on; what is not named stays.

        Args:
            temperature, top_p: of sampling.
            fields: of `Rules`; None leaves a constraint open again. Chords begin
                with their first bar. The metre stays, and endless music has no bars to count and no
                ending.

        Raises:
            ConfigError: if it has no meaning or cannot be met; all stays as it is then.
        """
        if fixed := [name for name in fields if name not in CHANGEABLE]:
            raise ConfigError(
                f"{fixed[0]!r} cannot be changed while the music plays.",
                next_step=f"These can: {', '.join(CHANGEABLE)}, temperature, top_p.",
            )
        now = self._music.settings
        sampling = Sampling(
            now.sampling.temperature if temperature is None else temperature,
            now.sampling.top_p if top_p is None else top_p,
        )
        self._music.change(self._check(now.rules, fields), sampling)

    # --- state ------------------------------------------------------------------------------------

    def snapshot(self) -> Snapshot:
        """The state as it is now; going on does not change it."""
        return Snapshot(self._music.moment(), self._model)

    def restore(self, snapshot: Snapshot) -> None:
        """Go on from a snapshot, of this session or of any other with the same model.

        The notes that follow are the very same. It cannot be taken back to before the snapshot.

        Raises:
            CheckpointError: if it was taken with another model.
        """
        if snapshot.model != self._model:
            raise CheckpointError(
                f"The snapshot was taken with another model ({snapshot.model}, "
                f"this one is {self._model}).",
                next_step="Make a session with the model that it was taken with.",
            )
        self._music = self._music.at(snapshot.moment)

    def branch(self, seed: int | None = None) -> Session:
        """Another session with the same past, that goes its own way.

        Args:
            seed: for other music from here on; without one, both play the same until asked
                otherwise.
        """
        music = self._music.branch()
        if seed is not None:
            music.reseed(check_seed(seed))
        return Session(music, self._model, self._check, self.warnings)

    def undo(
        self, *, notes: int | None = None, bars: int | None = None, seed: int | None = None
    ) -> None:
        """Go back by so many notes or bars, to how all was then, changes that were asked included.

        Going on from there gives the very same notes again. 64 bars are remembered; there is no way
        back to before the primer's end, or before the snapshot that was restored.

        Args:
            notes: how many to take back.
            bars: to the bar line so many bars ago; of a bar that has begun, its start is the first.
            seed: for other music from there on.

        Raises:
            ConfigError: unless one of both is given, and so many are remembered; all stays then.
        """
        if (notes is None) == (bars is None):
            raise ConfigError("Give either how many notes to take back, or how many bars.")
        if seed is not None:
            check_seed(seed)
        if notes is not None:
            self._music.undo_notes(_check_count("notes", notes))
        if bars is not None:
            self._music.undo_bars(_check_count("bars", bars))
        if seed is not None:
            self._music.reseed(seed)

    # --- as a piece -------------------------------------------------------------------------------

    def piece(self, bars: int | None = None) -> Piece:
        """The last bars, the one that has begun with them, or all that is remembered.

        Remembered are the primer and what was played: at least the last 8,000 notes.

        Raises:
            InputError: if there are no notes in them.
        """
        found = self._music.piece(None if bars is None else _check_count("bars", bars))
        ratio = self._music.settings.rules.swing
        return found if ratio is None else as_swung(found, even_swing(found, ratio))

    def save(
        self, path: str | PathLike[str], *, bars: int | None = None, overwrite: bool = False
    ) -> Path:
        """Write `piece` to a file; arguments and errors are those of `ritornello.save` besides."""
        return save_piece(self.piece(bars), path, overwrite=overwrite)


def _streamed_note(
    event: Event, onset_ticks: int, seconds: float, tempo_bpm: float, ratio: float | None
) -> StreamedNote:
    track = notes.decode(np.array([(0, *event[SHIFT + 1 :])])).tracks[0]
    note = next(iter(track))
    begins, ends = (
        swung_later(tick / notes.RESOLUTION, ratio)
        for tick in (onset_ticks, onset_ticks + note.duration_ticks)
    )
    return StreamedNote(
        onset_seconds=seconds + begins * 60 / tempo_bpm,
        duration_seconds=(note.duration_ticks / notes.RESOLUTION + ends - begins) * 60 / tempo_bpm,
        onset_ticks=onset_ticks,
        duration_ticks=note.duration_ticks,
        part=track.name,
        pitch=note.pitch,
        velocity=note.velocity,
    )


def _check_count(name: str, count: int) -> int:
    if count < 1:
        raise ConfigError(f"At least 1 of the {name} is needed; asked for {count}.")
    return count
