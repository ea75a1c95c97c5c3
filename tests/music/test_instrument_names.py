"""Names of parts mean instruments, word by word and in many languages; music21 is the judge."""

from __future__ import annotations

import pytest

from ritornello.music.instrument_names import name_meaning, register_sound
from ritornello.music.instruments import instrument_index

PROGRAMS = {
    0: ["Piano RH", "Klavier", "Pno.", "ピアノ"],
    27: ["Electric Guitar", "E-Gitarre", "Guitare électrique", "pluck.guitar.electric"],
    33: ["Bass Guitar", "E-Bass", "Basse électrique", "Guitare basse", "pluck.bass.electric"],
    40: ["Violin I", "Vln. II", "Violino", "Скрипка", "Violin/Fiddle"],
    43: ["Double Bass", "Kontrabass", "Contrebasse", "D.B.", "strings.contrabass"],
    57: ["Bass Trombone", "Bassposaune", "Tenor Trombone"],
    60: ["Horn in F", "Corno 1", "French Horn", "Tenor Horn"],
    65: ["Alto Saxophone", "Altsaxophon", "Sax alto", "Eb Alto Saxophone"],
    67: ["Baritone Saxophone", "Saxofón barítono"],
    69: ["English Horn", "Cor anglais", "Corno inglese", "Englischhorn"],
    70: ["Bassoon", "Fagott", "Kontrafagott", "Contrabassoon", "Bsn."],
    71: ["Bass Clarinet", "Bassklarinette", "Basset Horn", "Contrabass Clarinet"],
    72: ["Piccolo", "Flauto piccolo", "Kleine Flöte"],
    74: ["Alto Recorder", "Blockflöte", "Flûte à bec"],
}
DRUMS = {36: "Große Trommel", 38: "Caisse claire", 49: "Piatti", 52: "Tam-tam", 81: "Triangel"}


@pytest.mark.parametrize(
    ("name", "program"), [(name, p) for p, names in PROGRAMS.items() for name in names]
)
def test_a_name_means_its_program(name: str, program: int) -> None:
    sound = name_meaning(name).sound
    assert sound is not None
    assert (sound.program, sound.is_drum) == (program, False)


@pytest.mark.parametrize(("key", "name"), DRUMS.items())
def test_a_drum_means_its_key(key: int, name: str) -> None:
    sound = name_meaning(name).sound
    assert sound is not None
    assert sound.drum_key == key


def test_registers_alone_name_no_instrument() -> None:
    for name, register in (("Bass", "bass"), ("Alt", "alto"), ("T. 2", "tenor")):
        assert name_meaning(name) == (None, register)
    assert register_sound("bass", [name_meaning("Soprano")], is_sung=False).program == 52
    assert register_sound("bass", [name_meaning("Guitar")], is_sung=True).program == 52


def test_pitched_instruments_are_of_the_family_that_music21_says() -> None:
    music21 = pytest.importorskip("music21")
    lookup = music21.languageExcerpts.instrumentLookup
    same = total = 0
    tables = ("english", "german", "french", "italian", "spanish")
    names = {name for table in tables for name in getattr(lookup, f"{table}ToClassName")}
    for name in sorted(names):
        sound = name_meaning(name).sound
        try:
            theirs = music21.instrument.fromString(name)
        except music21.exceptions21.InstrumentException:  # of a few of its own names
            continue
        if sound is None or sound.is_drum or theirs.midiProgram is None:
            continue
        total += 1
        same += instrument_index(sound.program) == instrument_index(theirs.midiProgram)
    assert total > 300
    assert same / total > 0.9
