"""The frames of an mp3 file, counted one by one, and a view of the file that keeps time.

An mp3 file need not say how long it is. Where it does, in an Info frame, it may be wrong; where it
does not, decoders guess from the size and stop early. Damaged bytes make them give up. So the
frames are counted here, and where the file is not as it should be, a decoder is shown the same
frames behind an Info frame that tells the truth, with silent frames in the place of damaged bytes.

Sources: ISO/IEC 11172-3 and 13818-3 (frame headers); the Info frames that the Xing and LAME coders
write.
"""

from __future__ import annotations

import io
import mmap
import re
from bisect import bisect_right
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, pairwise
from pathlib import Path
from typing import NamedTuple

_KBITS_MPEG1 = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_KBITS_MPEG2 = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_RATES_HZ = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
_MPEG1 = 3
_SYNC = re.compile(rb"\xff[\xe2\xe3\xf2\xf3\xfa\xfb]")  # of layer III
_TAG = re.compile(b"Xing|Info|VBRI")
_TAG_WITHIN = 48  # bytes of the frame
_COUNTS_FRAMES, _COUNTS_BYTES = 1, 2
_BELIEVED = 3  # so many frames in a row are sound, not chance
_LONGEST_TAIL = 100  # times a tail of tags, such as APE's; libmpg123 grumbles at longer ones


class FrameRun(NamedTuple):
    """Undamaged frames in a row: their bytes, and how many they are.

    ``muted`` takes the place of the first bytes where those need data from before the span.
    """

    start: int
    last: int  # first byte of the last frame
    end: int
    frames: int
    muted: bytes = b""


@dataclass(frozen=True)
class Mp3Frames:
    """The frames of one file.

    Attributes:
        rate_hz: of the sound.
        frame_samples: what a frame decodes to, 1152 or 576.
        spans: at least one; the Info frame is in none.
        info: the Info frame, if there is one that counts frames; else empty.
        silent: a frame of silence of the same kind.
        tail_bytes: behind the last frame.
    """

    rate_hz: int
    frame_samples: int
    spans: tuple[FrameRun, ...]
    info: bytes
    silent: bytes
    tail_bytes: int

    @property
    def is_as_stated(self) -> bool:
        """Whether decoders read the whole file as it is, and do not complain of it aloud."""
        whole = len(self.spans) == 1 and self._stated_frames == self.spans[0].frames
        return whole and _LONGEST_TAIL * self.tail_bytes < self.spans[0].end - self.spans[0].start

    @property
    def damaged_seconds(self) -> float:
        """How long the damaged bytes between frames lasted, to judge by their number."""
        return sum(self._damaged_frames()) * self.frame_samples / self.rate_hz

    @property
    def missing_seconds(self) -> float:
        """What the file is shorter than it says."""
        missing = self._stated_frames - self._sound_frames - sum(self._damaged_frames())
        return max(0, missing) * self.frame_samples / self.rate_hz

    def opened(self, path: Path) -> io.RawIOBase:
        """The file as a decoder should see it; the caller closes it."""
        parts: list[bytes | tuple[int, int]] = []
        for span, frames in zip(self.spans, self._damaged_frames(), strict=True):
            parts += [self.silent * frames, span.muted, (span.start + len(span.muted), span.end)]
        return JoinedParts(path, [self._true_info(), *parts])

    @property
    def _sound_frames(self) -> int:
        return sum(span.frames for span in self.spans)

    @property
    def _stated_frames(self) -> int:
        tag = _TAG.search(self.info)
        return int.from_bytes(self.info[tag.end() + 4 : tag.end() + 8], "big") if tag else 0

    def _damaged_frames(self) -> list[int]:
        """Before each span: by the count in the Info frame, if the bytes make it likely."""
        gaps = [after.start - before.end for before, after in pairwise(self.spans)]
        if not gaps:
            return [0]
        frame_bytes = sum(span.end - span.start for span in self.spans) / self._sound_frames
        likely = sum(gaps) / frame_bytes
        missing = self._stated_frames - self._sound_frames
        total = missing if likely / 2 <= missing <= likely * 2 else likely
        return [0, *(round(total * gap / sum(gaps)) for gap in gaps)]

    def _true_info(self) -> bytes:
        """The Info frame with the right counts; what it says of delay and padding is kept."""
        info = bytearray(self.info or self.silent)
        tag = _TAG.search(info)
        if tag:
            at = tag.start()
        else:
            at = _side(info)[1]
            info[at : at + 8] = b"Info" + _COUNTS_FRAMES.to_bytes(4, "big")
        frames = self._sound_frames + sum(self._damaged_frames())
        info[at + 8 : at + 12] = frames.to_bytes(4, "big")
        if info[at + 7] & _COUNTS_BYTES:
            silent = len(self.silent) * sum(self._damaged_frames())
            size = len(info) + silent + sum(span.end - span.start for span in self.spans)
            info[at + 12 : at + 16] = size.to_bytes(4, "big")
        return bytes(info)


def read_frames(path: Path) -> Mp3Frames | None:
    """Find every frame of a file, in one pass and constant memory.

    Returns:
        None if it is neither called an mp3 nor begins as one, if no frames of layer III are in it,
        or frames of a kind that does not tell its size.
    """
    with path.open("rb") as file:
        head = file.read(4)
        if not head or not (path.suffix.lower() == ".mp3" or head[:3] == b"ID3" or _header(head)):
            return None
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return _frames_in(content)


def begins_like_a_frame(head: bytes) -> bool:
    """Whether the first bytes of a file, 4 or more, are those of a frame of layer III."""
    return _header(head[:4]) is not None


def _frames_in(content: mmap.mmap) -> Mp3Frames | None:
    at = _next_row(content, _behind_text(content), None)
    first = None if at is None else _header(content[at : at + 4])
    if at is None or first is None:
        return None
    (version, rate_index), size = first
    frame = content[at : at + size]
    tag = _TAG.search(frame, 0, _TAG_WITHIN)
    counts = tag and tag[0] != b"VBRI" and frame[tag.end() + 3] & _COUNTS_FRAMES
    spans = _spans(content, at + size if tag else at, first[0])
    if not spans:
        return None
    return Mp3Frames(
        _RATES_HZ[version][rate_index],
        1152 if version == _MPEG1 else 576,
        tuple(spans),
        frame if counts else b"",
        _silent(frame),
        len(content) - spans[-1].end,
    )


def _spans(content: mmap.mmap, start: int, kind: tuple[int, int]) -> list[FrameRun]:
    """All rows of frames of one kind from a byte on."""
    spans: list[FrameRun] = []
    begin: int | None = start
    while begin is not None:
        span = _row(content, begin, kind)
        if span.frames and spans:
            # Damage begins in the last frame before it, and ends what the next ones refer to.
            before = spans[-1]
            spans[-1] = before._replace(end=before.last, frames=before.frames - 1)
            span = span._replace(muted=_muted(content, span))
        if span.frames:
            spans.append(span)
        begin = _next_row(content, span.end, kind)
    return spans


@lru_cache(4096)
def _header(header: bytes) -> tuple[tuple[int, int], int] | None:
    """Kind (version, index of the rate) and size in bytes of the frame it begins, if it does."""
    if len(header) < 4 or not _SYNC.match(header):
        return None
    version, kbits, rate = header[1] >> 3 & 3, header[2] >> 4, header[2] >> 2 & 3
    if kbits in (0, 15) or rate == 3:
        return None
    if version == _MPEG1:
        size = 144_000 * _KBITS_MPEG1[kbits] // _RATES_HZ[version][rate]
    else:
        size = 72_000 * _KBITS_MPEG2[kbits] // _RATES_HZ[version][rate]
    return (version, rate), size + (header[2] >> 1 & 1)


def _row(
    content: mmap.mmap, start: int, kind: tuple[int, int], most: int | None = None
) -> FrameRun:
    """The frames of one kind that follow each other from a byte on."""
    last = at = start
    frames = 0
    while frames != most:
        found = _header(content[at : at + 4])
        if not found or found[0] != kind or at + found[1] > len(content):
            break
        last, at = at, at + found[1]
        frames += 1
    return FrameRun(start, last, at, frames)


def _next_row(content: mmap.mmap, at: int, kind: tuple[int, int] | None) -> int | None:
    """Where the next believable row of frames begins, of a kind if one is given."""
    while match := _SYNC.search(content, at):
        at = match.start()
        found = _header(content[at : at + 4])
        if found and found[0] == (kind or found[0]):
            row = _row(content, at, found[0], _BELIEVED)
            if row.frames == _BELIEVED or (row.frames and row.end == len(content)):
                return at
        at += 1
    return None


def _side(frame: bytes | bytearray) -> tuple[int, int]:
    """First byte and end of the side information of a frame."""
    start = 4 if frame[1] & 1 else 6  # behind a checksum
    mono = frame[3] >> 6 == 3
    if frame[1] >> 3 & 3 == _MPEG1:
        return start, start + (17 if mono else 32)
    return start, start + (9 if mono else 17)


def _muted(content: mmap.mmap, span: FrameRun) -> bytes:
    """The first frames of a span, silent, up to the first whose data all are in the span.

    A frame may begin in the data of earlier ones, so what is silenced keeps its data.
    """
    muted, held, at = b"", 0, span.start
    while at < span.end and (found := _header(content[at : at + 4])):
        frame = bytearray(content[at : at + found[1]])
        start, end = _side(frame)
        bits = 9 if found[0][0] == _MPEG1 else 8
        begins_before = int.from_bytes(frame[start : start + 2], "big") >> (16 - bits)
        if begins_before <= held:
            break
        # All lengths become 0; where its data begin stays, for decoders to keep them.
        frame[start:end] = (
            (begins_before << (16 - bits)).to_bytes(2, "big").ljust(end - start, b"\0")
        )
        muted += frame
        held += len(frame) - end
        at += len(frame)
    return muted


def _behind_text(content: mmap.mmap) -> int:
    """Where the ID3 tag at the beginning ends; its pictures may look like frames."""
    if content[:3] != b"ID3" or len(content) < 10:
        return 0
    size = 0
    for byte in content[6:10]:
        size = size << 7 | byte & 127
    return 10 + size


def _silent(frame: bytes) -> bytes:
    """A frame of the same kind and channels without a checksum, all of whose values are 0.

    Its bit rate, 128 or 80 kbit a second, leaves room for an Info tag.
    """
    header = bytes((0xFF, frame[1] | 1, 9 << 4 | frame[2] & 0b1100, frame[3]))
    found = _header(header)
    assert found is not None  # a header with another bit rate is one
    return header.ljust(found[1], b"\0")


class JoinedParts(io.RawIOBase):
    """Bytes and spans of a file, one after the other, to be read as one file."""

    def __init__(self, path: Path, parts: list[bytes | tuple[int, int]]) -> None:
        self._file = path.open("rb")
        self._parts = [part for part in parts if part]
        sizes = (
            len(part) if isinstance(part, bytes) else part[1] - part[0] for part in self._parts
        )
        self._ends = list(accumulate(sizes))
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._ends[-1]}[whence]
        self._at = max(0, origin + offset)
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        filled = 0
        while filled < len(buffer) and self._at < self._ends[-1]:
            index = bisect_right(self._ends, self._at)
            part = self._parts[index]
            left = min(self._ends[index] - self._at, len(buffer) - filled)
            if isinstance(part, bytes):
                piece = part[len(part) - (self._ends[index] - self._at) :][:left]
            else:
                self._file.seek(part[1] - (self._ends[index] - self._at))
                piece = self._file.read(left)
            buffer[filled : filled + len(piece)] = piece
            filled += len(piece)
            self._at += len(piece)
            if not piece:
                break
        return filled

    def close(self) -> None:
        self._file.close()
        super().close()
