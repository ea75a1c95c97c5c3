"""Activity of keys to notes: where an onset peaks, whether it is a note, when it stops.

Works along the stream and keeps a few frames and the notes that sound. Each peak of the onset
activity that is not hopeless is a candidate. A small network of our own looks at the frames around
it, of its own key and of those it could be mistaken for (overtones, neighbours), and says how
likely a note begins there and how late the peak is. Made by `tools.note_decoder`.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import as_file, files

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from ritornello import weights_file
from ritornello.audio.listening.note_activity import KEYS, LOWEST_DB, Activity

DECODER_FILE = "note_decoder.safetensors"
DECODER_KIND = "note decoder"
CANDIDATE_DTYPE = np.dtype(
    [
        ("onset_frame", np.float64),
        ("end_frame", np.float64),
        ("key", np.int16),
        ("level_db", np.float32),
        ("probability", np.float32),
    ]
)

PAST, AHEAD = 8, 16  # frames seen around each
_PEAK_FRAMES = 3  # an onset is the highest of so many to either side
_FAINTEST_ONSET = 0.25
_FIRST_FRAMES = 8  # of a note, about 93 ms
# Keys whose sound may be taken for a note: its octaves, overtones and neighbours, in semitones.
_RELATIVES = np.array(
    [-36, -34, -31, -28, -24, -19, -16, -12, -7, -5, -4, -3, -2, -1,
     1, 2, 3, 4, 5, 7, 12, 16, 19, 24, 28]
)  # fmt: skip
_MARGIN = 36  # keys beyond either end of the piano, silent
_ONSET_ROWS = np.arange(-4, 7)
_SOUND_ROWS = np.arange(-PAST, AHEAD, 2)
# Which features are onset activity, and which sounding activity, in the order of `describe`.
_GROUPS = np.repeat(
    [0, 1, 2, 0, 1, 1, 2, 0, 1, 2, 2],
    [len(_ONSET_ROWS), len(_SOUND_ROWS), len(_SOUND_ROWS), *[len(_RELATIVES)] * 4, 1, 1, 1, 1],
)
WEAKENED = (_GROUPS == 0, _GROUPS == 1)
_LEAST_PROBABILITY = 0.1
_SHORTEST_FRAMES = 4
_ENDS_BELOW, _QUIET_FRAMES = 0.3, 4
_DROP_DB, _DROP_FRAMES = 12.0, 6


class NoteDecoder:
    """Finds candidates while activity streams by.

    Args:
        weights: of the network; None for those of the package.
    """

    def __init__(self, weights: dict[str, np.ndarray] | None = None) -> None:
        self._weights = _packaged_weights() if weights is None else weights
        self._frames = blank(PAST)
        self._first = -PAST  # number of the first frame kept
        self._open: dict[int, list[np.ndarray]] = {}
        self._finished: list[np.ndarray] = []

    def read(self, activity: Activity) -> None:
        """Take the next frames."""
        joined = Activity(*map(np.concatenate, zip(self._frames, activity, strict=True)))
        count = max(0, len(joined.onset) - PAST - AHEAD)
        if count:
            self._begin(joined, count)
            self._end(joined, count)
        self._frames = Activity(*(array[count:] for array in joined))
        self._first += count

    def finish(self) -> np.ndarray:
        """All candidates, `CANDIDATE_DTYPE`, by onset and key; nothing can be read afterwards."""
        self.read(blank(AHEAD))
        for notes in self._open.values():
            for note in notes:
                note["end_frame"] = self._first + PAST
                self._finished.append(note)
        found = np.array(self._finished, CANDIDATE_DTYPE)
        return found[np.lexsort((found["key"], found["onset_frame"]))]

    def _begin(self, frames: Activity, count: int) -> None:
        """Open the candidates whose peaks are in these frames."""
        rows, keys = find_peaks(frames.onset, count)
        if not len(rows):
            return
        probability, late = decide(describe(frames, rows, keys), self._weights)
        loudest = frames.level_db[rows + np.arange(_FIRST_FRAMES)[:, None], keys].max(axis=0)
        peaks = rows + vertices(frames.onset, rows, keys)
        for n in np.flatnonzero(probability >= _LEAST_PROBABILITY):
            note = np.zeros((), CANDIDATE_DTYPE)
            note["onset_frame"] = self._first + peaks[n] - late[n]
            note["end_frame"] = self._first + rows[n] + _SHORTEST_FRAMES  # not before
            note["key"], note["level_db"] = keys[n], loudest[n]
            note["probability"] = probability[n]
            self._open.setdefault(int(keys[n]), []).append(note)

    def _end(self, frames: Activity, count: int) -> None:
        """Let go of the notes that end in these frames."""
        ended = _endings(frames, count)
        for key, notes in list(self._open.items()):
            still = []
            for note in notes:
                earliest = max(0, int(note["end_frame"]) - self._first - PAST)
                ends = np.flatnonzero(ended[earliest:, key])
                if len(ends):
                    note["end_frame"] = self._first + PAST + earliest + ends[0]
                    self._finished.append(note)
                else:
                    still.append(note)
            self._open[key] = still


def blank(frames: int) -> Activity:
    nothing = np.zeros((frames, KEYS), np.float32)
    return Activity(nothing, nothing, np.full_like(nothing, LOWEST_DB))


# --- onsets ---------------------------------------------------------------------------------------


def find_peaks(onset: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows and keys of candidates among the ``count`` rows from `PAST` on."""
    highest = sliding_window_view(onset, 2 * _PEAK_FRAMES + 1, axis=0).max(axis=-1)
    highest = highest[PAST - _PEAK_FRAMES : PAST - _PEAK_FRAMES + count]
    here, before = onset[PAST : PAST + count], onset[PAST - 1 : PAST - 1 + count]
    rows, keys = np.nonzero((here >= _FAINTEST_ONSET) & (here == highest) & (before < here))
    return rows + PAST, keys


def vertices(onset: np.ndarray, rows: np.ndarray, keys: np.ndarray) -> np.ndarray:
    """Where parabolas through the heights around peaks are highest, -0.5 to 0.5 frames away."""
    left, middle, right = (onset[rows + step, keys] for step in (-1, 0, 1))
    return 0.5 * (left - right) / np.minimum(left - 2 * middle + right, -1e-6)


def describe(frames: Activity, rows: np.ndarray, keys: np.ndarray) -> np.ndarray:
    """What the network looks at, float32 [peaks, features].

    Of the key itself onset activity, sounding activity and level (against its loudest) around the
    peak; of its relatives the highest onset activity, the mean sounding activity before and after,
    and how much louder they are; of all keys the highest onset activity, how many sound, and the
    loudest; and which key it is.
    """
    pad = ((0, 0), (_MARGIN, _MARGIN))
    onset, sounding = (np.pad(part, pad) for part in (frames.onset, frames.sounding))
    level = np.pad(frames.level_db, pad, constant_values=LOWEST_DB)
    n, key = len(rows), keys + _MARGIN

    def around(part: np.ndarray, steps: np.ndarray) -> np.ndarray:
        return part[(rows[:, None] + steps)]  # [peaks, steps, keys]

    first = np.arange(_FIRST_FRAMES)
    onsets = around(onset, np.arange(-3, 4)).max(axis=1)
    after, before = (
        around(sounding, steps).mean(axis=1) for steps in (first, np.arange(-PAST, -3))
    )
    loudest = around(level, first).max(axis=1)
    own = loudest[np.arange(n), key][:, None]
    relatives = (np.arange(n)[:, None], key[:, None] + _RELATIVES)
    columns = [
        onset[rows[:, None] + _ONSET_ROWS, key[:, None]],
        sounding[rows[:, None] + _SOUND_ROWS, key[:, None]],
        np.clip((level[rows[:, None] + _SOUND_ROWS, key[:, None]] - own) / 20, -2, 1),
        onsets[relatives],
        after[relatives],
        before[relatives],
        np.clip((loudest[relatives] - own) / 20, -2, 2),
        onsets.max(axis=1)[:, None],
        after.sum(axis=1)[:, None] / 5,
        np.clip((loudest.max(axis=1)[:, None] - own) / 20, 0, 3),
        (keys[:, None] - KEYS / 2) / 20,
    ]
    return np.concatenate(columns, axis=1).astype(np.float32)


def decide(features: np.ndarray, weights: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """How likely each peak is a note, and by how many frames it is late."""
    hidden = np.tanh(features @ weights["0.weight"].T + weights["0.bias"])
    logit, late = (hidden @ weights["2.weight"].T + weights["2.bias"]).T
    return 1 / (1 + np.exp(-logit)), late


@cache
def _packaged_weights() -> dict[str, np.ndarray]:
    with as_file(files("ritornello") / "assets" / "listening" / DECODER_FILE) as path:
        return weights_file.load(path, DECODER_KIND).weights


# --- ends -----------------------------------------------------------------------------------------


def _endings(frames: Activity, count: int) -> np.ndarray:
    """Where a key has just stopped to sound, or fallen fast, bool [count, keys]."""
    ahead = sliding_window_view(frames.sounding, _QUIET_FRAMES, axis=0).max(axis=-1)
    quiet = ahead[PAST : PAST + count] < _ENDS_BELOW
    loudest = sliding_window_view(frames.level_db, _DROP_FRAMES, axis=0).max(axis=-1)
    before = loudest[PAST - _DROP_FRAMES + 1 :][:count]
    return quiet | (loudest[PAST + 2 :][:count] < before - _DROP_DB)
