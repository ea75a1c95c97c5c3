"""Notes to the odds of a beat, of a downbeat and of beat lengths at each onset, by a network.

Notes struck together are an event, and a recurrent network reads the events both ways, after Liu,
Kong, Morfi & Benetos, "Performance MIDI-to-score conversion by neural beat tracking" (ISMIR 2022).
As it learns from notes, not from sound, it has read far more music than the network that hears
spectra (`activations`); how fast a beat is felt, which sound tells badly, it tells well. For a
player who is heard alone there is a network of its own: what it has learned of strummed guitars and
waltzes makes it count some bands twice as fast.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ritornello.note_model import weights_file
from ritornello.note_model.engine.recurrent import lstm
from ritornello.note_model.weights_file import WeightsFile
from ritornello.transcribe.alone import is_alone

ENOUGH_NOTES = 8  # fewer do not tell how fast a beat is
NOTE_BEATS_FILE, PLAYER_BEATS_FILE = "note_beats.safetensors", "player_beats.safetensors"
NOTE_BEATS_KIND = "note beats"
SLOWEST_BPM, TEMPI_AN_OCTAVE, TEMPI = 40.0, 12, 31  # classes of the length of a beat
_SCALARS = 11  # features before the pitch classes
FEATURES = _SCALARS + 24
_NEAR_CLASSES = 2.6
_LEAST_NATS = -6.0  # no length is less likely, for a network may err
_TOGETHER_SECONDS = 0.03
_USUAL_SECONDS, _SHORTEST_SECONDS = 0.4, 0.03
_EDGE_SECONDS = 2.0  # to the event before the first and after the last
_MEMORY_SECONDS = 1.0  # after which what sounded has faded to 1/e


class NoteBeats(NamedTuple):
    """Outputs of the network for each event.

    Attributes:
        times_seconds: when its notes begin, float64 [events], ascending.
        logits: log odds of a beat and of the beginning of a bar, float32 [events, 2].
        tempo_nats: log probability of each of `TEMPI` lengths of a beat, float32 [events, TEMPI];
            the first is at `SLOWEST_BPM`, `TEMPI_AN_OCTAVE` classes make a beat half as long.
    """

    times_seconds: np.ndarray
    logits: np.ndarray
    tempo_nats: np.ndarray

    def share_of(self, tempo_bpm: float) -> float:
        """How likely all events together hold a tempo, within a sixth, 0 to 1."""
        place = np.log2(tempo_bpm / SLOWEST_BPM) * TEMPI_AN_OCTAVE
        near = np.abs(np.arange(TEMPI) - place) < _NEAR_CLASSES
        return float(np.exp(self.tempo_nats[:, near]).sum(axis=1).mean())

    def length_nats(self, lengths_seconds: np.ndarray) -> np.ndarray:
        """How much less likely than the likeliest a length of a beat is, in nats; 0 and less.

        Args:
            lengths_seconds: [lengths], the same for all events, or [events, lengths].

        Returns:
            float64 [events, lengths].
        """
        places = np.log2(60 / lengths_seconds / SLOWEST_BPM) * TEMPI_AN_OCTAVE
        places = np.clip(places, 0, TEMPI - 1) + np.zeros((len(self.tempo_nats), 1))
        below = np.minimum(places.astype(int), TEMPI - 2)
        likeliest = self.tempo_nats.max(axis=1, keepdims=True)
        nats = np.maximum(self.tempo_nats - likeliest, _LEAST_NATS)
        low, high = (np.take_along_axis(nats, below + step, axis=1) for step in (0, 1))
        result: np.ndarray = low + (high - low) * (places - below)
        return result


def told_by(notes: np.ndarray, *, tempo_is_known: bool = False) -> NoteBeats | None:
    """Predictions for the notes of a recording, by the bundled network of players alone or that of
    all music; None if there are too few notes.

    Args:
        notes: `HEARD_NOTE_DTYPE` by onset.
        tempo_is_known: then it is the mean of both that follows a player alone best.
    """
    if len(notes) < ENOUGH_NOTES:
        return None
    usual = weights_file.bundled(NOTE_BEATS_FILE, NOTE_BEATS_KIND)
    if not is_alone(notes):
        return read_notes(notes, usual)
    told = read_notes(notes, weights_file.bundled(PLAYER_BEATS_FILE, NOTE_BEATS_KIND))
    if not tempo_is_known:
        return told
    other = read_notes(notes, usual)
    return NoteBeats(
        told.times_seconds,
        (told.logits + other.logits) / 2,
        np.logaddexp(told.tempo_nats, other.tempo_nats) - np.log(2),
    )


def read_notes(notes: np.ndarray, network: WeightsFile) -> NoteBeats:
    """Predictions of a network for notes.

    Args:
        notes: `HEARD_NOTE_DTYPE` by onset; may be empty.
        network: weights of a `experiments.listening.note_beat_net.NoteBeatNet`.
    """
    times, table = events(notes)
    weights = network.weights
    hidden = np.maximum(table @ weights["read.weight"].T + weights["read.bias"], 0)
    hidden = lstm(hidden[:, None], weights, "lstm.")[:, 0]
    answers = hidden @ weights["out.weight"].T + weights["out.bias"]
    tempi = answers[:, 2:] - answers[:, 2:].max(axis=1, keepdims=True, initial=-np.inf)
    return NoteBeats(
        times, answers[:, :2], tempi - np.log(np.exp(tempi).sum(axis=1, keepdims=True))
    )


def begin_events(onsets_seconds: np.ndarray) -> np.ndarray:
    """Which notes begin an event, bool [notes]; the others are struck together with them.

    Args:
        onsets_seconds: ascending.
    """
    begins: np.ndarray = np.diff(onsets_seconds, prepend=-np.inf) > _TOGETHER_SECONDS
    return begins


def events(notes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Notes to the events that the network reads: notes struck together are one event.

    Args:
        notes: `HEARD_NOTE_DTYPE` by onset; may be empty.

    Returns:
        When each event is, float64 [events], and its numbers, float32 [events, FEATURES]: how long
        since the last and the last but one and until the next, the longest note, how many notes,
        the lowest and the highest and how far they moved, how loud, how new its pitch classes are;
        then 12 pitch classes that begin and 12 that have sounded.
    """
    if not len(notes):
        return np.zeros(0), np.zeros((0, FEATURES), np.float32)
    onsets, pitches = notes["onset_seconds"], notes["pitch"].astype(int)
    number = np.cumsum(begin_events(onsets)) - 1
    count = np.bincount(number)
    times = np.bincount(number, onsets) / count
    lowest, highest = np.full(len(count), 128), np.zeros(len(count))
    longest = np.zeros(len(count))
    np.minimum.at(lowest, number, pitches)
    np.maximum.at(highest, number, pitches)
    np.maximum.at(longest, number, notes["end_seconds"] - onsets)
    loudness = np.bincount(number, notes["velocity"]) / count
    since = np.diff(times, prepend=times[0] - _EDGE_SECONDS)
    until = np.append(since[1:], _EDGE_SECONDS)
    begun = np.zeros((len(count), 12))
    begun[number, pitches % 12] = 1
    sounded = _sounded(begun, since)
    scalars = (
        _octaves(since),
        _octaves(until),
        _octaves(since + np.append(_EDGE_SECONDS, since[:-1])),
        _octaves(longest),
        np.log1p(count) - 1,
        (lowest - pitches.mean()) / 10,
        (highest - pitches.mean()) / 10,
        (loudness - notes["velocity"].mean()) / 12,
        1 - (begun * np.minimum(sounded, 1)).sum(axis=1) / begun.sum(axis=1),
        np.diff(lowest, prepend=lowest[0]) / 10,
        np.diff(highest, prepend=highest[0]) / 10,
    )
    assert len(scalars) == _SCALARS
    table = np.column_stack([*scalars, begun, np.minimum(sounded, 2)])
    return times, table.astype(np.float32)


def transposed(table: np.ndarray, semitones: int) -> np.ndarray:
    """Events transposed by semitones, for augmentation."""
    classes = np.arange(12)
    moved = np.concatenate([np.roll(classes, semitones), 12 + np.roll(classes, semitones)])
    return np.concatenate([table[:, :_SCALARS], table[:, _SCALARS:][:, moved]], axis=1)


def _octaves(seconds: np.ndarray) -> np.ndarray:
    """log2 of a duration over the median duration."""
    result: np.ndarray = np.clip(
        np.log2(np.maximum(seconds, _SHORTEST_SECONDS) / _USUAL_SECONDS), -3.5, 3
    )
    return result


def _sounded(begun: np.ndarray, since_seconds: np.ndarray) -> np.ndarray:
    """Chroma [events, 12] of the notes before each event, with exponential decay, float64."""
    found = np.zeros_like(begun)
    for event in range(1, len(begun)):
        kept = np.exp(-since_seconds[event] / _MEMORY_SECONDS)
        found[event] = kept * (found[event - 1] + begun[event - 1])
    return found
