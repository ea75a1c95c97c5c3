"""The samples of a published system in the report: files of a run in, pictures and sounds out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ritornello.errors import RitornelloError
from ritornello.music import io
from ritornello.music.slicing import slice_seconds
from ritornello.pages.pianoroll import pianoroll_png, pianoroll_svg
from ritornello.pages.rendering import data_uri
from ritornello.papers.shared.outcome import Sample

_MAKERS = {"published": "by the published system", "ours": "by our own model", "real": "real music"}
_SECONDS_SHOWN = 20.0
_LARGEST_DRAWING_BYTES = 120_000  # a roll with more notes is smaller as pixels
_ROLL_WIDTH = 1200


@dataclass(frozen=True)
class SampleView:
    """A sample on the page.

    Attributes:
        name, maker: of the sample, in words.
        roll: the address of a picture that holds it; None if there is none.
        sound, midi: files to be put inside the page; None if they are not.
        unseen, unheard: why there is no picture or no sound, in a sentence.
    """

    name: str
    maker: str
    roll: str | None
    sound: Path | None
    midi: Path | None
    unseen: str
    unheard: str


def sample_views(folder: Path, found: Sequence[Sample], sound_bytes: int) -> list[SampleView]:
    """Rolls and sounds of all samples.

    Args:
        folder: of the run. found: in it.
        sound_bytes: sounds are put inside the page, one after the other, up to this size; of the
            others their place is told.
    """
    views = []
    for sample in found:
        roll, unseen = _roll(folder, sample)
        sound, unheard = _sound(folder, sample, sound_bytes)
        sound_bytes -= sound.stat().st_size if sound else 0
        midi = folder / sample.midi if sample.midi else None
        maker = _MAKERS[sample.maker]
        views.append(SampleView(sample.name, maker, roll, sound, midi, unseen, unheard))
    return views


def _sound(folder: Path, sample: Sample, room_bytes: int) -> tuple[Path | None, str]:
    """The sound of a sample if it is there and has room, else where it is."""
    if sample.sound is None:
        return None, ""
    path = folder / sample.sound
    if not path.is_file():
        return None, f"The sound {sample.sound} is missing."
    if path.stat().st_size > room_bytes:
        return None, f"To be heard in {folder.name}/{sample.sound}."
    return path, ""


def _roll(folder: Path, sample: Sample) -> tuple[str | None, str]:
    """The beginning of a piece as a picture of its own, so that its style and the page's part."""
    if sample.midi is None:
        return None, ""
    try:
        whole = replace(io.read(folder / sample.midi), title=sample.name)
        piece = slice_seconds(whole, _SECONDS_SHOWN)
    except RitornelloError as error:
        return None, f"It cannot be shown: {error}"
    picture = pianoroll_svg(piece).encode()
    if len(picture) > _LARGEST_DRAWING_BYTES:
        return data_uri(pianoroll_png(piece, width=_ROLL_WIDTH), ".png"), ""
    return data_uri(picture, ".svg"), ""
