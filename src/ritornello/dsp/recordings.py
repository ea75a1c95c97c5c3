"""Any recording, read in blocks: at any rate, in mono or stereo, as often as needed.

libsndfile decodes wav, flac, ogg, mp3 and others; what it does not know, such as m4a, goes to PyAV
(extra ``m4a``). Every pass gives the same samples and the same number of them: what cannot be
decoded is silent, so that all that follows keeps its time, and is reported. Nothing grows with the
length of the recording.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from itertools import chain
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from ritornello.dsp.diagnostics import Finding
from ritornello.dsp.mp3_frames import JoinedParts, Mp3Frames, begins_like_a_frame, read_frames
from ritornello.dsp.sound_files import (
    READABLE,
    SOUND_ERRORS,
    require_numbers,
    require_sound_file,
    system_path,
    unreadable,
)
from ritornello.dsp.sound_formats import PYAV_SUFFIXES
from ritornello.dsp.streamed_wav import completed_header
from ritornello.errors import InputError, MissingExtraError

_BLOCK = 16_384  # frames decoded at a time; what is lost with one damaged byte
_LOWEST_HZ, _HIGHEST_HZ = 1_000, 1_000_000
# Loudspeakers in the usual order: left, right, centre (c: behind), low effects, surround.
_LAYOUTS = {3: "LRC", 4: "LRlr", 5: "LRClr", 6: "LRC-lr", 7: "LRC-clr", 8: "LRC-lrlr"}
_NO_SOUND = "no sound can be decoded from it"
_READABLE = f"{READABLE}, and with the extra m4a .m4a and others"
_OTHER_SOUNDS = re.compile(rb"(RIFF|RF64)....WAVE|FORM....AIF[FC]|OggS|fLaC|caff", re.DOTALL)
_LONGEST_PACKET = 4096  # frames, of AAC and its like
_UNKNOWN_BYTES = 2**31 - 4096  # and more: programs that do not know the length write this
# What each gives to left and right, after ITU-R BS.775-3, annex 4.
_SHARES = {
    "L": (1.0, 0.0), "R": (0.0, 1.0), "C": (0.7071, 0.7071), "-": (0.0, 0.0),
    "l": (0.7071, 0.0), "r": (0.0, 0.7071), "c": (0.5, 0.5),
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Recording:
    """A recording that is decoded when it is asked for.

    Attributes:
        path: where it is.
        format: what it is, such as "FLAC".
        rate_hz, channels: its own.
        frames: its length, in samples at its own rate.
        findings: what is unusual about the file.
    """

    path: Path
    format: str
    rate_hz: int
    channels: int
    frames: int
    findings: tuple[Finding, ...]
    # Gives float32 [frames, channels], or, where frames are lost, their number.
    _decode: Callable[[], Iterator[np.ndarray | int]]

    @classmethod
    def open(cls, path: str | PathLike[str]) -> Recording:
        """Find out what a file holds.

        Raises:
            InputError: if there is no such file, it is no sound, or there is nothing in it.
            MissingExtraError: if it is of a kind that only PyAV decodes, and that is not there.
        """
        path = Path(path)
        require_sound_file(path, _READABLE)
        found = _opened_by_libsndfile(path) or _opened_by_pyav(path)
        if not found.frames:
            raise InputError("There is no sound in the file.", where=str(path))
        if not _LOWEST_HZ <= found.rate_hz <= _HIGHEST_HZ:
            limits = f"{_LOWEST_HZ:,} to {_HIGHEST_HZ:,}"
            raise InputError(
                f"Recordings have {limits} samples a second; found {found.rate_hz:,}.",
                where=str(path),
            )
        return found

    @property
    def duration_seconds(self) -> float:
        return self.frames / self.rate_hz

    def length(self, rate_hz: int) -> int:
        """In samples at a rate."""
        return round(self.frames * rate_hz / self.rate_hz)

    def blocks(
        self,
        rate_hz: int,
        channels: int = 1,
        lost: Callable[[float, float], None] = lambda start_seconds, end_seconds: None,
    ) -> Iterator[np.ndarray]:
        """The whole recording, in order.

        More than two channels are taken for loudspeakers in the usual order. Mono is the mean of
        left and right.

        Args:
            rate_hz: of the blocks.
            channels: 1 or 2.
            lost: is told, as decoding comes to it, from when to when sound is damaged.

        Yields:
            float32 [samples] of mono, [samples, 2] of stereo; `length` samples in all, of blocks
            of any size but 0.

        Raises:
            InputError: if a value is not a number.
        """
        import soxr

        matrix = _fold(self.channels, channels)
        resampler = None
        if rate_hz != self.rate_hz:
            resampler = soxr.ResampleStream(self.rate_hz, rate_hz, channels, dtype="float32")
        left = self.length(rate_hz)
        end = np.zeros((0, self.channels), np.float32)
        for block in chain(self._whole(lost), [end]):
            sound = block @ matrix
            sound = sound[:, 0] if channels == 1 else sound
            if resampler:
                sound = resampler.resample_chunk(sound, last=block is end)
            sound = sound[:left]
            left -= len(sound)
            if len(sound):
                yield sound
        if left:  # what a rate rounds away
            yield np.zeros((left, 2) if channels == 2 else left, np.float32)

    def _whole(self, lost: Callable[[float, float], None]) -> Iterator[np.ndarray]:
        """float32 [frames, channels] at its own rate, silent where nothing can be decoded."""
        at = 0
        for block in self._decode():
            if isinstance(block, int):
                lost(at / self.rate_hz, (at + block) / self.rate_hz)
                yield from _silence(block, self.channels)
                at += block
            else:
                require_numbers(block, self.path)
                yield block
                at += len(block)
        if at < self.frames:
            lost(at / self.rate_hz, self.duration_seconds)
            yield from _silence(self.frames - at, self.channels)


def _counted(decode: Callable[[], Iterator[np.ndarray | int]]) -> int:
    """How many frames are decoded or lost in all."""
    return sum(part if isinstance(part, int) else len(part) for part in decode())


def _silence(frames: int, channels: int) -> Iterator[np.ndarray]:
    for start in range(0, frames, _BLOCK):
        yield np.zeros((min(_BLOCK, frames - start), channels), np.float32)


def _fold(own: int, channels: int) -> np.ndarray:
    """What each channel of a recording gives to mono or to left and right, [own, channels]."""
    if own == 1:
        return np.ones((1, channels), np.float32)
    if own == 2:
        stereo = np.eye(2)
    elif own in _LAYOUTS:
        stereo = np.array([_SHARES[speaker] for speaker in _LAYOUTS[own]])
        stereo /= stereo.sum(axis=0)  # never beyond full scale
    else:
        stereo = np.full((own, 2), 1 / own)
    fold = stereo if channels == 2 else stereo.mean(axis=1, keepdims=True)
    return fold.astype(np.float32)


def _downmix(channels: int) -> list[Finding]:
    if channels <= 2:
        return []
    how = "as loudspeakers around a listener" if channels in _LAYOUTS else "in equal shares"
    sentence = f"It has {channels} channels; they are mixed to two, {how}."
    return [Finding("many_channels", sentence, channels)]


# --- libsndfile ------------------------------------------------------------------------------


def _opened_by_libsndfile(path: Path) -> Recording | None:
    """None if it does not know the format."""
    mp3 = read_frames(path)
    if mp3 is None and _looks_like_mp3(path):
        return None  # its decoder would look for frames, find none, and complain aloud
    try:
        with _sound_file(path, mp3) as file:
            findings = [*_downmix(file.channels), *(_of_mp3(mp3) if mp3 else _cut_off(file))]
            decode = partial(_decoded, path, mp3)
            frames = file.frames
            if mp3 is None and file.subtype.startswith("MPEG"):
                frames = _counted(decode)  # mp1 and mp2 state no length, and libsndfile guesses
            return Recording(
                path,
                file.format,
                file.samplerate,
                file.channels,
                frames,
                tuple(findings),
                decode,
            )
    except SOUND_ERRORS:
        return None


def _looks_like_mp3(path: Path) -> bool:
    """By its name, unless it begins like another sound, or by its beginning."""
    with path.open("rb") as file:
        head = file.read(12)
    return begins_like_a_frame(head) or (
        path.suffix.lower() == ".mp3" and not _OTHER_SOUNDS.match(head)
    )


@contextmanager
def _sound_file(path: Path, mp3: Mp3Frames | None) -> Iterator[Any]:
    """The file as libsndfile reads it well."""
    import soundfile

    whole: Any = nullcontext(system_path(path))
    if mp3 and not mp3.is_as_stated:
        whole = closing(mp3.opened(path))
    elif mp3 is None and (header := completed_header(path)) is not None:
        whole = closing(JoinedParts(path, [header, (len(header), path.stat().st_size)]))
    with whole as view, soundfile.SoundFile(view) as file:
        yield file


def _of_mp3(mp3: Mp3Frames) -> list[Finding]:
    findings = []
    if seconds := mp3.missing_seconds:
        findings.append(_missing(seconds))
    if seconds := mp3.damaged_seconds:
        sentence = f"The file is damaged; about {seconds:.2f} s of sound are lost and silent."
        findings.append(Finding("damaged", sentence, seconds))
    return findings


def _cut_off(file: Any) -> list[Finding]:
    """What a wav file is shorter than it says, from the log of libsndfile."""
    log = re.search(r"data : (\d+) \(should be (\d+)\)", file.extra_info)
    if not log:
        return []
    stated, found = int(log[1]), int(log[2])
    if not found < stated < _UNKNOWN_BYTES:
        return []
    return [_missing((stated / found - 1) * file.frames / file.samplerate)]


def _missing(seconds: float) -> Finding:
    sentence = f"The file says that it is {seconds:.1f} s longer than it is; it may be cut off."
    return Finding("cut_off", sentence, seconds)


def _decoded(path: Path, mp3: Mp3Frames | None) -> Iterator[np.ndarray | int]:
    """Every frame by libsndfile, which is made to go on behind damage where it can."""
    at, skipped = 0, 0
    while True:
        with _sound_file(path, mp3) as file:
            for hole, block in _until_damage(file, at + skipped):
                if skipped := skipped + hole:
                    yield skipped
                yield block
                at, skipped = at + skipped + len(block), 0
            skipped = max(_BLOCK, 2 * skipped)
            if at + skipped >= file.frames:
                return


def _until_damage(file: Any, at: int) -> Iterator[tuple[int, np.ndarray]]:
    """Blocks of float32 [frames, channels], each with the number of frames lost before it."""
    # soundfile seeks to where it is after each block. In mp3 libsndfile then loses sound, but in
    # Vorbis nothing else tells of damage.
    is_vorbis = file.subtype == "VORBIS"
    try:
        if at:
            file.seek(at)
        file.seekable = lambda: is_vorbis
        while len(block := file.read(_BLOCK, dtype="float32", always_2d=True)):
            behind = file.tell() if is_vorbis else at + len(block)
            if behind <= at:  # it would never end
                return
            yield behind - len(block) - at, block
            at = behind
    except SOUND_ERRORS:
        return


# --- PyAV ------------------------------------------------------------------------------------


def _opened_by_pyav(path: Path) -> Recording:
    """Decoded once, to count: containers state a length that is only about right.

    Raises:
        InputError: if there is no sound in it.
        MissingExtraError: if PyAV is not there, and may decode it.
    """
    try:
        import av
    except ImportError:
        if path.suffix.lower() not in PYAV_SUFFIXES:
            raise unreadable(path, _NO_SOUND, _READABLE) from None
        raise MissingExtraError(
            f"Reading {path.suffix} needs PyAV.", extra="m4a", where=str(path)
        ) from None
    try:
        with av.open(str(path), metadata_errors="ignore") as container:
            if not container.streams.audio:
                raise unreadable(path, _NO_SOUND, _READABLE)
            tracks = len(container.streams.audio)
        track = next((n for n in range(tracks) if _sounds(path, n)), 0)
        with av.open(str(path), metadata_errors="ignore") as container:
            stream = container.streams.audio[track]
            format_, rate_hz, channels = stream.codec.name.upper(), stream.rate, stream.channels
            stated = round((stream.duration or 0) * (stream.time_base or 0) * rate_hz)
        decode = partial(_decoded_by_pyav, path, track)
        frames = _counted(decode)
        if 0 < stated <= frames < stated + _LONGEST_PACKET:  # the last packet is filled up
            frames = stated
        return Recording(
            path,
            format_,
            rate_hz,
            channels,
            frames,
            (*_downmix(channels), *_other_tracks(track, tracks)),
            decode,
        )
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise unreadable(path, _NO_SOUND, _READABLE) from error


def _other_tracks(track: int, tracks: int) -> list[Finding]:
    if tracks < 2:
        return []
    which = "it is the first with sound" if track else "the others are not"
    sentence = f"It has {tracks} sound tracks; track {track + 1} is heard, {which}."
    return [Finding("many_tracks", sentence, tracks)]


def _sounds(path: Path, track: int) -> bool:
    """Whether a track has a sample other than 0."""
    decoded = _decoded_by_pyav(path, track)
    return any(not isinstance(block, int) and bool(block.any()) for block in decoded)


def _decoded_by_pyav(path: Path, track: int) -> Iterator[np.ndarray | int]:
    import av

    with av.open(str(path), metadata_errors="ignore") as container:
        stream = container.streams.audio[track]
        packed = av.AudioResampler("flt", stream.layout, stream.rate)
        for packet in container.demux(stream):
            try:
                frames = [part for frame in packet.decode() for part in packed.resample(frame)]
            except av.error.InvalidDataError:
                seconds = (packet.duration or 0) * (packet.time_base or 0)
                yield round(seconds * stream.rate)
            else:
                for frame in frames:
                    yield frame.to_ndarray().reshape(-1, stream.channels)
