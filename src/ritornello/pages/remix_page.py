"""The page of a remix: what was heard, and every stem, seen and heard along one line of time.

One HTML file that needs nothing else: style and script lie beside this file and are put inside. The
script plays all stems together; where no script runs, each stem has a player of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import numpy as np

from ritornello.errors import InputError
from ritornello.music.piece import Piece, Track
from ritornello.pages.page import cards, download, page, player, stacked, text
from ritornello.pages.time_axis import drum_lanes, notes_svg, pitch_span, time_labels, time_lines
from ritornello.pages.waveform_outline import waveform_svg

# Sounds inside the page are heavy (64 kbit/s take 0.6 MB a minute and stem): of a longer remix the
# caller gives the beginning only.
MOST_HEARD_SECONDS = 180.0

_PIXELS_PER_SECOND = 36
_NARROWEST_PIXELS = 330  # of the line of time: a phone's
_WIDEST_PIXELS = 30_000  # longer music is drawn closer
_COLOURS = 6  # of stems, in `remix_page.css`
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
    facts = [
        (f"fact{index}", text(name), text(value), text(remark))
        for index, (name, value, remark) in enumerate(remix.facts)
    ]
    findings = "".join(f'<li class="warn">{text(sentence)}</li>' for sentence in remix.findings)
    sections = [
        f"<p>{text(remix.summary)}</p>",
        cards(facts) if facts else "",
        f'<h2>What to know</h2><ul class="findings">{findings}</ul>' if findings else "",
        _band(remix),
        _figures(remix.figures),
        f"<script>{_beside('remix_player.js')}</script>",
    ]
    return page(remix.title, sections, style=_beside("remix_page.css"))


def _beside(name: str) -> str:
    """A text file of this package."""
    return resources.files("ritornello.pages").joinpath(name).read_text(encoding="utf-8")


# --- the rows ----------------------------------------------------------------------------------


def _band(remix: RemixPage) -> str:
    duration = remix.duration_seconds
    heard = min(remix.heard_seconds, duration)
    crowded = "crowded" if len(remix.downbeats_seconds) > _MOST_BARS_ON_PAGE else ""
    width = round(np.clip(duration * _PIXELS_PER_SECOND, _NARROWEST_PIXELS, _WIDEST_PIXELS))
    ruler, remarks = _ruler(remix, width)
    if heard < duration:
        remarks.append(
            f"This page plays the first {_clock(heard)} of {_clock(duration)}; "
            "the sound files hold all of it."
        )
    rows = "".join(_row(remix, row, number) for number, row in enumerate(remix.rows))
    return (
        "<h2>The band</h2><p>Each row is a stem: its waveform, and below it its notes, at the time "
        "at which they sound. Thin lines are beats, strong lines begin bars. The waveforms of all "
        "stems have one scale.</p>"
        f'<section id="band" class="{crowded}" data-seconds="{duration:.3f}" '
        f'data-heard="{heard:.3f}">'
        f"{_transport(heard)}"
        '<div class="timeline" tabindex="0" role="region" aria-label="Stems along time">'
        f'<div class="lanes" style="min-width:{width}px">{_lines(remix)}{ruler}{rows}'
        '<div class="cursor" hidden></div></div></div></section>'
        + "".join(f'<p class="soft">{remark}</p>' for remark in remarks)
    )


def _transport(heard_seconds: float) -> str:
    """Controls of the script, which shows them."""
    return (
        '<div class="transport" hidden><button id="play" type="button">Play</button>'
        f'<span id="clock">0:00 of {_clock(heard_seconds)}</span>'
        f'<input id="seek" type="range" min="0" max="{heard_seconds:.3f}" step="0.5" value="0" '
        'aria-label="Position in seconds">'
        '<button id="fit" type="button" aria-pressed="false">Whole length</button></div>'
    )


def _lines(remix: RemixPage) -> str:
    """Beats and bars, drawn once and used by every row."""
    return (
        '<svg width="0" height="0" style="position:absolute" aria-hidden="true"><defs>'
        f'<path id="beats" d="{time_lines(remix.beats_seconds)}"/>'
        f'<path id="bars" d="{time_lines(remix.downbeats_seconds)}"/></defs></svg>'
    )


def _ruler(remix: RemixPage, width_pixels: int) -> tuple[str, list[str]]:
    """Times, bar numbers and chords above the rows; and a remark on chords without room."""
    duration = remix.duration_seconds
    times = [(float(s), _clock(s)) for s in range(0, int(duration) + 1, _SECONDS_APART)]
    bars = [(second, str(bar)) for bar, second in enumerate(remix.downbeats_seconds.tolist(), 1)]
    lines = []
    remarks = []
    for name, names in (("times", times), ("bars", bars), ("chords", remix.chords)):
        spans, left_out = time_labels(names, duration, width_pixels)
        if spans:
            lines.append(f'<div class="{name}">{spans}</div>')
        if left_out and name == "chords":
            remarks.append(f"Short chords whose names had no room: {left_out:,}.")
    about = '<div class="ruler" role="group" aria-label="Times, bar numbers and chords">'
    return f"{about}{''.join(lines)}</div>", remarks


def _row(remix: RemixPage, row: Stem, number: int) -> str:
    name, duration = text(row.name), remix.duration_seconds
    tracks = [remix.piece.tracks[index] for index in row.tracks]
    kind = "mix" if row is remix.mix else "stem"
    # Stems have one scale, so that their levels compare.
    shown = [row] if kind == "mix" else remix.stems
    full_scale = max([_QUIETEST_SCALE, *(float(np.abs(one.envelope).max()) for one in shown)])
    wave = waveform_svg(row.envelope, full_scale=full_scale, description=f"Waveform of {name}")
    notes = ""
    if any(len(track) for track in tracks):
        about = f"Notes of {name}: {text(_notes_in_words(tracks))}"
        notes = notes_svg(remix.piece, tracks, duration, description=about)
    lines = (
        f'<svg class="lines" viewBox="0 0 {duration:.3f} 1" preserveAspectRatio="none" '
        'aria-hidden="true"><use href="#beats"/><use href="#bars"/></svg>'
    )
    heard = min(remix.heard_seconds, duration) / duration
    unheard = f'<div class="unheard" style="left:{100 * heard:.4f}%"></div>' if heard < 1 else ""
    return (
        f'<div class="row" data-kind="{kind}" style="--stem:var(--c{number % _COLOURS})">'
        f"{_head(row, tracks, kind)}"
        f'<div class="area">{lines}{wave}{notes}{unheard}</div></div>'
    )


def _head(row: Stem, tracks: Sequence[Track], kind: str) -> str:
    """Name, what it is, buttons, player and MIDI file."""
    name = text(row.name)
    facts = " · ".join(filter(None, (row.remark, _notes_in_words(tracks))))
    keys = sound = ""
    if row.sound is not None:
        sound = f'<div class="players" role="group" aria-label="{name}">{player(row.sound)}</div>'
        if kind == "stem":
            keys = (
                '<div class="keys" hidden>'
                f'<button class="mute" type="button" aria-pressed="false" '
                f'aria-label="Mute {name}">Mute</button>'
                f'<button class="alone" type="button" aria-pressed="false" '
                f'aria-label="Hear {name} alone">Alone</button></div>'
            )
    midi = download(row.midi, row.midi.name) if row.midi else ""
    return f'<div class="head"><h3>{name}</h3>{keys}<small>{text(facts)}</small>{midi}{sound}</div>'


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


def _figures(figures: Sequence[tuple[str, str, str]]) -> str:
    if not figures:
        return ""
    rows = [
        [text(name), f'<b class="name">{text(value)}</b>', text(meaning)]
        for name, value, meaning in figures
    ]
    return f"<h2>Figures</h2>{stacked(['figure', 'value', 'what it means'], rows)}"


def _clock(seconds: float) -> str:
    """Minutes and seconds, such as 3:07."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02d}"
