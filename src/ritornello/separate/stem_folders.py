"""Songs with their stems: a folder for each song, a sound file for each instrument.

``<song>/<stem>.(wav|flac|mp3|ogg)``, where a stem is named for what plays: "bass", "drums",
"piano" or "keys"; everything else sounds in "other". A file "mix" or "mixture" is the mix, else the
stems are summed; a file "solo" is the instrument to start from, else the leading instrument is
taken. What is missing, unknown or left out is named.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ritornello.corpus.listing import SIDES
from ritornello.dsp.sound_formats import AUDIO_SUFFIXES
from ritornello.dsp.waveform import Waveform
from ritornello.errors import InputError, RitornelloError

PARTS = ("bass", "drums", "piano", "other")
_PART_OF = {
    "bass": "bass", "double bass": "bass",
    "drums": "drums", "drum": "drums", "percussion": "drums",
    "piano": "piano", "keys": "piano", "keyboard": "piano",
    "other": "other", "others": "other", "guitar": "other", "lead": "other", "strings": "other",
    "vocals": "other",
}  # fmt: skip
_MIX, _SOLO = "mix", "solo"
_MIX_NAMES = ("mix", "mixture")  # MUSDB calls it so
_HIDDEN = "."  # such as the ._bass.wav that a Mac leaves beside bass.wav
_LEADING = ("lead", "vocals", "guitar", "piano", "keys", "strings")
# mp3 coders pad by up to about two frames; a stem that is shorter by more is told.
_UNEVEN_SECONDS = 0.1


def part_of(stem: str) -> str:
    """The one of `PARTS` that a stem or instrument of this name belongs to; "other" if unknown."""
    return _PART_OF.get(stem, "other")


@dataclass(frozen=True, eq=False)
class StemSong:
    """A song, mono.

    Attributes:
        name: of its folder. solo_name: the stem that is its solo.
        mix, solo: float32 [samples].
        stems: float32 [samples, parts], in the order of `PARTS`; a missing part is silent.
        rate_hz: samples per second.
    """

    name: str
    mix: np.ndarray
    solo: np.ndarray
    solo_name: str
    stems: np.ndarray
    rate_hz: int


@dataclass
class StemSongs:
    """The songs of a folder and all that was found on the way.

    Attributes:
        songs: usable ones, by name.
        rejected: song -> why it is not used.
        missing: part -> songs without it. unknown: stem name -> songs where it went to "other".
        padded: song -> seconds by which its shortest file is shorter; it is silent from there.
        solos: stem name -> songs it leads.
    """

    songs: list[StemSong] = field(default_factory=list)
    rejected: dict[str, str] = field(default_factory=dict)
    missing: Counter[str] = field(default_factory=Counter)
    unknown: Counter[str] = field(default_factory=Counter)
    solos: Counter[str] = field(default_factory=Counter)
    padded: dict[str, float] = field(default_factory=dict)

    def describe(self) -> str:
        """What was found, in a sentence or two."""
        seconds = sum(len(song.mix) / song.rate_hz for song in self.songs)
        return f"{len(self.songs)} songs with stems, {seconds:.0f} s{self.remarks()}."

    def remarks(self) -> str:
        """What is unusual, to follow a sentence on the songs; empty if nothing is."""
        text = ""
        for title, counts in (
            ("part missing", self.missing),
            ("unknown stem, put to other", self.unknown),
            ("solo", self.solos),
        ):
            if counts:
                items = ", ".join(f"{name} in {count}" for name, count in sorted(counts.items()))
                text += f"; {title}: {items}"
        for name, seconds in self.padded.items():
            text += f"; {name} has files {seconds:.2f} s shorter, silent from there"
        for name, reason in self.rejected.items():
            text += f"; {name} left out: {reason.removesuffix('.')}"
        return text


def read_songs(
    folder: Path, read: Callable[[Path], Waveform], *, rate_hz: int, longest_seconds: float = 30.0
) -> StemSongs:
    """Read every song of a folder; arguments and errors as of `each_song`."""
    found = StemSongs()
    found.songs += each_song(folder, read, found, rate_hz=rate_hz, longest_seconds=longest_seconds)
    return found


def each_song(
    folder: Path,
    read: Callable[[Path], Waveform],
    found: StemSongs,
    *,
    rate_hz: int,
    longest_seconds: float,
) -> Iterator[StemSong]:
    """Read the songs of a folder one after another, with only one in memory.

    Args:
        folder: holds a folder for each song.
        read: reads a sound file, such as `ritornello.dsp.sound_files.read_audio`.
        found: is told all but the songs.
        rate_hz: to bring all sounds to.
        longest_seconds: songs are cut off here.

    Raises:
        InputError: if no song can be used.
    """
    usable = 0
    for place in sorted(path for path in folder.iterdir() if path.is_dir()):
        files = {_name_of(path): path for path in sound_files(place)}
        try:
            sounds = {name: _mono(read(path), rate_hz) for name, path in files.items()}
            song = _song(found, place.name, sounds, rate_hz, longest_seconds)
        except RitornelloError as error:
            found.rejected[place.name] = error.what
        else:
            yield song
            usable += 1
    if not usable:
        raise InputError(
            f"No song with stems can be used; looked at {len(found.rejected)} folders.",
            where=str(folder),
            next_step="Put the stems of each song in a folder of its own: song/bass.wav, ...",
        )


def sound_files(folder: Path) -> list[Path]:
    """The sound files of a folder by name, without hidden ones."""
    return [
        path
        for path in sorted(folder.iterdir())
        if path.suffix.lower() in AUDIO_SUFFIXES and not path.name.startswith(_HIDDEN)
    ]


def _name_of(path: Path) -> str:
    name = path.stem.lower()
    return _MIX if name in _MIX_NAMES else name


def _song(
    found: StemSongs, name: str, sounds: dict[str, np.ndarray], rate_hz: int, longest: float
) -> StemSong:
    """Check one song, map its stems to the parts, and count what is unusual."""
    stems = {stem: sound for stem, sound in sounds.items() if stem not in (_MIX, _SOLO)}
    if not stems:
        raise InputError("It has no stems.")
    lengths = [len(sound) for sound in sounds.values()]
    length = max(lengths)
    if length - min(lengths) > _UNEVEN_SECONDS * rate_hz:
        found.padded[name] = (length - min(lengths)) / rate_hz
    sounds = {stem: np.pad(sound, (0, length - len(sound))) for stem, sound in sounds.items()}
    stems = {stem: sounds[stem] for stem in stems}
    length = min(length, round(longest * rate_hz))
    if not length:
        raise InputError("Its stems hold no sound.")
    parts = np.zeros((length, len(PARTS)), np.float32)
    for stem, sound in stems.items():
        parts[:, PARTS.index(part_of(stem))] += sound[:length]
    present = {part_of(stem) for stem in stems}
    found.missing.update(set(PARTS) - present)
    found.unknown.update(stem for stem in stems if stem not in _PART_OF)
    solo = _SOLO if _SOLO in sounds else _leading(stems)
    found.solos[solo] += 1
    mix = sounds[_MIX][:length] if _MIX in sounds else parts.sum(axis=1)
    return StemSong(name, mix, sounds[solo][:length], solo, parts, rate_hz)


def _leading(stems: dict[str, np.ndarray]) -> str:
    """The stem that leads: the first of `_LEADING`, else any but the drums."""
    order = [*_LEADING, *sorted(set(stems) - {"drums"}), *stems]
    return next(name for name in order if name in stems)


def _mono(sound: Waveform, rate_hz: int) -> np.ndarray:
    """Channels averaged and the rate changed, float32 [samples]."""
    import soxr

    mono = sound.samples.mean(axis=1)
    return np.asarray(soxr.resample(mono, sound.rate_hz, rate_hz), np.float32)


def split_songs(
    songs: list[StemSong], shares: tuple[int, int, int], seed: int
) -> dict[str, list[StemSong]]:
    """Deal songs to "train", "valid" and "test" in these shares, each song to one side only.

    Songs that have all parts are spread evenly over the sides, so that every side can be scored on
    every part where that is possible at all.

    Raises:
        InputError: if there are fewer songs than sides.
    """
    if len(songs) < len(SIDES):
        raise InputError(
            f"{len(songs)} songs cannot be split into {', '.join(SIDES)}.",
            next_step="Give at least three songs.",
        )
    order = [songs[index] for index in np.random.default_rng(seed).permutation(len(songs))]
    order.sort(key=lambda song: -int(np.count_nonzero(song.stems.any(axis=0))))
    sides: dict[str, list[StemSong]] = {side: [] for side in SIDES}
    wanted = dict(zip(SIDES, shares, strict=True))
    for dealt, song in enumerate(order):
        # The side that lags its share most is next; the last songs go to sides without any.
        empty = [side for side in SIDES if not sides[side]]
        among = empty if len(empty) == len(order) - dealt else reversed(SIDES)
        due = (dealt + 1) / sum(shares)
        lag = {side: wanted[side] * due - len(sides[side]) for side in among}
        sides[max(lag, key=lambda side: lag[side])].append(song)
    return sides
