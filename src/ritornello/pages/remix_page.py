"""The page of a remix: what was heard, and every stem, seen and heard along one line of time.

One HTML file that needs nothing else: style and script lie beside its template and are put inside.
The script plays all stems together; where no script runs, each stem has a player of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from markupsafe import Markup

from ritornello.errors import InputError
from ritornello.music.piece import Piece, Track
from ritornello.pages.numbers import clock
from ritornello.pages.rendering import render
from ritornello.pages.time_axis import (
    TimeLabel,
    drum_lanes,
    notes_svg,
    pitch_span,
    time_labels,
    time_lines,
)
from ritornello.pages.waveform_outline import waveform_svg

# Sounds inside the page are heavy (64 kbit/s take 0.6 MB a minute and stem): of a longer remix the
# caller gives the beginning only.
MOST_HEARD_SECONDS = 180.0

_PIXELS_PER_SECOND = 36
_NARROWEST_PIXELS = 330  # of the line of time: a phone's
_WIDEST_PIXELS = 30_000  # longer music is drawn closer
_SECONDS_APART = 10  # of the marks of time
_MOST_BARS_ON_PAGE = 50  # of which each is seen
_QUIETEST_SCALE = 0.01  # of waveforms: what is all but silent is drawn so


@dataclass(frozen=True, eq=False)
class Stem:
    """A row of the page.

    Attributes:
        name: as its files are named.
        envelope: float32 [columns, 2], lowest and highest sample over the whole duration, see
            `ritornello.pages.waveform_outline.Envelope`.
        sound: to be put inside the page: mp3, ogg, wav or flac, best a mono mp3 of 48 to 64 kbit/s;
            all sounds of a page are of one length. None if there is none.
        midi: file to be put inside the page; None if there is none.
        tracks: indices of its tracks in the piece.
        remark: what it is, such as "your recording"; may be empty.
    """

    name: str
    envelope: np.ndarray
    sound: Path | None = None
    midi: Path | None = None
    tracks: Sequence[int] = ()
    remark: str = ""


@dataclass(frozen=True, eq=False)
class RemixPage:
    """What the page shows. All times are seconds from the start of the files.

    Attributes:
        title: of the remix.
        summary: one sentence: what was heard and made.
        facts: (name, value, remark), for boxes at the top.
        findings: sentences on what was not found or may be wrong.
        duration_seconds: of every stem and the mix.
        stems: which sum to the mix, in score order.
        mix: None if there is none; the stems are then heard together.
        piece: the notes of all stems, with the tempo map that puts them in time.
        beats_seconds: ascending, float64 [beats]. downbeats_seconds: those that begin bars, from
            bar 1 on.
        chords: (start, name), ascending.
        figures: (name, value, what it means).
        heard_seconds: how much of each sound is inside the page.

    Raises:
        InputError: if the duration is not positive, or two rows have one name.
    """

    title: str
    summary: str
    facts: Sequence[tuple[str, str, str]]
    findings: Sequence[str]
    duration_seconds: float
    stems: Sequence[Stem]
    mix: Stem | None
    piece: Piece
    beats_seconds: np.ndarray
    downbeats_seconds: np.ndarray
    chords: Sequence[tuple[float, str]]
    figures: Sequence[tuple[str, str, str]]
    heard_seconds: float = MOST_HEARD_SECONDS

    def __post_init__(self) -> None:
        if not self.duration_seconds > 0:
            raise InputError(f"A remix lasts longer than 0 s; found {self.duration_seconds:g} s.")
        names = [row.name for row in self.rows]
        if len(set(names)) < len(names):
            raise InputError(f"Rows of a page have names of their own; found {', '.join(names)}.")

    @property
    def rows(self) -> list[Stem]:
        """The mix, if any, and the stems."""
        return [*([self.mix] if self.mix else []), *self.stems]


def remix_html(remix: RemixPage) -> str:
    """The page as one HTML document that needs no other file and no network.

    Raises:
        OSError: if a sound cannot be read.
    """
    duration = remix.duration_seconds
    width = round(np.clip(duration * _PIXELS_PER_SECOND, _NARROWEST_PIXELS, _WIDEST_PIXELS))
    ruler, chords_left_out = _ruler(remix, width)
    return render(
        "remix_page.html.jinja",
        title=remix.title,
        remix=remix,
        facts=[(f"fact{number}", *fact) for number, fact in enumerate(remix.facts)],
        heard_seconds=min(remix.heard_seconds, duration),
        is_crowded=len(remix.downbeats_seconds) > _MOST_BARS_ON_PAGE,
        width_pixels=width,
        beats=time_lines(remix.beats_seconds),
        bars=time_lines(remix.downbeats_seconds),
        ruler=ruler,
        chords_left_out=chords_left_out,
        rows=[_row(remix, stem) for stem in remix.rows],
    )


def _ruler(remix: RemixPage, width_pixels: int) -> tuple[dict[str, list[TimeLabel]], int]:
    """Times, bar numbers and chords above the rows, and how many chords have no room there."""
    duration = remix.duration_seconds
    times = [(float(s), clock(s)) for s in range(0, int(duration) + 1, _SECONDS_APART)]
    bars = [(second, str(bar)) for bar, second in enumerate(remix.downbeats_seconds.tolist(), 1)]
    lines = {}
    left_out = 0
    for name, names in (("times", times), ("bars", bars), ("chords", remix.chords)):
        lines[name], left_out = time_labels(names, duration, width_pixels)
    return lines, left_out


# --- the rows ----------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Row:
    """A stem or the mix as it is drawn; ``notes`` is empty where there are none."""

    stem: Stem
    kind: str
    wave: Markup
    notes: Markup
    facts: str


def _row(remix: RemixPage, stem: Stem) -> _Row:
    tracks = [remix.piece.tracks[index] for index in stem.tracks]
    kind = "mix" if stem is remix.mix else "stem"
    # Stems have one scale, so that their levels compare.
    shown = [stem] if kind == "mix" else remix.stems
    full_scale = max([_QUIETEST_SCALE, *(float(np.abs(one.envelope).max()) for one in shown)])
    about = f"Waveform of {stem.name}"
    wave = waveform_svg(stem.envelope, full_scale=full_scale, description=about)
    in_words = _notes_in_words(tracks)
    notes = Markup()
    if any(len(track) for track in tracks):
        about = f"Notes of {stem.name}: {in_words}"
        notes = notes_svg(remix.piece, tracks, remix.duration_seconds, description=about)
    return _Row(stem, kind, wave, notes, " · ".join(filter(None, (stem.remark, in_words))))


def _notes_in_words(tracks: Sequence[Track]) -> str:
    notes = sum(len(track) for track in tracks)
    if not notes:
        return ""
    words = f"{notes:,} {'note' if notes == 1 else 'notes'}"
    if span := pitch_span(tracks):
        words += f", {span[0]} to {span[1]}"
    if lanes := drum_lanes(tracks):
        words += f", from the top: {', '.join(lanes)}"
    return words
