"""A band and the recording it was written for: played, balanced and mastered into files.

Three passes over blocks, so that no memory grows with the music but a value a millisecond:

1. Each stem is played, or read, into a hidden file beside the results, and its loudness measured.
2. The stems get their levels; their sum is measured, which gives one gain and one limiter curve.
3. Each stem is written with that gain and curve, and the mix is the sum of the written stems.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path

import numpy as np

from ritornello.accompany.balance import levels_db
from ritornello.accompany.solo import EDGE_SECONDS, Solo, equal_power_fade, fit_to_length
from ritornello.accompany.stem_files import (
    Master,
    Place,
    write_mp3,
    write_stem,
    write_sum,
)
from ritornello.atomic import atomic_write, refuse_existing
from ritornello.dsp.mastering import Levels, Meter, limiter_curve, mastering_gain
from ritornello.dsp.scratch import Scratch, refuse_full_disk, stretches
from ritornello.dsp.sound_files import refuse_unholdable
from ritornello.errors import ConfigError
from ritornello.music.io import midi_write
from ritornello.music.io.midi_write import holdable
from ritornello.music.piece import Piece, Track
from ritornello.synth.block_playback import played
from ritornello.synth.render import LONGEST_SECONDS, check_rate, open_sampler, seated
from ritornello.synth.sampler import Sampler
from ritornello.synth.soundfont import SoundFont

SOLO, MIX = "solo", "mix"
# A recording may hold a knock on the table; that is no reason for a quiet mix.
_MOST_LIMITING_DB = 15.0


@dataclass(frozen=True)
class StemFacts:
    """Loudness of a stem as played or recorded, in LUFS (-inf for silence); level in dB."""

    played_lufs: float
    level_db: float


@dataclass(frozen=True)
class MixFacts:
    """Figures of the mix as it is in its files: loudness, true peak, gain and limiting.

    Attributes:
        files: written, the mix first.
        samples: of every sound file.
        stems: by name.
        balanced_lufs: loudness of the mix before it is mastered; -inf for silence.
        gain_db: put on everything to bring it to level.
        limiting_db: most that the limiter takes away.
        lufs, true_peak_db: of the mix.
        mp3_lufs, mp3_true_peak_db: of the mp3 once it is decoded.
        mp3_limiting_db: most that was taken from the mp3 for the peaks its coder adds.
        late_notes: notes of the band that begin after the end and are not heard.
    """

    files: tuple[Path, ...]
    rate_hz: int
    samples: int
    stems: dict[str, StemFacts]
    balanced_lufs: float
    gain_db: float
    limiting_db: float
    lufs: float
    true_peak_db: float
    mp3_lufs: float
    mp3_true_peak_db: float
    mp3_limiting_db: float
    late_notes: int


def mix_down(
    band: Piece,
    parts: Mapping[str, Sequence[int]],
    solo: Solo | None,
    *,
    folder: str | PathLike[str],
    duration_seconds: float,
    rate_hz: int = 44_100,
    soundfont: SoundFont | str | PathLike[str] | None = None,
    tuning_cents: float = 0.0,
    solo_in_mix: bool = True,
    fade_seconds: float = 2.0,
    overwrite: bool = False,
) -> MixFacts:
    """Write the stems of a band and a solo, their mix, and the MIDI of each.

    The files are ``mix.wav``, ``mix.mp3``, ``mix.mid``, and for each stem ``NAME.wav`` and
    ``NAME.mid``; all appear, or none. Sound files start together and have one length,
    ``round(duration_seconds * rate_hz)`` samples. The mix has -14 LUFS and a true peak below
    -1 dB, the decoded mp3 too; the stems sum to the mix. Notes are heard where the MIDI files put
    them. The same music gives the same files.

    The hidden files need 8 bytes a sample for each stem, which is 2.5 GB for two hours.

    Args:
        band: its tick 0 is the first sample of the recording.
        parts: the name of each stem and which tracks of the band are in it, at least one each.
        solo: the recording, which is the stem "solo"; None for a band alone.
        soundfont: a font or the path of one; None for the font that ships with the package.
        tuning_cents: of the band's A above 440 Hz.
        solo_in_mix: leave the solo out of the mix for a backing track; its stem is still written.
        fade_seconds: over which a solo that is longer than the mix fades out, and the band does
            from the end of its last note on; where that comes later, over the second half of it.

    Raises:
        ConfigError: if the rate or the duration is out of range, or ``parts`` does not name every
            track with notes once.
        InputError: if the SoundFont or the recording cannot be used.
        OutputError: if a file exists or cannot be written.
    """
    check_rate(rate_hz)
    if not 1 <= duration_seconds <= LONGEST_SECONDS:
        raise ConfigError(
            f"A mix lasts 1 second to {LONGEST_SECONDS // 3600} hours; "
            f"found {duration_seconds:g} seconds."
        )
    _check_parts(band, parts)
    total = round(duration_seconds * rate_hz)
    # Heard as MIDI holds it, which is in whole microseconds a beat.
    band = replace(band, tempos=holdable(band).tempos)
    scores = _scores(band, parts, solo)
    names = [SOLO] * (solo is not None) + list(parts)
    sounds = [f"{MIX}.wav", f"{MIX}.mp3", *(f"{name}.wav" for name in names)]
    targets = [Path(folder, name) for name in (*sounds, *(f"{name}.mid" for name in scores))]
    for target in targets:
        refuse_existing(target, overwrite)
    refuse_unholdable(targets[1], rate_hz, 2)

    with ExitStack() as files:
        places = {
            target.name: Place(
                files.enter_context(atomic_write(target, overwrite=overwrite)), target
            )
            for target in reversed(targets)
        }
        # Each hidden file goes when its stem is written, and what is left is smaller.
        refuse_full_disk(Path(folder), total, len(names) + 1)
        for name, score in scores.items():
            places[f"{name}.mid"].temporary.write_bytes(midi_write.write_bytes(score))
        scratches = {name: files.enter_context(closing(Scratch(Path(folder)))) for name in names}
        job = _Mixdown(band, parts, scratches, places, total, rate_hz, fade_seconds)
        sampler = open_sampler(soundfont, rate_hz, tuning_cents)
        lufs = _record(job, solo, sampler)
        levels = _levels_db(band, parts, lufs)
        mixed = [name for name in names if solo_in_mix or name != SOLO]
        master, balanced_lufs = _find_master(job, {name: levels[name] for name in mixed})
        _write_stems(job, {name: levels[name] for name in names}, master)
        mix, mp3, mp3_limiting_db = _write_mix(job, mixed)
    return MixFacts(
        files=tuple(targets),
        rate_hz=rate_hz,
        samples=total,
        stems={name: StemFacts(lufs[name], levels[name]) for name in names},
        balanced_lufs=balanced_lufs,
        gain_db=float(20 * np.log10(master.gain)),
        limiting_db=master.limiting_db,
        lufs=mix.lufs(),
        true_peak_db=mix.true_peak_db,
        mp3_lufs=mp3.lufs(),
        mp3_true_peak_db=mp3.true_peak_db,
        mp3_limiting_db=mp3_limiting_db,
        late_notes=_late_notes(band, duration_seconds),
    )


@dataclass(frozen=True, eq=False)
class _Mixdown:
    """What is mixed and where it goes; ``total`` counts samples, ``places`` go by file name."""

    band: Piece
    parts: Mapping[str, Sequence[int]]
    scratches: Mapping[str, Scratch]
    places: Mapping[str, Place]
    total: int
    rate_hz: int
    fade_seconds: float


def _record(job: _Mixdown, solo: Solo | None, sampler: Sampler) -> dict[str, float]:
    """Play every stem into its hidden file; how loud each is, in LUFS."""
    band, total, rate_hz = job.band, job.total, job.rate_hz
    lufs = {}
    if solo is not None:
        blocks = fit_to_length(solo.blocks, total, fade_seconds=job.fade_seconds, rate_hz=rate_hz)
        meter = Meter(rate_hz, oversampling=1)
        lufs[SOLO] = job.scratches[SOLO].record((block.T for block in blocks), meter).lufs()
    seats = _seats(band, around=int(solo is not None))
    fade = _closing_fade(band, total, job.fade_seconds, rate_hz)
    for name, indices in job.parts.items():
        chosen = [seats[index] for index in indices if index in seats]
        blocks = _fade_out(played(band, chosen, sampler, total, rate_hz), total, fade)
        meter = Meter(rate_hz, oversampling=1)
        lufs[name] = job.scratches[name].record(blocks, meter).lufs()
    return lufs


def _find_master(job: _Mixdown, levels: Mapping[str, float]) -> tuple[Master, float]:
    """What brings stems at these levels (dB) to loudness together, and their LUFS before."""
    meter = Meter(job.rate_hz)
    for start, count in stretches(job.total):
        mix = np.zeros((2, count), np.float32)
        for name, level_db in levels.items():
            mix += job.scratches[name].read(start, count) * np.float32(10 ** (level_db / 20))
        meter.add(mix)
    balanced = meter.levels()
    gain = mastering_gain(balanced, most_limiting_db=_MOST_LIMITING_DB)
    master = Master(gain, limiter_curve(balanced.peaks * gain), balanced.hop)
    return master, balanced.lufs()


def _write_stems(job: _Mixdown, levels: Mapping[str, float], master: Master) -> None:
    """Write each stem at its level (dB); its hidden file goes."""
    for name, level_db in levels.items():
        scratch, place = job.scratches[name], job.places[f"{name}.wav"]
        write_stem(scratch, level_db, master, place, total=job.total, rate_hz=job.rate_hz)
        scratch.close()


def _write_mix(job: _Mixdown, names: Sequence[str]) -> tuple[Levels, Levels, float]:
    """Write the sum of the stems as wav and mp3: what both measure, and `write_mp3`'s limiting."""
    wav, mp3 = job.places[f"{MIX}.wav"], job.places[f"{MIX}.mp3"]
    stems = [job.places[f"{name}.wav"].temporary for name in names]
    levels = write_sum(stems, wav, total=job.total, rate_hz=job.rate_hz)
    coded, limiting_db = write_mp3(wav.temporary, levels, mp3, total=job.total, rate_hz=job.rate_hz)
    return levels, coded, limiting_db


def _check_parts(band: Piece, parts: Mapping[str, Sequence[int]]) -> None:
    for name in parts:
        if name in (SOLO, MIX) or not name or name.startswith(".") or Path(name).name != name:
            raise ConfigError(f"{name!r} cannot be the name of a stem.")
    wanted = {index for index, track in enumerate(band.tracks) if len(track)}
    named = Counter(index for indices in parts.values() for index in indices)
    wrong = sorted(wanted - set(named)) or sorted(
        index for index, count in named.items() if count > 1 or index not in range(len(band.tracks))
    )
    if wrong or not all(parts.values()):
        raise ConfigError(
            "Each track with notes belongs to one stem, and each stem has a track; "
            f"found {dict(parts)} for {len(band.tracks)} tracks."
        )


def _scores(band: Piece, parts: Mapping[str, Sequence[int]], solo: Solo | None) -> dict[str, Piece]:
    """The MIDI of each stem and of all, on the tempo map of the band."""
    tracks: dict[str, tuple[Track, ...]] = {}
    if solo is not None and solo.notes is not None:
        tracks[SOLO] = (solo.notes,)
    for name, indices in parts.items():
        tracks[name] = tuple(band.tracks[index] for index in indices)
    tracks[MIX] = tuple(track for stem in tracks.values() for track in stem)
    return {name: replace(band, tracks=chosen) for name, chosen in tracks.items()}


def _seats(band: Piece, *, around: int) -> dict[int, tuple[Track, float]]:
    """Tracks that have notes and their places, by index."""
    audible = [index for index, track in enumerate(band.tracks) if len(track)]
    return dict(zip(audible, seated(band.tracks, around=around), strict=True))


def _closing_fade(band: Piece, total: int, longest_seconds: float, rate_hz: int) -> np.ndarray:
    """From the end of the last note to that of the mix, within limits; float32 [samples].

    Squared, so that a chord that is held to the end dies away, and is not cut off.
    """
    last_tick = max((track.end_ticks for track in band.tracks), default=0)
    left = total / rate_hz - float(band.ticks_to_seconds(np.array([last_tick]))[0])
    seconds = max(EDGE_SECONDS, min(max(left, longest_seconds / 2), longest_seconds))
    result: np.ndarray = np.square(equal_power_fade(round(seconds * rate_hz)))
    return result


def _fade_out(blocks: Iterator[np.ndarray], total: int, fade: np.ndarray) -> Iterator[np.ndarray]:
    """Blocks [2, samples] that make up ``total`` samples, faded at their end."""
    start = 0
    for block in blocks:
        into = start + block.shape[1] - (total - len(fade))  # the samples that fade by now
        if into > 0:
            ours = fade[max(0, into - block.shape[1]) : into]
            block[:, block.shape[1] - len(ours) :] *= ours
        yield block
        start += block.shape[1]


def _levels_db(
    band: Piece, parts: Mapping[str, Sequence[int]], lufs: Mapping[str, float]
) -> dict[str, float]:
    """The level of each stem, by name."""
    instruments = {
        name: {band.tracks[index].instrument for index in indices}
        for name, indices in parts.items()
    }
    played_lufs = {name: lufs[name] for name in parts}
    levels = levels_db(played_lufs, instruments, lufs.get(SOLO, -np.inf))
    return {SOLO: 0.0, **levels}


def _late_notes(band: Piece, duration_seconds: float) -> int:
    return sum(
        int((band.ticks_to_seconds(track.notes["onset"]) >= duration_seconds).sum())
        for track in band.tracks
    )
