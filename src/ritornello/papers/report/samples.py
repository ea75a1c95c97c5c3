"""The samples of a published system in the report: seen as piano-rolls and heard."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ritornello.errors import RitornelloError
from ritornello.music import io
from ritornello.music.slicing import slice_seconds
from ritornello.pages.page import download, grid, player, text
from ritornello.pages.pianoroll import pianoroll_png, pianoroll_svg
from ritornello.papers.shared.outcome import Sample

_MAKERS = {"published": "the published system", "ours": "our own model", "real": "real music"}
_SECONDS_SHOWN = 20.0
_LARGEST_DRAWING_BYTES = 120_000  # a roll with more notes is smaller as pixels
_ROLL_WIDTH = 1200


def samples(folder: Path, found: Sequence[Sample], sound_bytes: int) -> str:
    """Rolls and players of all samples; nothing if there are none.

    Args:
        folder: of the run. found: in it.
        sound_bytes: sounds are put inside the page, one after the other, up to this size; of the
            others their place is told.
    """
    items = []
    for sample in found:
        heard, sound_bytes = _sound(folder, sample, sound_bytes)
        title = f"{text(sample.name)} <small>by {_MAKERS[sample.maker]}</small>"
        if sample.maker == "real":
            title = f"{text(sample.name)} <small>{_MAKERS['real']}</small>"
        items.append(f"<figure><h4>{title}</h4>{_roll(folder, sample)}{heard}</figure>")
    return f"<h3>Samples</h3>{grid(items, wide=True)}" if items else ""


def _sound(folder: Path, sample: Sample, room_bytes: int) -> tuple[str, int]:
    """Player and MIDI file of a sample, and the room that is left after it."""
    midi = download(folder / sample.midi, "MIDI file") if sample.midi else ""
    if sample.sound is None:
        return midi, room_bytes
    path = folder / sample.sound
    if not path.is_file():
        return f'{midi}<p class="soft">The sound {text(sample.sound)} is missing.</p>', room_bytes
    size = path.stat().st_size
    if size > room_bytes:
        where = f"{folder.name}/{sample.sound}"
        return f'{midi}<p class="soft">To be heard in {text(where)}.</p>', room_bytes
    return f'<div class="players">{player(path)}</div>{midi}', room_bytes - size


def _roll(folder: Path, sample: Sample) -> str:
    """The beginning of a piece as a picture of its own, so that its style and the page's part."""
    if sample.midi is None:
        return ""
    try:
        whole = replace(io.read(folder / sample.midi), title=sample.name)
        piece = slice_seconds(whole, _SECONDS_SHOWN)
    except RitornelloError as error:
        return f'<p class="soft">It cannot be shown: {text(error)}</p>'
    picture, kind = pianoroll_svg(piece).encode(), "image/svg+xml"
    if len(picture) > _LARGEST_DRAWING_BYTES:
        picture, kind = pianoroll_png(piece, width=_ROLL_WIDTH), "image/png"
    inside = base64.b64encode(picture).decode()
    return (
        f'<div class="scroll"><img class="roll" alt="Piano-roll of {text(sample.name)}" '
        f'src="data:{kind};base64,{inside}"></div>'
    )
