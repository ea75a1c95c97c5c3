"""Bars are told by the notes: their metre and their first beats, however the beats are numbered."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ritornello.note_model.weights_file import bundled
from ritornello.transcribe.bar_network import (
    BAR_NETWORK_FILE,
    BAR_NETWORK_KIND,
    COUNTS,
    FEATURES,
    beats_table,
    nats,
    transposed,
)
from ritornello.transcribe.bars import (
    FEATURES as OF_ANSWERS,
)
from ritornello.transcribe.bars import (
    METRES,
    by_sound,
    describe,
    falls_into_three,
    lateness,
    with_bars,
)
from ritornello.transcribe.note_beats import NOTE_BEATS_FILE, NOTE_BEATS_KIND, NoteBeats, read_notes
from ritornello.transcribe.notes_on_beats import NotesOnBeats
from ritornello.transcribe.values import HEARD_NOTE_DTYPE, Beats, Hints

NO_HINTS = Hints()
SOME_ANSWERS = [(4, 0), (4, 3), (3, 2), (2, 1), (5, 4)]
CHORDS = ((48, 64, 67), (45, 60, 64), (41, 60, 65), (43, 59, 62))


def accompaniment(beats_per_bar: int, bars: int = 12, begins: float = 0.0) -> np.ndarray:
    """A low note on each first beat, a chord on each other, at 120 bpm; new harmony each bar."""
    rows = []
    for bar in range(bars):
        low, *chord = CHORDS[bar % 4]
        for beat in range(beats_per_bar):
            at = begins + 0.5 * (bar * beats_per_bar + beat)
            for pitch in chord if beat else [low]:
                rows.append((at, at + 0.45, pitch, 80 if beat else 100, 1.0))
    return np.array(rows, HEARD_NOTE_DTYPE)


def told(notes: np.ndarray) -> NoteBeats:
    return read_notes(notes, bundled(NOTE_BEATS_FILE, NOTE_BEATS_KIND))


def _table(notes: np.ndarray, read: NoteBeats, times: np.ndarray) -> np.ndarray:
    return beats_table(NotesOnBeats(notes, read, times))


def _described(notes: np.ndarray, read: NoteBeats, times: np.ndarray) -> np.ndarray:
    return describe(NotesOnBeats(notes, read, times), SOME_ANSWERS)


def beats(count: int, confidence: float = 0.9, first: int = 0) -> Beats:
    return Beats(0.5 * np.arange(count), (4, 4), first, 4, confidence, 0.2)


@pytest.mark.parametrize("beats_per_bar", [3, 4])
@pytest.mark.parametrize("silent", [0, 1, 2])
def test_first_beats_and_metre_are_found_wherever_the_music_begins(
    beats_per_bar: int, silent: int
) -> None:
    notes = accompaniment(beats_per_bar, begins=0.5 * silent)
    found = with_bars(beats(12 * beats_per_bar + silent), notes, NO_HINTS)
    assert found.beats_per_bar == beats_per_bar
    assert found.metre == (beats_per_bar, 4)
    assert found.first_downbeat == silent % beats_per_bar
    assert 0.5 < found.downbeat_confidence <= 0.9
    assert found.confidence == 0.9


def test_late_notes_tell_the_same_bars() -> None:
    """A voice that begins softly, 40 ms after the beats that drums tell."""
    notes = accompaniment(3)
    late = notes.copy()
    for name in ("onset_seconds", "end_seconds"):
        late[name] += 0.04
    in_time, found = (with_bars(beats(36), rows, NO_HINTS) for rows in (notes, late))
    assert found.metre == in_time.metre == (3, 4)
    assert found.first_downbeat == in_time.first_downbeat
    assert found.downbeat_confidence == pytest.approx(in_time.downbeat_confidence, rel=1e-6)
    np.testing.assert_array_equal(found.times_seconds, in_time.times_seconds)
    assert lateness(in_time.times_seconds, late["onset_seconds"])[0] == pytest.approx(0.04)
    assert lateness(in_time.times_seconds, np.zeros(0)) == (0.0, 0.0)


def test_what_the_player_says_is_believed() -> None:
    notes = accompaniment(4)
    told = with_bars(beats(48), notes, Hints(metre=(3, 4), downbeat_seconds=0.5))
    assert (told.metre, told.beats_per_bar, told.first_downbeat) == ((3, 4), 3, 1)
    assert told.downbeat_confidence == 1
    assert with_bars(beats(48), notes, Hints(metre=(6, 8))).beats_per_bar == 2
    assert with_bars(beats(48), notes, Hints(metre=(5, 4))).beats_per_bar == 5


@pytest.mark.parametrize("parts", [2, 3])
@given(st.data())
@settings(max_examples=20)
def test_beats_of_three_eighths_are_told_from_those_of_two(parts: int, data: st.DataObject) -> None:
    """Where bars have two beats; the notes are late or early, and some are missing."""
    late = data.draw(st.lists(st.floats(-0.02, 0.02), min_size=40 * parts, max_size=40 * parts))
    missing = data.draw(st.sets(st.integers(0, 40 * parts - 1), max_size=10))
    moments = 0.5 + 0.5 / parts * np.arange(40 * parts) + 0.5 * np.array(late)
    notes = np.ones(len(moments), HEARD_NOTE_DTYPE)
    notes["onset_seconds"], notes["end_seconds"] = moments, moments + 0.1
    notes["pitch"], notes["velocity"] = 60, 80
    notes = np.delete(notes, [*missing])
    found = with_bars(beats(42), notes, NO_HINTS)
    simple = METRES[found.beats_per_bar]
    assert found.metre == (simple if parts == 2 else (3 * simple[0], 8))
    assert falls_into_three(notes, beats(42).times_seconds) == (parts == 3)
    assert with_bars(beats(42), notes, Hints(metre=(2, 4))).metre == (2, 4)


def test_too_few_notes_and_assumed_beats_change_nothing() -> None:
    few, assumed = beats(8, first=2), beats(48, confidence=0.0, first=1)
    assert with_bars(few, accompaniment(4)[:7], NO_HINTS) is few
    assert with_bars(few, accompaniment(4)[:0], NO_HINTS) is few
    assert with_bars(assumed, accompaniment(4), NO_HINTS) is assumed


@given(
    st.lists(st.tuples(st.floats(-5, 60), st.integers(21, 108)), min_size=1, max_size=40),
    st.integers(2, 60),
    st.floats(0, 100),
)
def test_any_notes_can_be_read_and_time_itself_does_not_count(
    moments: list[tuple[float, int]], count: int, later: float
) -> None:
    notes = np.zeros(len(moments), HEARD_NOTE_DTYPE)
    notes["onset_seconds"] = sorted(max(0.0, at) for at, _ in moments)
    notes["end_seconds"] = notes["onset_seconds"] + 0.3
    notes["pitch"] = [pitch for _, pitch in moments]
    notes["velocity"] = 90
    times = 0.5 * np.arange(count)
    table, described = (read(notes, told(notes), times) for read in (_table, _described))
    assert table.shape == (count, FEATURES)
    assert described.shape == (len(SOME_ANSWERS), len(OF_ANSWERS))
    assert np.isfinite(described).all()
    assert np.isfinite(nats(table, SOME_ANSWERS, bundled(BAR_NETWORK_FILE, BAR_NETWORK_KIND))).all()
    notes = notes.copy()
    notes["onset_seconds"] = np.round(notes["onset_seconds"] * 16) / 16  # exact when moved
    notes["end_seconds"] = notes["onset_seconds"] + 0.25
    before = [read(notes, told(notes), times) for read in (_table, _described)]
    moved = notes.copy()
    for name in ("onset_seconds", "end_seconds"):
        moved[name] += np.round(later)
    for read, known in zip((_table, _described), before, strict=True):
        found = read(moved, told(moved), times + np.round(later))
        assert found == pytest.approx(known, abs=1e-5)


def test_a_table_transposed_is_that_of_notes_transposed() -> None:
    notes = accompaniment(4)
    higher = notes.copy()
    higher["pitch"] += 5
    times, read = 0.5 * np.arange(48), told(notes)
    found = transposed(_table(notes, read, times), 5)
    assert found == pytest.approx(_table(higher, read, times), abs=1e-5)


def test_its_network_is_played_as_torch_plays_it() -> None:
    torch = pytest.importorskip("torch")
    from experiments.listening.bar_net import BarNet, BarNetConfig

    kept = bundled(BAR_NETWORK_FILE, BAR_NETWORK_KIND)
    network = BarNet(BarNetConfig(**{**kept.settings, "counts": tuple(kept.settings["counts"])}))
    network.load_state_dict({name: torch.tensor(w) for name, w in kept.weights.items()})
    notes = accompaniment(3)
    table = _table(notes, told(notes), 0.5 * np.arange(36))
    answers = [(count, first) for count in COUNTS for first in range(count)]
    begins = torch.tensor([[float(b % c == f) for b in range(36)] for c, f in answers])
    metre_of = torch.tensor([COUNTS.index(count) for count, _ in answers])
    with torch.no_grad():
        inside = torch.ones(1, 36)
        found = network.eval()(torch.tensor(table)[None], inside, begins, metre_of)[0]
    assert nats(table, answers, kept) == pytest.approx(found.numpy(), abs=1e-4)


def test_two_hours_of_notes_are_read_in_little_memory() -> None:
    import tracemalloc

    notes = np.concatenate([accompaniment(4, bars=400, begins=800.0 * n) for n in range(9)])
    times, read = 0.5 * np.arange(14_400), told(notes)
    tracemalloc.start()
    nats(
        _table(notes, read, times),
        [(4, 0), (3, 0)],
        bundled(BAR_NETWORK_FILE, BAR_NETWORK_KIND),
    )
    assert tracemalloc.get_traced_memory()[1] < 120e6
    tracemalloc.stop()


def test_sound_tells_bars_where_notes_say_nothing() -> None:
    """Every beat alike in the notes; the sound hears each third beat of four begin a bar."""
    notes = accompaniment(1, bars=48)
    odds = np.where(np.arange(48) % 4 == 2, 3.0, -3.0)
    heard = replace(beats(48), bar_odds=odds)
    assert with_bars(heard, notes, NO_HINTS).first_downbeat == 2
    louder = by_sound(odds, [(4, 2), (4, 0), (3, 0)])
    assert louder[0] > max(louder[1:])


def test_a_jig_over_chords_is_counted_in_two() -> None:
    """Eighths over a bass and a chord in each bar of 6/8, as a strummed jig; 4/4 or 12/8 before."""
    rows = []
    for bar in range(20):
        low, *chord = CHORDS[bar % 4]
        for place in range(6):
            at = bar + place / 6
            rows.append((at, at + 0.15, 72 + (0, 4, 7, 12, 7, 4)[place], 90 - 10 * (place % 3), 1))
        rows.append((float(bar), bar + 0.9, low, 100, 1))
        rows += [(bar + 0.5, bar + 0.9, pitch, 70, 1) for pitch in chord]
    notes = np.sort(np.array(rows, HEARD_NOTE_DTYPE), order=["onset_seconds", "pitch"])
    found = with_bars(beats(40), notes, NO_HINTS)
    assert (found.metre, found.first_downbeat) == ((6, 8), 0)
