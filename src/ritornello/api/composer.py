"""A composer: a model that is loaded once and asked for music as often as one likes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from difflib import get_close_matches
from os import PathLike
from typing import Any, NamedTuple

import numpy as np

from ritornello import checkpoint
from ritornello.api.library import DEFAULT_MODEL, find_model
from ritornello.api.partner import Partner, Watch
from ritornello.checkpoint import Checkpoint
from ritornello.encodings import notes
from ritornello.encodings.ngrams import known_instruments
from ritornello.errors import ConfigError
from ritornello.generation import compose as writing
from ritornello.generation.rules import Rules
from ritornello.generation.sampling import Sampling
from ritornello.piece import DEFAULT_TEMPO_BPM, Piece
from ritornello.runtime import open_engine


class StreamedNote(NamedTuple):
    """A note of music without an end.

    ``onset_seconds`` counts from the start and follows the tempo; ticks are 24 a quarter note;
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


class Composer(Partner):
    """Composes with one model. The same model, rules and seed give the same piece.

    >>> composer = Composer.load()
    >>> piece = composer.compose(bars=8, key="D minor", parts=("piano", "bass"), seed=7)
    >>> piece.save("song.mid")
    >>> composer.fill("song.mid", bars=(3, 4), parts=("bass",)).piece.save("other.mid")

    Attributes:
        card: what the model says of itself, see `ritornello.api.model_card`.
    """

    def __init__(self, model: Checkpoint) -> None:
        self._engine = open_engine(model)
        self._collections = model.collections
        self._line_ups = model.provenance.get("line_ups", ())
        self._known = known_instruments(model.baseline) if model.baseline else None
        self._minor_shares: dict[str, float] = model.provenance.get("minor_shares", {})
        self.card: dict[str, Any] = {
            "network": model.network,
            "encoding": model.encoding,
            "collections": list(model.collections),
            "provenance": model.provenance,
        }

    @classmethod
    def load(cls, model: str | PathLike[str] = DEFAULT_MODEL) -> Composer:
        """A composer with a model given by name, file, or the folder that training wrote.

        Raises:
            CheckpointError: if there is no such model, or it is damaged or of another version.
        """
        return cls(checkpoint.load(find_model(model)))

    @property
    def collections(self) -> tuple[str, ...]:
        """What the model can be asked to write like."""
        return self._collections

    def compose(
        self,
        rules: Rules | None = None,
        *,
        seed: int = 0,
        temperature: float = Sampling.temperature,
        top_p: float = Sampling.top_p,
        watch: Watch | None = None,
        **fields: Any,
    ) -> Piece:
        """Write one piece.

        Args:
            rules: kept exactly.
            seed: at least 0; another seed, another piece.
            temperature, top_p: how bold, see `ritornello.generation.sampling.Sampling`.
            watch: called now and then with (ticks written, ticks in all).
            fields: of `Rules`, in place of those of ``rules``: ``bars=8, key="D minor"``.

        Raises:
            ConfigError: if a rule has no meaning or cannot be met; nothing is done then.
        """
        return self.compose_many(
            1, rules, seed=seed, temperature=temperature, top_p=top_p, watch=watch, **fields
        )[0]

    def compose_many(
        self,
        n: int,
        rules: Rules | None = None,
        *,
        seed: int = 0,
        temperature: float = Sampling.temperature,
        top_p: float = Sampling.top_p,
        watch: Watch | None = None,
        **fields: Any,
    ) -> list[Piece]:
        """Write pieces side by side, with the seeds ``seed``, ``seed + 1``, ...

        Each is the piece that `compose` writes with its seed. Arguments and errors are those of
        `compose`.
        """
        if n < 1:
            raise ConfigError(f"At least one piece is needed; asked for {n}.")
        asked = self._checked(rules, seed, fields)
        seeds = range(seed, seed + n)
        pieces = writing.compose(
            self._engine,
            asked,
            seeds=seeds,
            sampling=Sampling(temperature, top_p),
            collections=self._collections,
            line_ups=self._line_ups,
            minor_share=self._minor_share(asked.collection),
            **({} if watch is None else {"watch": watch}),
        )
        return [
            replace(piece, title=f"Piece {number}")
            for number, piece in zip(seeds, pieces, strict=True)
        ]

    def stream(
        self,
        rules: Rules | None = None,
        *,
        seed: int = 0,
        temperature: float = Sampling.temperature,
        top_p: float = Sampling.top_p,
        **fields: Any,
    ) -> Iterator[StreamedNote]:
        """Notes for ever, in the order they start, at constant cost and memory.

        ``bars`` has no meaning here. Arguments and errors are those of `compose`.
        """
        asked = self._checked(rules, seed, fields)
        events = writing.stream(
            self._engine,
            asked,
            seed=seed,
            sampling=Sampling(temperature, top_p),
            collections=self._collections,
            line_ups=self._line_ups,
        )
        return _timed(events, asked.tempo_bpm)

    def _minor_share(self, collection: str | None) -> float | None:
        """How often such music is in minor; None where the model does not say."""
        shares = self._minor_shares
        if collection in shares:
            return shares[collection]
        return sum(shares.values()) / len(shares) if shares else None

    def _checked(self, rules: Rules | None, seed: int, fields: dict[str, Any]) -> Rules:
        asked = replace(rules or Rules(), **fields)
        if seed < 0:
            raise ConfigError(f"A seed is a whole number from 0 up; found {seed}.")
        if asked.collection is not None and asked.collection not in self._collections:
            near = get_close_matches(asked.collection, self._collections, n=1)
            hint = f"Did you mean {near[0]!r}? " if near else ""
            raise ConfigError(
                f"The model does not know a collection {asked.collection!r}.",
                next_step=f"{hint}Known: {', '.join(self._collections) or 'none'}.",
            )
        return asked


def _timed(events: Iterator[writing.Event], tempo_bpm: float | None) -> Iterator[StreamedNote]:
    """Notes with their times, through the tempo events unless one tempo is given."""
    bpm = tempo_bpm or DEFAULT_TEMPO_BPM
    ticks, seconds = 0, 0.0
    for shift, part, pitch, duration, velocity in events:
        seconds_per_tick = 60 / (bpm * notes.RESOLUTION)
        ticks += shift
        seconds += shift * seconds_per_tick
        if part == notes.TEMPO and tempo_bpm is None:
            bpm = notes.tempo_bpm(pitch - notes.TEMPO_PITCH)
        if not notes.FIRST_PART <= part < notes.REST:
            continue
        track = notes.decode(np.array([(0, part, pitch, duration, velocity)])).tracks[0]
        note = next(iter(track))
        yield StreamedNote(
            onset_seconds=seconds,
            duration_seconds=note.duration_ticks * seconds_per_tick,
            onset_ticks=ticks,
            duration_ticks=note.duration_ticks,
            part=track.name,
            pitch=note.pitch,
            velocity=note.velocity,
        )
