"""Sound of any length to stems in overlapping chunks, in the memory of one chunk.

Chunks overlap, and over the overlap the shares that one chunk gives to the parts fade into those of
the next. It is shares that fade, before they become sound, so there is no seam to hear.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from ritornello.dsp.short_time import spectra_of_hops, window_size, windows
from ritornello.separate.runtime import SeparatorNetwork

CHUNK_SECONDS = 24.0
OVERLAP_SECONDS = 4.0
_STEPS = np.float32(2**23)  # of 24 bits


def separate_blocks(
    blocks: Iterable[np.ndarray],
    rate_hz: int,
    network: SeparatorNetwork,
    *,
    level: float,
    chunk_seconds: float = CHUNK_SECONDS,
    overlap_seconds: float = OVERLAP_SECONDS,
) -> Iterator[np.ndarray]:
    """Blocks of a mix to blocks of stems; one mask, of all channels together, serves each channel.

    All parts but the last are rounded to 24 bits, and the last takes the rest, which is what it was
    given but for the rounding: a mix of up to 24 bits is the sum of its parts exactly.

    Args:
        blocks: float32 [samples, channels] each, of one rate and as many channels throughout.
        level: root mean square of the whole recording, see `root_mean_square`.
        chunk_seconds: heard by the network at a time.
        overlap_seconds: of a chunk and the next; at most half a chunk.

    Yields:
        float32 [parts, samples, channels]; together as long as the blocks.
    """
    size = window_size(rate_hz, network.split.window_seconds)
    hop_seconds = size / 2 / rate_hz
    overlap = max(1, round(overlap_seconds / hop_seconds))
    frames = max(2 * overlap, round(chunk_seconds / hop_seconds))
    fade = (np.arange(overlap, dtype=np.float32)[:, None] + 0.5) / overlap
    scale = np.float32(1 / max(level, 1e-9))
    before = carried = None  # shares of the overlap; what the last frame adds to the next hop
    for hops, is_last, samples in _chunks(blocks, size // 2, frames, overlap):
        mix = spectra_of_hops(hops)
        magnitudes = np.sqrt(np.square(np.abs(mix)).mean(axis=0)) * scale
        shares = network.shares(magnitudes)
        if before is not None:
            shares[:, :overlap] = before + (shares[:, :overlap] - before) * fade
        done = shares.shape[1] if is_last else shares.shape[1] - overlap
        before = shares[:, done:]
        parts = np.empty((network.parts, *hops.shape[:1], done, size // 2), np.float32)
        ends = []
        for part, share in zip(parts[:-1], shares, strict=False):
            first, second = windows(mix[:, :done] * share[:done], size)
            part[:] = first
            part[:, 1:] += second[:, :-1]
            ends.append(second[:, -1])
        if carried is not None:
            parts[:-1, :, 0] += carried
        carried = np.stack(ends)
        np.divide(np.rint(parts[:-1] * _STEPS), _STEPS, out=parts[:-1])
        parts[-1] = hops[:, :done] - parts[:-1].sum(axis=0)
        sound = parts.reshape(*parts.shape[:2], -1).transpose(0, 2, 1)
        yield sound[:, samples]


def _chunks(
    blocks: Iterable[np.ndarray], hop: int, frames: int, overlap: int
) -> Iterator[tuple[np.ndarray, bool, slice]]:
    """Overlapping stretches of the sound, which begins after a hop of silence.

    Yields:
        Hops [channels, frames + 1, hop], whether it is the last stretch, and which samples of its
        new hops are sound rather than silence around it.
    """
    waiting = np.zeros((0, 0), np.float32)
    total = emitted = 0
    for block in blocks:
        before = waiting if total else np.zeros((hop, block.shape[1]), np.float32)
        waiting = np.concatenate([before, block])
        total += len(block)
        while len(waiting) >= (frames + 1) * hop + hop:
            start = hop if not emitted else 0
            yield _as_hops(waiting[: (frames + 1) * hop], hop), False, slice(start, None)
            emitted += frames - overlap
            waiting = waiting[(frames - overlap) * hop :]
    if total:
        waiting = np.pad(waiting, ((0, -len(waiting) % hop + hop), (0, 0)))
        start = 0 if emitted else hop
        yield _as_hops(waiting, hop), True, slice(start, total + hop - emitted * hop)


def _as_hops(sound: np.ndarray, hop: int) -> np.ndarray:
    return np.ascontiguousarray(sound.T).reshape(sound.shape[1], -1, hop)


def root_mean_square(blocks: Iterable[np.ndarray]) -> float:
    """Root mean square of all samples of blocks [samples, channels]; 0 for none."""
    energy, count = 0.0, 0
    for block in blocks:
        energy += float(np.square(block, dtype=np.float64).sum())
        count += block.size
    return float(np.sqrt(energy / count)) if count else 0.0
