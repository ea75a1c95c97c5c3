"""Streamed key activity to note candidates: accepted onset peaks, and their ends.

Works along the stream and keeps a few frames and the notes that sound. Every peak that is not
hopeless is a candidate. Two small networks of our own, one hidden layer each, look at the activity
around it: one says how likely a note begins there and how late the peak is (soft attacks are heard
late), the other, for each later frame, whether the note has been let go. Made by
`experiments.listening.note_decoder`.
"""

from __future__ import annotations

import numpy as np

from ritornello.note_model import weights_file
from ritornello.note_model.engine.layers import sigmoid
from ritornello.transcribe.note_activity import Activity
from ritornello.transcribe.note_features import (
    AHEAD,
    PAST,
    describe_ends,
    describe_onsets,
    find_peaks,
    first_levels_db,
    vertices,
)

DECODER_FILE = "note_decoder.safetensors"
DECODER_KIND = "note decoder"
SHORTEST_FRAMES = 4
# Keys count from the lowest of a piano; the level is the highest soon after the onset.
CANDIDATE_DTYPE = np.dtype(
    [
        ("onset_frame", np.float64),
        ("end_frame", np.float64),
        ("key", np.int16),
        ("level_db", np.float32),
        ("probability", np.float32),
    ]
)
_LEAST_PROBABILITY = 0.1
_ENDED_PROBABILITY = 0.6


class NoteDecoder:
    """Collects note candidates from streamed activity."""

    def __init__(self) -> None:
        self._frames = Activity.silent(PAST)
        self._first = -PAST  # number of the first frame kept
        self._open = np.zeros(0, CANDIDATE_DTYPE)
        self._finished: list[np.ndarray] = []

    def read(self, activity: Activity) -> None:
        """Process the next frames of activity."""
        joined = Activity(*map(np.concatenate, zip(self._frames, activity, strict=True)))
        count = max(0, len(joined.onset) - PAST - AHEAD)
        if count:
            self._begin(joined, count)
            self._end(joined, count)
        self._frames = Activity(*(array[count:].copy() for array in joined))
        self._first += count

    def finish(self) -> np.ndarray:
        """All candidates, `CANDIDATE_DTYPE`, by onset and key; nothing can be read afterwards."""
        self.read(Activity.silent(AHEAD))
        self._open["end_frame"] = self._first + PAST
        found = np.concatenate([*self._finished, self._open])
        return found[np.lexsort((found["key"], found["onset_frame"]))]

    def _begin(self, frames: Activity, count: int) -> None:
        """Begin the candidates whose onset peaks lie in these frames."""
        rows, keys = find_peaks(frames.onset, count)
        logit, late = _network("onset", describe_onsets(frames, rows, keys)).T
        found = np.zeros(len(rows), CANDIDATE_DTYPE)
        found["onset_frame"] = self._first + rows + vertices(frames.onset, rows, keys) - late
        found["key"] = keys
        found["level_db"] = first_levels_db(frames, rows, keys)
        found["probability"] = sigmoid(logit)
        likely = found["probability"] >= _LEAST_PROBABILITY
        self._open = np.concatenate([self._open, found[likely]])

    def _end(self, frames: Activity, count: int) -> None:
        """End the candidates whose activity ends in these frames."""
        begun = np.rint(self._open["onset_frame"]).astype(np.int64) - self._first
        asked = np.maximum(PAST, begun + SHORTEST_FRAMES)  # first row that may be the end
        counts = np.maximum(0, PAST + count - asked)
        note = np.repeat(np.arange(len(begun)), counts)
        rows = np.arange(len(note)) - np.repeat(np.cumsum(counts) - counts, counts) + asked[note]
        keys, levels = self._open["key"][note], self._open["level_db"][note]
        logit = _network("end", describe_ends(frames, rows, keys, rows - begun[note], levels))[:, 0]
        ended = sigmoid(logit) >= _ENDED_PROBABILITY
        done, where = np.unique(note[ended], return_index=True)
        self._open["end_frame"][done] = self._first + rows[ended][where]
        self._finished.append(self._open[done])
        self._open = np.delete(self._open, done)


def _network(name: str, features: np.ndarray) -> np.ndarray:
    weights = weights_file.bundled(DECODER_FILE, DECODER_KIND).weights
    hidden = np.tanh(features @ weights[f"{name}.0.weight"].T + weights[f"{name}.0.bias"])
    result: np.ndarray = hidden @ weights[f"{name}.2.weight"].T + weights[f"{name}.2.bias"]
    return result
