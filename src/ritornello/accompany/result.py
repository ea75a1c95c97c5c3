"""What a remix is once it is made."""

from __future__ import annotations

import warnings
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

from ritornello.accompany.form import Form
from ritornello.accompany.mixdown import MixFacts
from ritornello.json_values import JsonObject
from ritornello.music.chords import Chord
from ritornello.music.harmony import timed_chords
from ritornello.music.piece import Piece
from ritornello.plan.sections import Section
from ritornello.transcribe.transcription import Transcription


@dataclass(frozen=True)
class Remix:
    """A remix and how it came about.

    Attributes:
        title: the name of the recording.
        transcription: what was heard. form: how it was laid out.
        piece: all notes on the tempo map of the player, the recording's first.
        stems: which tracks of the piece are in each stem, the solo first.
        mix: what the files are and measure.
        report: the page.
        sections: of the form, from the bar in which the band comes in.
        warnings: how the model read the recording's notes otherwise than they are.
        seconds: how long each step took.
    """

    title: str
    transcription: Transcription
    form: Form
    piece: Piece
    stems: dict[str, tuple[int, ...]]
    mix: MixFacts
    report: Path
    warnings: tuple[str, ...]
    seconds: dict[str, float]
    sections: tuple[Section, ...] = ()

    @property
    def take(self) -> Transcription:
        """Deprecated: ``transcription``."""
        warnings.warn("Remix.take is Remix.transcription now.", DeprecationWarning, stacklevel=2)
        return self.transcription

    @cached_property
    def chords(self) -> tuple[tuple[float, Chord | None], ...]:
        """The chords of recording and band together, each with the seconds at which it begins."""
        return timed_chords(self.piece)

    @property
    def note_counts(self) -> dict[str, int]:
        """Notes of each stem."""
        return {
            name: sum(len(self.piece.tracks[index]) for index in indices)
            for name, indices in self.stems.items()
        }

    @property
    def files(self) -> tuple[Path, ...]:
        return (*self.mix.files, self.report)

    def as_facts(self) -> JsonObject:
        """For programs, of plain values."""
        facts = asdict(self.mix)
        facts["files"] = [str(path) for path in self.files]
        return {
            "heard": self.transcription.as_facts(),
            "duration_seconds": self.form.duration_seconds,
            "bars": self.piece.bar_count,
            "notes": self.note_counts,
            "mix": facts,
            "sections": [[section.name, section.bars] for section in self.sections],
            "warnings": list(self.warnings),
            "seconds": {step: round(seconds, 2) for step, seconds in self.seconds.items()},
        }
