"""How many MusicXML files are read as music21 reads them: notes, bars, keys, chords, lyrics.

    python experiments/musicxml.py judge FOLDER ... --cache judge.jsonl   # music21; slow, once
    python experiments/musicxml.py compare --cache judge.jsonl --output results.json

Without a folder: music21's own corpus and the LilyPond test suite it carries. Repeats are not
unfolded on either side, grace and cue notes are left out, ties are joined note by note.
"""

from __future__ import annotations

import argparse
import io
import json
import re
import time
import warnings
import zipfile
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator
from fractions import Fraction
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree

from ritornello.errors import ConfigError
from ritornello.music.chords import Chord, parse_chord
from ritornello.music.io import FORMATS

ENDINGS = (".xml", ".mxl", ".musicxml")
_FORMAT = next(entry for entry in FORMATS if entry.name == "MusicXML")
KINDS = ("notes", "bars", "metres", "keys", "chords", "lyrics")
Facts = dict[str, list[list[Any]]]


def scores(folders: Iterable[Path]) -> Iterator[Path]:
    """MusicXML files below the folders, sorted; other XML is left out."""
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.suffix in ENDINGS and (
                path.suffix == ".mxl" or b"<score-" in path.read_bytes()[:4000].replace(b"\0", b"")
            ):
                yield path


def _time(quarters: float | Fraction) -> str:
    return str(Fraction(quarters).limit_denominator(10_080))


# --- the judge --------------------------------------------------------------------------------


def judged(path: Path) -> Facts:
    """What music21 finds in a file. Cue notes become rests first: it has no word for them.

    Times are [bar, quarters into it]: music21 lets a part whose bar is not full drift from the
    others for the rest of the piece, and that would hide everything else.
    """
    import music21

    score = music21.converter.parse(_without_cues(path), format="musicxml", forceSource=True)
    score = score.toSoundingPitch()
    if not isinstance(score, music21.stream.Score):
        score = next(iter(score.recurse().getElementsByClass(music21.stream.Score)))
    facts: Facts = {kind: [] for kind in KINDS}
    for number, part in enumerate(score.parts):
        members: list[_Member] = []
        bars = list(part.getElementsByClass(music21.stream.Measure))
        start = Fraction(0)
        for index, bar in enumerate(bars):
            flat = bar.flatten()
            length = Fraction(bar.highestTime).limit_denominator(10_080)
            members += _members(flat.notes, index, start)
            start += length
            for symbol in flat.getElementsByClass(music21.harmony.ChordSymbol):
                at = [index, _time(symbol.offset)]
                if isinstance(symbol, music21.harmony.NoChord):
                    facts["chords"].append([*at, None, None])
                elif symbol.root() is not None:
                    bass = (symbol.bass() or symbol.root()).pitchClass
                    facts["chords"].append([*at, symbol.root().pitchClass, bass])
            for element in flat.notes:
                for lyric in element.lyrics:
                    if text := " ".join((lyric.text or "").split()):
                        facts["lyrics"].append([index, _time(element.offset), text])
            for found in flat.getElementsByClass(music21.meter.TimeSignature):
                ratio = f"{found.numerator}/{found.denominator}"
                facts["metres"].append([index, _time(found.offset), ratio])
            if number == 0:
                for key in flat.getElementsByClass(music21.key.KeySignature):
                    if key.sharps is not None:
                        facts["keys"].append([index, _time(key.offset), key.sharps])
        facts["notes"] += _joined(members)
        if number == 0:
            facts["bars"] = [[len(bars)]]
    return facts


def _parsed(path: Path) -> ElementTree.Element:
    data = path.read_bytes()
    if data[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = [name for name in archive.namelist() if not name.startswith("META-INF")]
            data = archive.read(next(name for name in names if name.endswith(ENDINGS)))
    return ElementTree.fromstring(data)


def _without_cues(path: Path) -> bytes:
    root = _parsed(path)
    for measure in root.iter("measure"):
        for note in measure.findall("note"):
            if note.find("cue") is None or note.find("grace") is not None:
                continue
            if note.find("chord") is not None:
                measure.remove(note)
                continue
            kept = [child for child in note if child.tag in ("duration", "voice", "type", "staff")]
            note[:] = [ElementTree.Element("rest"), *kept]
    return ElementTree.tostring(root)


def _without_repeats(path: Path) -> bytes:
    root = _parsed(path)
    for barline in root.iter("barline"):
        barline[:] = [child for child in barline if child.tag not in ("repeat", "ending")]
    # Of scores that say so the reader takes everything to be written out: no D.C. or coda either.
    header = root.find("identification")
    if header is None:
        header = ElementTree.Element("identification")
        root.insert(0, header)
    for encoding in header.findall("encoding"):
        header.remove(encoding)
    ElementTree.SubElement(
        ElementTree.SubElement(header, "encoding"), "software"
    ).text = "ritornello"
    return ElementTree.tostring(root)


class _Member(NamedTuple):
    """A note of music21's: its bar, its time in it and from the start, and its tie."""

    bar: int
    offset: Fraction
    onset: Fraction
    length: Fraction
    pitch: int | None
    tie: str


def _members(elements: Iterable[Any], bar: int, start: Fraction) -> Iterator[_Member]:
    """Every member of every chord; no graces, no chord symbols."""
    from music21 import harmony

    for element in elements:
        if element.duration.isGrace or isinstance(element, harmony.ChordSymbol):
            continue
        offset = Fraction(element.offset).limit_denominator(10_080)
        length = Fraction(element.duration.quarterLength).limit_denominator(10_080)
        for member in getattr(element, "notes", (element,)):
            tie = member.tie or element.tie
            pitch = getattr(member, "pitch", None)
            midi = None if pitch is None else pitch.midi
            yield _Member(bar, offset, start + offset, length, midi, tie.type if tie else "")


def _joined(members: Iterable[_Member]) -> list[list[Any]]:
    """Notes with their ties joined: a tie goes on to a note of its pitch that begins at its end."""
    waiting: dict[tuple[Fraction, int | None], list[list[Any]]] = {}
    notes: list[list[Any]] = []
    for member in sorted(members, key=lambda member: member.onset):
        held = waiting.get((member.onset, member.pitch))
        if held:  # old programs write only the start of a tie
            note = held.pop(0)
            note[2] += member.length
        else:
            note = [member.bar, member.offset, member.length, member.pitch]
            notes.append(note)
        if member.tie in ("start", "continue"):
            end = member.onset + member.length
            waiting.setdefault((end, member.pitch), []).append(note)
    return [[bar, _time(offset), _time(length), pitch] for bar, offset, length, pitch in notes]


# --- ours -------------------------------------------------------------------------------------


def ours(path: Path) -> Facts:
    """What `ritornello.music.io` reads in a file, repeats not unfolded."""
    piece, _ = _FORMAT.read_bytes(_without_repeats(path), path.name)
    starts = piece.bar_starts_ticks().tolist()

    def at(tick: int) -> list[Any]:
        bar = max(0, bisect_right(starts, tick) - 1)
        return [bar, _time(Fraction(tick - starts[bar], piece.resolution))]

    facts: Facts = {kind: [] for kind in KINDS}
    for track in piece.tracks:
        for onset, duration, pitch, _ in track.notes.tolist():
            length = _time(Fraction(duration, piece.resolution))
            facts["notes"].append([*at(onset), length, None if track.is_drum else pitch])
    facts["bars"] = [[len(starts)]]
    facts["metres"] = [[*at(tick), f"{upper}/{lower}"] for tick, upper, lower in piece.metres]
    for tick, text in piece.chords:
        chord = _chord(text)
        if chord is not None:
            facts["chords"].append([*at(tick), *chord])
    facts["lyrics"] = [
        [*at(tick), text.rstrip("_").rstrip("-")]
        for track in piece.tracks
        for tick, text, _ in track.lyrics
        if text.strip("\n_-")
    ]
    facts["keys"] = [[*at(change.tick), change.key.sharps] for change in piece.keys]
    return facts


def _chord(text: str) -> list[int | None] | None:
    """Root and bass of a chord symbol, both None of no chord; None of what is no chord symbol."""
    if text.upper().startswith("N.C"):
        return [None, None]
    chord = _parsed_chord(text)
    if chord is None:
        return None
    is_second = re.search("sus2", text) is not None and chord.bass is not None
    root = (chord.root + 5) % 12 if is_second else chord.root  # Csus2 is read as Gsus4/C
    return [root, root if chord.bass is None or is_second else chord.bass]


def _parsed_chord(text: str) -> Chord | None:
    """The chord of a symbol, or of its root where its kind is unknown."""
    found = re.match(r"[A-G](?:#|b)*", text)
    try:
        return parse_chord(text)
    except ConfigError:
        return parse_chord(found[0]) if found else None


# --- comparing --------------------------------------------------------------------------------


def _changes(entries: list[list[Any]]) -> list[tuple[Any, ...]]:
    """Without repetitions: what is said again is no change."""
    at = {(bar, Fraction(offset)): tuple(rest) for bar, offset, *rest in reversed(entries)}
    kept: list[tuple[Any, ...]] = []
    for place in sorted(at):
        if not kept or kept[-1][2:] != at[place]:
            kept.append((*place, *at[place]))
    return kept


def agreement(judge: Facts, mine: Facts) -> dict[str, bool | None]:
    """Kind -> whether both hold the same; None where neither holds any."""
    result: dict[str, bool | None] = {}
    for kind in KINDS:
        theirs, own = judge[kind], mine[kind]
        if not theirs and not own:
            result[kind] = None
        elif kind in ("metres", "keys", "chords"):
            pair = [_changes(entries) for entries in (theirs, own)]
            if kind == "keys":  # enharmonic ones are one key
                pair = [[(*at, sharps % 12) for *at, sharps in changes] for changes in pair]
            result[kind] = pair[0] == pair[1]
        else:
            if kind == "lyrics":  # a hyphen may be written or said
                theirs = [[*at, text.rstrip("-")] for *at, text in theirs if text.strip("-")]
            result[kind] = Counter(map(tuple, theirs)) == Counter(map(tuple, own))
    return result


def judge(folders: list[Path], cache: Path) -> None:
    """Append music21's facts of every file that the cache lacks, one JSON line a file."""
    known = {json.loads(line)["file"] for line in cache.open()} if cache.exists() else set()
    with cache.open("a") as lines:
        for path in scores(folders):
            if str(path) in known:
                continue
            start = time.process_time()
            entry: dict[str, Any] = {"file": str(path)}
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    entry["facts"] = judged(path)
            except Exception as error:
                entry["error"] = f"{type(error).__name__}: {error}"[:200]
            entry["seconds"] = round(time.process_time() - start, 2)
            lines.write(json.dumps(entry) + "\n")
            lines.flush()


def compare(cache: Path) -> dict[str, Any]:
    """Counts of files that agree, by kind, and the names of those that do not."""
    same: Counter[str] = Counter()
    held: Counter[str] = Counter()
    differing: dict[str, list[str]] = {kind: [] for kind in KINDS}
    refused: list[str] = []
    unjudged = 0
    seconds = 0.0
    entries = [json.loads(line) for line in cache.open()]
    for entry in entries:
        if "facts" not in entry:
            unjudged += 1
            continue
        start = time.process_time()
        try:
            mine = ours(Path(entry["file"]))
        except Exception as error:
            refused.append(f"{entry['file']}: {error}")
            continue
        finally:
            seconds += time.process_time() - start
        for kind, agrees in agreement(entry["facts"], mine).items():
            if agrees is not None:
                held[kind] += 1
                same[kind] += agrees
                if not agrees:
                    differing[kind].append(entry["file"])
    return {
        "files": len(entries),
        "music21 cannot read": unjudged,
        "refused": refused,
        "agree": {kind: [same[kind], held[kind]] for kind in KINDS},
        "seconds": {
            "ours": round(seconds, 1),
            "music21": round(sum(e["seconds"] for e in entries)),
        },
        "differing": differing,
    }


def default_folders() -> list[Path]:
    spec = find_spec("music21")
    if spec is None or not spec.submodule_search_locations:
        return []
    root = Path(spec.submodule_search_locations[0])
    return [root / "corpus", root / "musicxml" / "lilypondTestSuite"]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("verb", choices=["judge", "compare"])
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--output", type=Path, help="file for the figures; else they are printed")
    options = parser.parse_args()
    if options.verb == "judge":
        judge(options.folders or default_folders(), options.cache)
        return
    figures = json.dumps(compare(options.cache), indent=1)
    if options.output:
        options.output.write_text(figures + "\n")
    else:
        print(figures)


if __name__ == "__main__":
    main()
