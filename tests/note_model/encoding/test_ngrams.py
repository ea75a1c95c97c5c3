"""The counts of a corpus tell which instruments a model has learned."""

from __future__ import annotations

from dataclasses import replace

from ritornello.music.instruments import parse_instrument
from ritornello.note_model.encoding import ngrams, notes
from tests.examples import band


def test_an_instrument_is_known_by_its_notes_on_all_desks_together() -> None:
    duo = band(bars=4)
    duo = replace(duo, tracks=(*duo.tracks, duo.tracks[0]))  # 24 piano notes, 16 bass, 16 drums
    counts = ngrams.count([notes.encode(duo).fields])
    everyone = {parse_instrument(name) for name in ("piano", "bass", "drums")}
    assert ngrams.known_instruments(counts, least_notes=1) == everyone
    assert ngrams.known_instruments(counts, least_notes=16) == everyone
    assert ngrams.known_instruments(counts, least_notes=24) == {parse_instrument("piano")}
    assert ngrams.known_instruments(counts) == frozenset()
