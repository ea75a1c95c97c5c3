"""A solo recording in, a band out: listen, lay out the form, write the band, play and mix it.

Each step is a function of what the one before it gave; the player is never moved, the band follows.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from ritornello.api.composer import Composer
from ritornello.api.library import DEFAULT_MODEL
from ritornello.api.listening import transcribe
from ritornello.api.remix_report import write_report
from ritornello.api.remixed import Remix
from ritornello.audio.form import Form, plan_form
from ritornello.audio.listening.heard import Hints
from ritornello.audio.listening.take import Take
from ritornello.audio.listening.timeline import Timeline
from ritornello.audio.mixdown import MIX, SOLO, mix_down
from ritornello.audio.solo import Solo, fitted, looped
from ritornello.errors import ConfigError
from ritornello.instruments import INSTRUMENTS, parse_instrument
from ritornello.io.atomic import refuse_existing
from ritornello.keys import KeyName
from ritornello.piece import Piece, Tempo, Track

REPORT = "report.html"
OTHER = "other"
USUAL_PARTS = ("bass", "drums", "piano", OTHER)
# Who plays "other": strings, unless the soloist does.
_OTHER_PLAYERS = ("strings", "guitar")
_BOWED = frozenset({"strings", "violin", "viola", "cello", "double bass"})
_RATES_HZ = (44_100, 48_000)
_NO_HINTS = Hints()
Watch = Callable[[str, int, int], None]


def remix(
    recording: str | PathLike[str],
    folder: str | PathLike[str],
    *,
    parts: Sequence[str] = USUAL_PARTS,
    duration_seconds: float | None = None,
    loop: bool = True,
    keep_solo: bool = True,
    hints: Hints = _NO_HINTS,
    key: KeyName | str | None = None,
    instrument: str | None = None,
    model: str | PathLike[str] = DEFAULT_MODEL,
    soundfont: str | PathLike[str] | None = None,
    overwrite: bool = False,
    watch: Watch = lambda step, done, total: None,
    **options: Any,
) -> Remix:
    """Put a band under a recording of one instrument.

    The folder gets for each stem, ``solo`` and the parts, a sound and a MIDI file; ``mix.wav``,
    ``mix.mp3`` and ``mix.mid``; and ``report.html``. All sounds start together and are of one
    length. The MIDI files follow the player's beats.

    Args:
        recording: wav, flac, ogg, mp3 and others; m4a with the extra ``m4a``.
        folder: made if it is not there.
        parts: names of instruments, all of which play; "other" is for strings, or a guitar if the
            soloist bows. One named twice has two players.
        duration_seconds: of the remix, exactly; None for that of the recording.
        loop: whether the recording comes round again in a longer remix; else it rests.
        keep_solo: whether it is in the mix too; without it, the mix is a backing track.
        hints: what is known of tempo, metre and bar lines.
        key: of the recording, if it is known; the band then keeps to it.
        instrument: that plays in the recording; a piano if None.
        model: that writes the band.
        soundfont: that plays it; None for the one that ships with the package.
        watch: called now and then with (step, done, total).
        options: as of `Composer.arrange`: ``seed``, ``temperature``, ``chords``, ``density``,
            ``densities``, ``polyphony``, ``ranges``, ``collection`` and so on.

    Raises:
        InputError: if there is nothing to be heard in the recording.
        ConfigError: if what is asked for has no meaning or cannot be met.
        OutputError: if a file exists or cannot be written.
    """
    folder, clock = Path(folder), _Clock(watch)
    players = _players(parts, instrument)
    for name in (*(f"{name}.wav" for name in (SOLO, *players, MIX)), REPORT):
        refuse_existing(folder / name, overwrite)
    composer = Composer.load(model)
    with clock.step("listening"):
        take = transcribe(recording, hints=hints, key=key, instrument=instrument)
    form = plan_form(
        take.beats,
        take.notes,
        take.recording.duration_seconds,
        duration_seconds=duration_seconds,
        loop=loop,
    )
    song = _song(take, form)
    with clock.step("composing"):
        result = composer.arrange(
            _steady(song, form),
            list(players.values()),
            first_bar=_bar_at(song, form.first_bar_seconds),
            end=True,
            key=take.key if key is not None else None,
            watch=clock.watch,
            **options,
        )
    last_bar = int(song.bar_starts_ticks()[-1])
    band = [_held(track, last_bar, song.length_ticks) for track in result.piece.tracks[1:]]
    piece = replace(song, tracks=(song.tracks[0], *band))
    stems = _stems(piece, players)
    folder.mkdir(parents=True, exist_ok=True)
    with clock.step("mixing"):
        mix = mix_down(
            replace(piece, tracks=piece.tracks[1:]),
            {name: [index - 1 for index in tracks] for name, tracks in stems.items()},
            _solo(take, form, song),
            folder=folder,
            duration_seconds=form.duration_seconds,
            rate_hz=_rate_hz(take),
            soundfont=soundfont,
            solo_in_mix=keep_solo,
            fade_seconds=form.ringing_seconds,
            overwrite=overwrite,
        )
    made = Remix(
        take, form, piece, {SOLO: (0,), **stems}, mix, folder / REPORT, result.warnings, {}
    )
    with clock.step("report"):
        write_report(made, overwrite=overwrite)
    return replace(made, seconds=clock.seconds)


# --- who plays ------------------------------------------------------------------------------------


def _players(parts: Sequence[str], soloist: str | None) -> dict[str, str]:
    """Names of stems and the instruments that play them."""
    if not parts:
        raise ConfigError("Nobody is named.", next_step="Name parts, such as bass and drums.")
    bowed = soloist is not None and INSTRUMENTS[parse_instrument(soloist)].name in _BOWED
    seen: Counter[str] = Counter()
    players = {}
    for part in parts:
        name = part if part == OTHER else INSTRUMENTS[parse_instrument(part)].name
        seen[name] += 1
        stem = name.replace(" ", "-") + (f"-{seen[name]}" if seen[name] > 1 else "")
        players[stem] = _OTHER_PLAYERS[bowed] if part == OTHER else name
    return players


def _stems(piece: Piece, players: dict[str, str]) -> dict[str, tuple[int, ...]]:
    """The track that each stem has been given; players of one instrument in turn."""
    free = list(range(1, len(piece.tracks)))
    stems = {}
    for stem, player in players.items():
        instrument = parse_instrument(player)
        index = next(index for index in free if piece.tracks[index].instrument == instrument)
        free.remove(index)
        stems[stem] = (index,)
    return stems


# --- when -----------------------------------------------------------------------------------------


def _song(take: Take, form: Form) -> Piece:
    """The notes of the recording on the tempo map of the remix, up to the final bar line."""
    timeline = Timeline.of_beats(form.beats, form.end_seconds)
    piece = timeline.piece(
        form.notes,
        program=take.piece.tracks[0].program,
        name=SOLO,
        title=take.recording.path.stem,
        key=take.key,
    )
    end = int(timeline.ticks(form.end_seconds))
    line = round((end - timeline.first_bar_tick) / timeline.bar_ticks) * timeline.bar_ticks
    return replace(piece, length_ticks=timeline.first_bar_tick + line)


def _steady(song: Piece, form: Form) -> Piece:
    """The song as its player means it: in one tempo."""
    metre = song.metres[-1]
    quarters = metre.beat_ticks(song.resolution) / song.resolution
    return replace(song, tempos=(Tempo(0, form.beats.tempo_bpm * quarters),))


def _bar_at(song: Piece, seconds: float) -> int:
    """The bar that begins at a time, counted from 1."""
    starts = song.ticks_to_seconds(song.bar_starts_ticks())
    return int(np.abs(starts - seconds).argmin()) + 1


def _held(track: Track, last_bar_ticks: int, end_ticks: int) -> Track:
    """The track with its last chord held through the last bar."""
    notes = track.notes.copy()
    last = notes["onset"] >= last_bar_ticks
    if not track.is_drum:
        notes["duration"][last] = end_ticks - notes["onset"][last]
    return replace(track, notes=notes)


# --- sound ----------------------------------------------------------------------------------------


def _rate_hz(take: Take) -> int:
    """That of the recording if mixes are usually made at it."""
    own = take.recording.rate_hz
    return next((rate for rate in _RATES_HZ if own % rate == 0), _RATES_HZ[0])


def _solo(take: Take, form: Form, song: Piece) -> Solo:
    """The recording as the form wants it."""
    rate_hz = _rate_hz(take)

    def play() -> Iterator[np.ndarray]:
        return take.recording.blocks(rate_hz, channels=2)

    blocks = play()
    if form.loop_seconds is not None:
        first, last = (round(seconds * rate_hz) for seconds in form.loop_seconds)
        blocks = looped(play, first, last, rate_hz=rate_hz)
    if form.plays_on:
        gone = round((form.last_bar_seconds + form.fade_seconds) * rate_hz)
        blocks = fitted(blocks, gone, fade_seconds=form.fade_seconds, rate_hz=rate_hz)
    return Solo(blocks, song.tracks[0])


class _Clock:
    """Tells what is being done, and keeps how long it took."""

    def __init__(self, watch: Watch) -> None:
        self._watch, self._step = watch, ""
        self._began = 0.0
        self.seconds: dict[str, float] = {}

    def step(self, name: str) -> _Clock:
        self._step = name
        self._watch(name, 0, 0)
        return self

    def watch(self, done: int, total: int) -> None:
        self._watch(self._step, done, total)

    def __enter__(self) -> None:
        self._began = time.monotonic()

    def __exit__(self, *failure: object) -> None:
        self.seconds[self._step] = time.monotonic() - self._began
