"""An independent judge of rules: reads the MIDI file with mido and names every violation.

It shares no code with the composer's masks: it is the other side's counting.
"""

from __future__ import annotations

import io
from collections import defaultdict

import mido

from ritornello.generation.rules import Rules
from ritornello.instruments import INSTRUMENTS, parse_instrument
from ritornello.keys import KeyName

_DRUM_CHANNEL = 9


def violations(midi_bytes: bytes, rules: Rules) -> list[str]:
    """Every way in which a MIDI file breaks the rules it was composed under; empty if none."""
    midi = mido.MidiFile(file=io.BytesIO(midi_bytes))
    numerator, denominator = rules.counts
    bar_ticks = midi.ticks_per_beat * 4 * numerator / denominator
    asked = rules.parts and {_canonical(name) for name in rules.parts}
    found, heard = [], set()
    last_tick = 0
    for track in midi.tracks:
        tick, program = 0, dict.fromkeys(range(16), 0)
        held: dict[str, set[int]] = defaultdict(set)
        for message in track:
            tick += message.time
            if message.type == "set_tempo" and rules.tempo_bpm:
                bpm = mido.tempo2bpm(message.tempo)
                if abs(bpm / rules.tempo_bpm - 1) > 1e-4:
                    found.append(f"tempo {bpm:g} at {tick}")
            elif message.type == "time_signature":
                if (message.numerator, message.denominator) != (numerator, denominator):
                    found.append(f"metre {message.numerator}/{message.denominator} at {tick}")
            elif message.type == "program_change":
                program[message.channel] = message.program
            elif message.type in ("note_on", "note_off"):
                name = _name(message.channel, program[message.channel])
                if message.type == "note_off" or message.velocity == 0:
                    held[name].discard(message.note)
                    continue
                heard.add(name)
                held[name].add(message.note)
                found += _note_faults(message.note, name, tick, rules, len(held[name]))
                if tick >= rules.bars * bar_ticks:
                    found.append(f"{name} plays after the last bar")
        last_tick = max(last_tick, tick)
    if last_tick != rules.bars * bar_ticks:
        found.append(f"{last_tick / bar_ticks:g} bars")
    if asked and heard != asked:
        found.append(f"parts {sorted(heard)}")
    return found


def _note_faults(pitch: int, name: str, tick: int, rules: Rules, held: int) -> list[str]:
    found = []
    instrument = next(i for i, x in enumerate(INSTRUMENTS) if x.name == name)
    low, high = rules.range_of(instrument)
    if not low <= pitch <= high:
        found.append(f"{name} plays {pitch} at {tick}, outside {low} to {high}")
    scale = rules.key.pitch_classes if isinstance(rules.key, KeyName) else range(12)
    if name != "drums" and pitch % 12 not in scale:
        found.append(f"{name} plays {pitch} at {tick}, outside {rules.key}")
    limit = rules.polyphony_of(instrument)
    if limit and held > limit:
        found.append(f"{name} holds {held} notes at {tick}")
    return found


def _name(channel: int, program: int) -> str:
    if channel == _DRUM_CHANNEL:
        return "drums"
    return next(x.name for x in INSTRUMENTS if not x.is_drum and program in x.programs)


def _canonical(name: str) -> str:
    return INSTRUMENTS[parse_instrument(name)].name
