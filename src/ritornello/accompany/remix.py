"""A solo recording in, a band out: listen, lay out the form, write the band, play and mix it.

Each step is a function of what the one before it gave; the player is never moved, the band follows.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any

from ritornello.accompany.band import OTHER, players_of, write_band
from ritornello.accompany.form import plan_form
from ritornello.accompany.heard_chords import are_played
from ritornello.accompany.mixdown import MIX, SOLO, mix_down
from ritornello.accompany.remix_report import write_report
from ritornello.accompany.result import Remix
from ritornello.accompany.source import open_solo, rate_hz_of, solo_of
from ritornello.accompany.stated_chords import StatedChord, chart_of, parse_stated
from ritornello.atomic import refuse_existing
from ritornello.errors import ConfigError, InputError
from ritornello.generation.composer import Composer
from ritornello.generation.plan_drafts import FREE
from ritornello.music.keys import KeyName
from ritornello.note_model.library import DEFAULT_MODEL
from ritornello.plan.song_form import parse_form
from ritornello.synth.render import LONGEST_SECONDS
from ritornello.transcribe.command import transcribe
from ritornello.transcribe.transcription import Transcription
from ritornello.transcribe.values import Hints

REPORT = "report.html"
USUAL_PARTS = ("bass", "drums", "piano", OTHER)
_FEWEST_NOTES = 2
_NO_TONES = "noise", "percussive", "speech"  # findings that say why no notes are heard
_NO_HINTS = Hints()
Watch = Callable[[str, int, int], None]


def remix(
    recording: str | PathLike[str],
    folder: str | PathLike[str],
    *,
    stem: str | None = None,
    parts: Sequence[str] = USUAL_PARTS,
    duration_seconds: float | None = None,
    loop: bool = True,
    keep_solo: bool = True,
    hints: Hints = _NO_HINTS,
    key: KeyName | str | None = None,
    chords_at: Sequence[StatedChord] | None = None,
    form: str | None = None,
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
        recording: wav, flac, ogg, mp3 and others; m4a with the extra ``m4a``. With ``stem`` also a
            mix, or a folder of stems.
        stem: the one to follow: "bass", "drums", "piano" or "other" of a mix, which is taken apart,
            or the name of a file of the folder. None for a recording of one instrument.
        folder: made if it is not there.
        parts: names of instruments, all of which play; "other" is for strings, or a guitar if the
            soloist bows. One named twice has two players.
        duration_seconds: of the remix, exactly; None for that of the recording.
        loop: whether the recording comes round again in a longer remix; else it rests.
        keep_solo: whether it is in the mix too; without it, the mix is a backing track.
        hints: what is known of tempo, metre and bar lines.
        key: of the recording, if it is known; the band then keeps to it.
        chords_at: of the recording, seconds and symbol of each, if they are known; the band then
            keeps to them. Without them it keeps to those that were heard, if they explain most
            of what is played. In place of ``chords``, bar by bar.
        form: sections of the recording from the bar in which the band comes in, such as "A 8, B 8,
            A 8"; what comes back in it comes back in the band. Those that are heard if None;
            "none" for a band that goes on from bar to bar.
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
    recording, folder, clock = Path(recording), Path(folder), _Clock(watch)
    players = players_of(parts, instrument)
    for name in (*(f"{name}.wav" for name in (SOLO, *players, MIX)), REPORT):
        refuse_existing(folder / name, overwrite)
    if duration_seconds is not None and not 1 <= duration_seconds <= LONGEST_SECONDS:
        raise ConfigError(
            f"A remix lasts 1 second to {LONGEST_SECONDS // 3600} hours; "
            f"asked for {duration_seconds:g} seconds."
        )
    if chords_at is not None and options.get("chords") is not None:
        raise ConfigError("State chords bar by bar, or each with its second; not both.")
    stated = None if chords_at is None else parse_stated(chords_at)
    sections = None if form is None else () if form == FREE else parse_form(form)
    composer = Composer.load(model)
    composer.check(key=key, **options)  # before the long work
    clock.begin("separating" if stem else "listening")
    with solo_of(recording, stem, clock.watch) as source:
        clock.begin("listening")
        transcription = _transcribe_solo(
            source, recording, hints=hints, key=key, instrument=instrument
        )
        laid_out = plan_form(
            transcription.beats,
            transcription.notes,
            transcription.recording.duration_seconds,
            duration_seconds=duration_seconds,
            loop=loop,
        )
        clock.begin("composing")
        options |= {"key": transcription.key if key is not None else None, "watch": clock.watch}
        if stated is not None:
            options["chords"] = chart_of(stated, laid_out)
        elif options.get("chords") is None and are_played(transcription):
            options["chords"] = chart_of(transcription.chords, laid_out)
        band = write_band(composer, transcription, laid_out, players, options, sections)
        clock.begin("mixing")
        folder.mkdir(parents=True, exist_ok=True)
        mix = mix_down(
            replace(band.piece, tracks=band.piece.tracks[1:]),
            {name: [index - 1 for index in tracks] for name, tracks in band.stems.items()},
            open_solo(transcription, laid_out, band.piece.tracks[0]),
            folder=folder,
            duration_seconds=laid_out.duration_seconds,
            rate_hz=rate_hz_of(transcription),
            soundfont=soundfont,
            tuning_cents=transcription.measures.tuning_cents,
            solo_in_mix=keep_solo,
            fade_seconds=laid_out.ringing_seconds,
            overwrite=overwrite,
        )
    clock.begin("report")
    stems = {SOLO: (0,), **band.stems}
    made = Remix(
        recording.stem,
        transcription,
        laid_out,
        band.piece,
        stems,
        mix,
        folder / REPORT,
        band.warnings,
        {},
        band.sections,
    )
    write_report(made, overwrite=overwrite)
    return replace(made, seconds=clock.end())


def _transcribe_solo(source: Path, recording: Path, **known: Any) -> Transcription:
    """What is heard in a file that comes from a recording.

    Raises:
        InputError: if nothing is.
    """
    transcription = transcribe(source, **known)
    if len(transcription.notes) < _FEWEST_NOTES:
        heard = "Only one note was" if len(transcription.notes) else "No notes were"
        why = [found.sentence for found in transcription.findings if found.name in _NO_TONES]
        raise InputError(
            " ".join(
                [f"{heard} heard in the recording, so a band has nothing to follow.", *why[:1]]
            ),
            where=str(recording),
            next_step="Record an instrument that plays tones, from nearer by or louder.",
        )
    if transcription.is_spoken and known["hints"] == _NO_HINTS:
        raise InputError(
            "Somebody seems to speak in the recording: it is as fast as syllables, and notes sound "
            f"in only {transcription.note_share:.0%} of it, so a band has nothing to follow.",
            where=str(recording),
            next_step="Record an instrument or a singer; if it is music, name its tempo.",
        )
    return transcription


class _Clock:
    """Tells what is being done, and keeps how long each step took."""

    def __init__(self, watch: Watch) -> None:
        self._watch, self._step, self._began = watch, "", 0.0
        self._seconds: dict[str, float] = {}

    def begin(self, step: str) -> None:
        self.end()
        self._step, self._began = step, time.monotonic()
        self._watch(step, 0, 0)

    def watch(self, done: int, total: int) -> None:
        self._watch(self._step, done, total)

    def end(self) -> dict[str, float]:
        """Seconds of every step, the last one too."""
        if self._step:
            took = time.monotonic() - self._began
            self._seconds[self._step] = self._seconds.get(self._step, 0.0) + took
        self._step = ""
        return self._seconds
