"""The page of a remix, made of what was heard, written and measured."""

from __future__ import annotations

import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np

from ritornello.accompany.band import OTHER
from ritornello.accompany.mixdown import MIX, SOLO
from ritornello.accompany.result import Remix
from ritornello.atomic import atomic_write
from ritornello.dsp.recordings import Recording
from ritornello.dsp.sound_files import write_audio
from ritornello.dsp.waveform import Waveform
from ritornello.music.instruments import INSTRUMENTS
from ritornello.pages.remix_page import MOST_HEARD_SECONDS, RemixPage, Stem, remix_html
from ritornello.pages.waveform_outline import Envelope
from ritornello.plan.song_form import form_text

_HEARD_RATE_HZ = 22_050  # in the page, which is to stay light
_MOST_HEARD = round(MOST_HEARD_SECONDS * _HEARD_RATE_HZ)


def write_report(remix: Remix, *, overwrite: bool = False) -> None:
    """Write ``remix.report``.

    Raises:
        OutputError: if it cannot be written.
    """
    with tempfile.TemporaryDirectory(prefix="ritornello-") as sounds:
        names = (MIX, *remix.stems)
        # Nearly all of the time goes into coding mp3, which leaves the other cores free.
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            rows = dict(
                zip(names, pool.map(partial(_row, remix, Path(sounds)), names), strict=True)
            )
        html = remix_html(_page(remix, rows))
    with atomic_write(remix.report, overwrite=overwrite) as temporary:
        temporary.write_text(html, encoding="utf-8")


def _page(remix: Remix, rows: dict[str, Stem]) -> RemixPage:
    transcription, form, piece = remix.transcription, remix.form, remix.piece
    inside = form.beats.times_seconds < form.duration_seconds
    return RemixPage(
        title=f"{remix.title}, with {_join_names(_players(remix))}",
        summary=" ".join(transcription.describe()),
        facts=_facts(remix),
        findings=[*(finding.sentence for finding in transcription.findings), *remix.warnings],
        duration_seconds=form.duration_seconds,
        stems=[rows[name] for name in remix.stems],
        mix=rows[MIX],
        piece=piece,
        beats_seconds=form.beats.times_seconds[inside],
        downbeats_seconds=piece.ticks_to_seconds(piece.bar_starts_ticks()),
        chords=[
            (start, str(chord))
            for start, chord in remix.chords
            if chord is not None and start < form.duration_seconds
        ],
        figures=_figures(remix),
    )


def _players(remix: Remix) -> list[str]:
    """The band: the names of its stems, and the instrument of "other"."""
    names = []
    for name, (track, *_) in [*remix.stems.items()][1:]:
        instrument = INSTRUMENTS[remix.piece.tracks[track].instrument]
        names.append(instrument.name if name == OTHER else name)
    return names


def _join_names(names: list[str]) -> str:
    """Names as in a sentence: "a, b and c"."""
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _facts(remix: Remix) -> list[tuple[str, str, str]]:
    """What a person asks first."""
    beats, key = remix.transcription.beats, remix.transcription.key
    numerator, denominator = beats.metre
    return [
        ("Length", f"{remix.form.duration_seconds:.1f} s", f"{remix.piece.bar_count} bars"),
        ("Tempo", f"{beats.tempo_bpm:.0f}", f"beats a minute, {beats.confidence:.0%} sure"),
        (
            "Metre",
            f"{numerator}/{denominator}",
            f"bar lines {beats.downbeat_confidence:.0%} sure",
        ),
        ("Key", str(key) if key else "none", f"{remix.transcription.key_confidence:.0%} sure"),
        *([("Form", form_text(remix.sections), "bars of each section")] if remix.sections else []),
    ]


def _figures(remix: Remix) -> list[tuple[str, str, str]]:
    """What was measured, and what it means."""
    mix = remix.mix
    levels = [
        (
            f"Level of {name}",
            f"{facts.level_db:+.1f} dB",
            f"put on a stem that played at {facts.played_lufs:.1f} LUFS",
        )
        for name, facts in mix.stems.items()
    ]
    return [
        ("Loudness", f"{mix.lufs:.1f} LUFS", "of the mix; streaming services play about -14"),
        ("True peak", f"{mix.true_peak_db:.1f} dBTP", "below -1 no player distorts it"),
        ("Limiting", f"{mix.limiting_db:.1f} dB", "most that the limiter takes from a peak"),
        ("Samples", f"{mix.samples:,}", f"of every sound file, {mix.rate_hz:,} a second"),
        *levels,
    ]


def _row(remix: Remix, sounds: Path, name: str) -> Stem:
    """A stem or the mix: its outline, and its beginning as a small sound."""
    folder = remix.report.parent
    recording = Recording.open(folder / f"{name}.wav")
    envelope = Envelope(recording.length(_HEARD_RATE_HZ))
    sound = np.zeros((min(_MOST_HEARD, recording.length(_HEARD_RATE_HZ)), 1), np.float32)
    done = 0
    for block in recording.blocks(_HEARD_RATE_HZ):
        envelope.add(block)
        here = sound[done : done + len(block), 0]
        here[:] = block[: len(here)]
        done += len(block)
    remark = {SOLO: "your recording", MIX: "all together"}.get(name, "written for it")
    return Stem(
        name,
        envelope.columns,
        write_audio(Waveform(sound, _HEARD_RATE_HZ), sounds / f"{name}.mp3"),
        folder / f"{name}.mid",
        remix.stems.get(name, ()),
        remark,
    )
