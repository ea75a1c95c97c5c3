"""Our note model and our renderer asked for what `remix2023` does: the band around a solo.

The solo is kept from ours here (`ritornello remix` hears it; `remix2023_band` gives ours lines).
Told tempo, metre, key and length, it writes bass, drums, piano and strings, which the SoundFont
renderer plays. Stems are measured as the networks' are; SI-SDR means nothing for a band not heard.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ritornello.errors import InputError
from ritornello.music import io
from ritornello.music.keys import KeyName, estimate_key
from ritornello.music.piece import Piece, Track
from ritornello.music.slicing import slice_seconds
from ritornello.music.spelling import sounding_pitch_classes
from ritornello.note_model import checkpoint
from ritornello.note_model.engine import open_engine
from ritornello.papers.remix2023.measure import clicks_db
from ritornello.papers.remix2023.measure import noise_db as pauses_db
from ritornello.papers.remix2023.wishes import ANY_DURATION, NO_BORDERS, NO_NOISE
from ritornello.papers.shared.ours import BUNDLED, compose_ours, write_sample
from ritornello.papers.shared.outcome import Figure, Sample, Table
from ritornello.separate.scores import noise_db
from ritornello.separate.stem_folders import PARTS, StemSong
from ritornello.synth.render import render_stems

INSTRUMENTS = ("bass", "drums", "piano", "strings")  # in the order of `PARTS`
_RENDER_RATE_HZ = 44_100
_SLACK_SECONDS = 0.01  # a recording cut a few samples late needs no further bar
_TAIL_SECONDS = 1.5  # release and room die away in this time
_LONGER_SECONDS = (30.0, 90.0)
_SAMPLE_SECONDS = 15.0


@dataclass(frozen=True)
class Asked:
    """What a player says before the band plays.

    Attributes:
        tempo_bpm, metre: at the start of the solo.
        key: with seven notes, as the solo's notes have it; None where they tell none.
        seconds: to be filled.
    """

    tempo_bpm: float
    metre: tuple[int, int]
    key: KeyName | None
    seconds: float

    @property
    def bars(self) -> int:
        """As many as cover the length."""
        numerator, denominator = self.metre
        bar_seconds = 60 / self.tempo_bpm * 4 * numerator / denominator
        return max(1, math.ceil((self.seconds - _SLACK_SECONDS) / bar_seconds))


@dataclass(frozen=True)
class Played:
    """What ours answers: the notes, and stems float32 [samples, parts] in the order of `PARTS`."""

    piece: Piece
    stems: np.ndarray
    cpu_seconds: float


@dataclass(frozen=True)
class Networks:
    """The published system beside ours, on the same songs.

    Attributes:
        stems: source -> stems [samples, parts] that the split networks made of each song.
        cpu_seconds: to make the stems from the solo, for each second of music.
        chunk_seconds: where borders may be.
    """

    stems: dict[str, list[np.ndarray]]
    cpu_seconds: float
    chunk_seconds: float


@dataclass
class Beside:
    """All that the comparison adds to an outcome."""

    figures: list[Figure]
    table: Table
    sample: Sample
    compared: str
    wishes: dict[str, str]


def solo_and_band(folder: Path, song: StemSong) -> tuple[Piece, Piece]:
    """The notes of a song: its solo's, and everybody else's.

    Raises:
        InputError: if no MIDI file beside the stems has tracks named for the solo and for others.
    """
    found = sorted((folder / song.name).glob("*.mid"))
    piece = io.read(found[0]) if found else Piece(())
    solo = tuple(track for track in piece.tracks if track.name == song.solo_name)
    band = tuple(track for track in piece.tracks if track.name != song.solo_name)
    if not solo or not band:
        raise InputError(
            f"The song has no MIDI file with its solo ({song.solo_name}) and its band.",
            where=str(folder / song.name),
            next_step="Put the notes beside the stems, a track named for each stem.",
        )
    return replace(piece, tracks=solo), replace(piece, tracks=band)


def read_asked(solo: Piece, seconds: float) -> Asked:
    """What is taken from the notes of a solo; nothing else of it is used."""
    key = estimate_key(sounding_pitch_classes(solo))
    if key is not None and key.is_minor:
        key = replace(key, scale="natural minor")  # seven notes, as major has
    metre = solo.metres[0]
    return Asked(solo.tempos[0].bpm, (metre.numerator, metre.denominator), key, seconds)


def play(model: Path, asked: Asked, *, rate_hz: int, seed: int) -> Played:
    """Write and render what was asked, cut to exactly its length."""
    import soxr

    began = time.process_time()
    piece = _write_band(model, asked, seed, asked.key)
    samples = round(asked.seconds * rate_hz)
    stems = np.zeros((samples, len(PARTS)), np.float32)
    for name, sound in render_stems(piece, rate_hz=_RENDER_RATE_HZ).items():
        mono = soxr.resample(sound.samples.mean(axis=1), sound.rate_hz, rate_hz)[:samples]
        stems[: len(mono), INSTRUMENTS.index(name)] = mono
    return Played(piece, stems, time.process_time() - began)


def _write_band(model: Path, asked: Asked, seed: int, key: KeyName | None) -> Piece:
    rules = {"tempo_bpm": asked.tempo_bpm, "metre": asked.metre, "key": key, "parts": INSTRUMENTS}
    return compose_ours(model, bars=asked.bars, seed=seed, **rules)


def in_scale(pieces: Iterable[tuple[Piece, KeyName | None]]) -> float | None:
    """Percentage of pitched notes in the scale; pieces without a key are left out."""
    inside = [
        note % 12 in key.pitch_classes
        for piece, key in pieces
        if key is not None
        for track in piece.tracks
        if not track.is_drum
        for note in track.notes["pitch"].tolist()
    ]
    return 100 * sum(inside) / len(inside) if inside else None


def rest_db(piece: Piece, played: Played, rate_hz: int) -> float:
    """Level of the stems where their own notes rest and have died away, dB of full scale.

    -inf is digital silence; nan if no part rests so long.
    """
    levels = []
    for track in piece.tracks:
        stem = played.stems[:, INSTRUMENTS.index(track.label)]
        levels.append(noise_db(_sounding(piece, track, len(stem), rate_hz), stem, rate_hz))
    known = [level for level in levels if not math.isnan(level)]
    return max(known, default=math.nan)


def _sounding(piece: Piece, track: Track, samples: int, rate_hz: int) -> np.ndarray:
    """A full-scale tone while the notes of a track last and die away, else silence."""
    sound = np.zeros(samples)
    onsets = piece.ticks_to_seconds(track.notes["onset"])
    ends = piece.ticks_to_seconds(track.notes["onset"] + track.notes["duration"]) + _TAIL_SECONDS
    for onset, end in zip(onsets * rate_hz, ends * rate_hz, strict=True):
        sound[int(onset) : int(end)] = 1.0
    sound[1::2] *= -1  # without an offset, which the measure takes off
    return sound


def accompany(
    folder: Path,
    songs: list[StemSong],
    networks: Networks,
    model: Path = BUNDLED,
    *,
    out: Path,
    seed: int,
) -> Beside:
    """Let ours accompany the solo of each song, and measure it beside the networks.

    Args:
        folder: holds a folder for each song. songs: to be scored. model: our note model.
        out: gets a sample. seed: of the notes.

    Raises:
        InputError: if a song has no notes. CheckpointError: if there is no such model.
    """
    notes = [solo_and_band(folder, song) for song in songs]
    asked = [
        read_asked(solo, len(song.mix) / song.rate_hz)
        for song, (solo, _) in zip(songs, notes, strict=True)
    ]
    rate_hz = songs[0].rate_hz
    played = [play(model, each, rate_hz=rate_hz, seed=seed) for each in asked]
    longer = [
        play(model, replace(asked[0], seconds=seconds), rate_hz=rate_hz, seed=seed)
        for seconds in _LONGER_SECONDS
    ]
    keys = [each.key for each in asked]
    free = [_write_band(model, each, seed, None) for each in asked]
    figures = [
        *_sound_figures(songs, played, networks),
        Figure(
            "Pitched notes of the band in the scale of the solo",
            None,
            "%",
            ours=in_scale(zip([each.piece for each in played], keys, strict=True)),
            baselines=_only_known(
                {
                    "real band": in_scale(zip([band for _, band in notes], keys, strict=True)),
                    "ours, not told the key": in_scale(zip(free, keys, strict=True)),
                    "chance": 100 * 7 / 12,
                }
            ),
            protocol="key estimated from the solo's notes, seven-note scale; for ours it is a rule",
        ),
        *_cost_figures(asked, played, networks, model),
    ]
    fullest = max(range(len(songs)), key=lambda index: int(songs[index].stems.any(0).sum()))
    return Beside(
        figures,
        _table(songs, asked, played),
        _sample(songs[fullest], notes[fullest][0], played[fullest], out),
        _compare(figures, len(songs)),
        _wishes(figures, longer, asked[0], rate_hz),
    )


def _sound_figures(songs: list[StemSong], played: list[Played], networks: Networks) -> list[Figure]:
    """Clicks, level in pauses and length; the networks hear the same solo."""
    mine = [each.stems for each in played]
    theirs = networks.stems["solo"]
    others = {"One2Four split from the mix": networks.stems["mix"]}
    others["real stems"] = [song.stems for song in songs]
    seconds = networks.chunk_seconds
    clicks = {name: clicks_db(songs, stems, seconds) for name, stems in others.items()}
    pauses = {name: pauses_db(songs, stems) for name, stems in others.items()}
    on = f"One2Four split from the solo; {len(songs)} test songs"
    return [
        Figure(
            "Steps between samples at chunk borders against elsewhere",
            clicks_db(songs, theirs, seconds),
            "dB",
            "lower",
            ours=clicks_db(songs, mine, seconds),
            baselines=_only_known(clicks),
            protocol=f"{on}; parts that the real song has; mean over stems; ours has no chunks",
        ),
        Figure(
            "Level where the real stems pause",
            pauses_db(songs, theirs),
            "dB of full scale",
            ours=pauses_db(songs, mine),
            baselines=_only_known(pauses),
            protocol=f"{on}; ours plays notes of its own there, since it hears no pause, and is "
            "mastered louder; missing parts pause throughout",
        ),
        Figure(
            "Length: largest difference from what was asked",
            _largest_difference(songs, theirs),
            "samples",
            "lower",
            ours=_largest_difference(songs, mine),
            protocol=f"{on}; the networks are as long as what they hear, ours is told the seconds",
        ),
    ]


def _only_known(values: dict[str, float | None]) -> dict[str, float]:
    return {name: value for name, value in values.items() if value is not None}


def _largest_difference(songs: list[StemSong], stems: list[np.ndarray]) -> float:
    lengths = zip(stems, songs, strict=True)
    return float(max(abs(len(made) - len(song.mix)) for made, song in lengths))


def _cost_figures(
    asked: list[Asked], played: list[Played], networks: Networks, model: Path
) -> list[Figure]:
    """Processor time, and what is remembered from event to event."""
    seconds = sum(each.seconds for each in asked)
    state = open_engine(checkpoint.load(checkpoint.find(model))).initial_state(1)
    return [
        Figure(
            "CPU time for a second of music",
            networks.cpu_seconds,
            "s",
            "lower",
            ours=sum(each.cpu_seconds for each in played) / seconds,
            protocol="One2Four split from the solo, networks loaded; ours with loading the model, "
            f"writing and rendering at {_RENDER_RATE_HZ} Hz",
        ),
        Figure(
            "Memory of the past",
            None,
            "KiB",
            ours=state.nbytes / 1024,
            protocol="our state between two notes, the same at any length; the networks begin "
            "anew with every chunk",
        ),
    ]


def _table(songs: list[StemSong], asked: list[Asked], played: list[Played]) -> Table:
    rows: list[list[object]] = [
        [
            song.name,
            song.solo_name,
            told.tempo_bpm,
            "{}/{}".format(*told.metre),
            str(told.key or "none"),
            told.seconds,
            told.bars,
            each.piece.note_count,
            each.cpu_seconds,
        ]
        for song, told, each in zip(songs, asked, played, strict=True)
    ]
    return Table(
        "What ours was told of each test song",
        ["song", "solo", "bpm", "metre", "key", "seconds", "bars", "notes written", "CPU s"],
        rows,
        f"Told beside that: {', '.join(INSTRUMENTS)}. It hears neither solo nor mix.",
    )


def _sample(song: StemSong, solo: Piece, played: Played, out: Path) -> Sample:
    """The solo's real notes with the band of ours around them."""
    band = played.piece
    around = replace(band, tracks=(*solo.at_resolution(band.resolution).tracks, *band.tracks))
    name = f"Band of our model, which has not heard it, around the {song.solo_name} of {song.name}"
    return write_sample(
        slice_seconds(around, min(_SAMPLE_SECONDS, len(song.mix) / song.rate_hz)),
        out, "ours-band", name, "ours", seconds=_SAMPLE_SECONDS,
    )  # fmt: skip


def _compare(figures: list[Figure], songs: int) -> str:
    clicks, pauses, length, scale, cpu, _ = figures
    return (
        f"Told tempo, metre, key and length of {songs} solos, our note model and renderer make "
        f"stems whose steps at chunk borders are {_db(clicks.ours)} against elsewhere (networks "
        f"{_db(clicks.value)}, real stems {_db(clicks.baselines.get('real stems'))}), "
        f"{length.ours:.0f} samples off the length asked, {_percent(scale.ours)} of the pitched "
        f"notes in the scale of the solo (real band {_percent(scale.baselines.get('real band'))}), "
        f"in {cpu.ours:.2f} CPU s a second (networks {cpu.value:.2f}). "
        "The solo is kept from it here (`ritornello remix` hears one), so it has no SI-SDR, and "
        f"where real stems pause it plays on at {_db(pauses.ours)} (networks {_db(pauses.value)})."
    )


def _db(value: float | None) -> str:
    return "not known" if value is None else f"{value:+.1f} dB"


def _percent(value: float | None) -> str:
    return "not known" if value is None else f"{value:.0f}%"


def _wishes(
    figures: list[Figure], longer: list[Played], asked: Asked, rate_hz: int
) -> dict[str, str]:
    clicks = figures[0]
    level = max(
        (level for each in longer if not math.isnan(level := rest_db(each.piece, each, rate_hz))),
        default=math.nan,
    )
    heard = (
        f"the loudest stem is at {level:.0f} dB of full scale where its notes rest and have died "
        f"away for {_TAIL_SECONDS:g} s"
        if not math.isnan(level)
        else "no part rested long enough to measure"
    )
    off = ", ".join(
        f"{len(each.stems) - round(seconds * rate_hz)} samples off {seconds:g} s "
        f"({each.piece.bar_count} bars of {each.piece.duration_seconds:.2f} s, cut)"
        for each, seconds in zip(longer, _LONGER_SECONDS, strict=True)
    )
    return {
        NO_NOISE: f"Stems that ours writes and renders have none: {heard}.",
        NO_BORDERS: "For stems that ours writes and renders: steps at chunk borders "
        f"{_db(clicks.ours)} against elsewhere, real stems "
        f"{_db(clicks.baselines.get('real stems'))}.",
        ANY_DURATION: f"For stems of a band told tempo ({asked.tempo_bpm:g} bpm), metre and key: "
        f"{off}.",
    }
