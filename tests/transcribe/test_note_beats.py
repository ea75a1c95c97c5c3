"""Notes tell beats and tempo: what the network reads, what it answers, and what becomes of it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ritornello.note_model import weights_file
from ritornello.note_model.weights_file import WeightsFile
from ritornello.transcribe import beats, tracking
from ritornello.transcribe.note_beats import (
    FEATURES,
    NOTE_BEATS_FILE,
    NOTE_BEATS_KIND,
    PLAYER_BEATS_FILE,
    SLOWEST_BPM,
    TEMPI,
    TEMPI_AN_OCTAVE,
    NoteBeats,
    events,
    read_notes,
    transposed,
)
from ritornello.transcribe.values import HEARD_NOTE_DTYPE, Hints

FRAME_SECONDS = 0.02
NETWORKS = [
    weights_file.bundled(file, NOTE_BEATS_KIND) for file in (NOTE_BEATS_FILE, PLAYER_BEATS_FILE)
]
NETWORK = NETWORKS[0]


def a_waltz(bpm: float, bars: int = 16, seed: int = 0) -> np.ndarray:
    """A low note and two chords a bar, each on a beat, a hundredth of a second off."""
    rng = np.random.default_rng(seed)
    rows = []
    for beat in range(3 * bars):
        low = (48, 43, 45, 41)[beat // 3 % 4]
        chord = (low,) if beat % 3 == 0 else (low + 12, low + 16, low + 19)
        at = 0.3 + 60 / bpm * beat + rng.normal(0, 0.01)
        rows += [(at, at + 50 / bpm, pitch, 100 if beat % 3 == 0 else 70, 1.0) for pitch in chord]
    return np.array(rows, HEARD_NOTE_DTYPE)


notes_of_any_kind = st.lists(
    st.tuples(
        st.floats(0, 30), st.floats(0.01, 4), st.integers(21, 108), st.integers(1, 127), st.just(1)
    ),
    min_size=1,
    max_size=40,
).map(
    lambda rows: np.array(
        sorted((at, at + length, *rest) for at, length, *rest in rows), HEARD_NOTE_DTYPE
    )
)


@settings(max_examples=60)
@given(notes_of_any_kind)
def test_any_notes_are_read_in_order_and_answered_with_shares(notes: np.ndarray) -> None:
    times, table = events(notes)
    assert table.shape == (len(times), FEATURES)
    assert np.isfinite(table).all()
    assert (np.diff(times) > 0).all()
    told = read_notes(notes, NETWORK)
    assert told.logits.shape == (len(times), 2)
    np.testing.assert_allclose(np.exp(told.tempo_nats).sum(axis=1), 1, rtol=1e-4)
    assert (told.length_nats(np.geomspace(0.1, 3, 50)) <= 0).all()


@settings(max_examples=30)
@given(notes_of_any_kind, st.integers(-5, 5))
def test_transposing_the_table_is_transposing_the_notes(notes: np.ndarray, semitones: int) -> None:
    higher = notes.copy()
    higher["pitch"] += semitones
    np.testing.assert_allclose(
        transposed(events(notes)[1], semitones), events(higher)[1], atol=1e-4
    )


def test_no_notes_say_nothing() -> None:
    told = read_notes(np.zeros(0, HEARD_NOTE_DTYPE), NETWORK)
    assert len(told.times_seconds) == len(told.logits) == len(told.tempo_nats) == 0
    assert not tracking.note_evidence(told, 100, FRAME_SECONDS).any()


def test_the_network_is_that_of_torch() -> None:
    torch = pytest.importorskip("torch", reason="training needs the extra train")
    from experiments.listening.note_beat_net import NoteBeatNet, NoteBeatNetConfig

    network = NoteBeatNet(NoteBeatNetConfig(**NETWORK.settings)).eval()
    network.load_state_dict({name: torch.from_numpy(w) for name, w in NETWORK.weights.items()})
    notes = a_waltz(110)
    with torch.no_grad():
        logits, tempi = network(torch.from_numpy(events(notes)[1])[None])
    told = read_notes(notes, NETWORK)
    np.testing.assert_allclose(told.logits, logits[0].numpy(), atol=1e-4)
    np.testing.assert_allclose(told.tempo_nats, tempi[0].log_softmax(-1).numpy(), atol=1e-4)


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("bpm", [80, 100, 125, 150])
def test_a_waltz_has_its_tempo_in_notes_alone(bpm: int, network: WeightsFile) -> None:
    told = read_notes(a_waltz(bpm), network)
    heard = SLOWEST_BPM * 2 ** (told.tempo_nats.mean(axis=0).argmax() / TEMPI_AN_OCTAVE)
    assert heard == pytest.approx(bpm, rel=0.12)


def test_how_fast_a_beat_is_the_notes_tell() -> None:
    """Sound that says the same of every 0.3 seconds, and notes that know the level."""
    frames = np.arange(1500)
    sound = np.where(frames % 15 < 1, 3.0, -4.0)
    for bpm in (200 / 3, 100.0, 200.0):
        nats = np.full((30, TEMPI), -9.0)
        place = np.log2(bpm / SLOWEST_BPM) * TEMPI_AN_OCTAVE
        nats[:, np.clip(round(place) + np.arange(-2, 3), 0, TEMPI - 1)] = 0.0
        told = NoteBeats(np.arange(30.0), np.zeros((30, 2)), nats)
        found = tracking.track(tracking.evidence(sound, FRAME_SECONDS), FRAME_SECONDS, None, told)
        assert 60 / np.median(np.diff(found)) == pytest.approx(bpm, rel=0.12)


def test_another_tempo_is_named_where_it_is_as_likely(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clicks and notes twice a second, whose network wavers between two tempi or knows one."""
    logits = np.full((1000, 2), -4.0, np.float32)
    logits[::25, 0] = 3.0
    notes = np.ones(40, HEARD_NOTE_DTYPE)
    notes["onset_seconds"] = 0.5 * np.arange(40)
    notes["end_seconds"] = notes["onset_seconds"] + 0.3
    cases: tuple[tuple[int, tuple[float, float], int | None], ...] = (
        (60, (0.6, 0.4), 60),
        (60, (0.97, 0.03), None),
        (80, (0.6, 0.4), 80),
        (180, (0.6, 0.4), 180),
    )
    for second, shares, other in cases:
        places = [round(np.log2(bpm / SLOWEST_BPM) * TEMPI_AN_OCTAVE) for bpm in (120, second)]
        likely = np.full(TEMPI, 1e-6)
        likely[places] = shares
        told = NoteBeats(
            notes["onset_seconds"], np.zeros((40, 2)), np.tile(np.log(likely), (40, 1))
        )
        monkeypatch.setattr(beats, "told_by", lambda notes, told=told, **known: told)
        found = beats.beats_of(logits, 20.0, Hints(), notes)
        assert found.tempo_bpm == pytest.approx(120, rel=0.02)
        assert found.other_tempo_bpm == (other and pytest.approx(other, rel=0.02))
        named = beats.beats_of(logits, 20.0, Hints(tempo_bpm=120), notes)
        assert named.other_tempo_bpm is None


def test_beats_lie_on_the_notes_that_are_beats() -> None:
    """Two notes half a beat apart, all along: those that the network calls beats are beats."""
    times = 0.25 * np.arange(80)
    nats = np.full((80, TEMPI), -6.0)
    nats[:, round(np.log2(120 / SLOWEST_BPM) * TEMPI_AN_OCTAVE)] = 0.0
    for first in (0, 1):
        logits = np.where(np.arange(80) % 2 == first, 3.0, -3.0)[:, None].repeat(2, axis=1)
        told = NoteBeats(times, logits, nats)
        found = tracking.track(
            tracking.note_evidence(told, 1000, FRAME_SECONDS), FRAME_SECONDS, None, told
        )
        away = np.abs(found[:, None] - times[first::2]).min(axis=1)
        assert (away < 0.03).mean() > 0.95


@pytest.mark.parametrize("bpm", [90, 140])
def test_what_the_player_says_of_the_tempo_is_believed_before_the_notes(bpm: int) -> None:
    logits = np.full((1500, 2), -2.0, np.float32)
    notes = a_waltz(bpm)
    found = beats.beats_of(logits, 30.0, Hints(tempo_bpm=bpm / 2), notes)
    assert found.tempo_bpm == pytest.approx(bpm / 2, rel=0.2)
