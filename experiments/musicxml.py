"""How many MusicXML files are read as music21 reads them: notes, bars, keys, chords, lyrics.

    python benchmarks/musicxml.py judge FOLDER ... --cache judge.jsonl   # music21; slow, once
    python benchmarks/musicxml.py compare --cache judge.jsonl --output results.json

Without a folder: music21's own corpus and the LilyPond test suite it carries. Repeats are not
unfolded on either side, grace and cue notes are left out, ties are joined note by note.
"""

from __future__ import annotations

import argparse
import io
import json
import time
import warnings
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator
from fractions import Fraction
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

ENDINGS = (".xml", ".mxl", ".musicxml")
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
    """What music21 finds in a file. Cue notes become rests first: it has no word for them."""
    import music21

    score = music21.converter.parse(_without_cues(path), format="musicxml", forceSource=True)
    score = score.toSoundingPitch()
    if not isinstance(score, music21.stream.Score):
        score = next(iter(score.recurse().getElementsByClass(music21.stream.Score)))
    facts: Facts = {kind: [] for kind in KINDS}
    for number, part in enumerate(score.parts):
        flat = part.flatten()
        facts["notes"] += _joined(_members(flat.notes))
        for symbol in flat.getElementsByClass(music21.harmony.ChordSymbol):
            if isinstance(symbol, music21.harmony.NoChord):
                facts["chords"].append([_time(symbol.offset), None, None])
            elif symbol.root() is not None:
                bass = (symbol.bass() or symbol.root()).pitchClass
                facts["chords"].append([_time(symbol.offset), symbol.root().pitchClass, bass])
        for element in flat.notes:
            for lyric in element.lyrics:
                if text := " ".join((lyric.text or "").split()):
                    facts["lyrics"].append([_time(element.offset), text])
        metres = flat.getElementsByClass(music21.meter.TimeSignature)
        facts["metres"] += [
            [_time(found.offset), f"{found.numerator}/{found.denominator}"] for found in metres
        ]
        if number == 0:
            bars = part.getElementsByClass(music21.stream.Measure)
            facts["bars"] = [[_time(bar.offset)] for bar in bars]
            keys = flat.getElementsByClass(music21.key.KeySignature)
            facts["keys"] = [
                [_time(key.offset), key.sharps] for key in keys if key.sharps is not None
            ]
    return facts


def _without_cues(path: Path) -> bytes:
    data = path.read_bytes()
    if data[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = [name for name in archive.namelist() if not name.startswith("META-INF")]
            data = archive.read(
                next(name for name in names if name.endswith((".xml", ".musicxml")))
            )
    root = ElementTree.fromstring(data)
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


def _members(elements: Iterable[Any]) -> Iterator[tuple[Fraction, Fraction, int | None, str]]:
    """(onset, duration, pitch, tie) of every member of every chord; no graces, no chord symbols."""
    from music21 import harmony

    for element in elements:
        if element.duration.isGrace or isinstance(element, harmony.ChordSymbol):
            continue
        onset = Fraction(element.offset).limit_denominator(10_080)
        length = Fraction(element.duration.quarterLength).limit_denominator(10_080)
        for member in getattr(element, "notes", (element,)):
            tie = member.tie or element.tie
            pitch = getattr(member, "pitch", None)
            yield onset, length, None if pitch is None else pitch.midi, tie.type if tie else ""


def _joined(members: Iterable[tuple[Fraction, Fraction, int | None, str]]) -> list[list[Any]]:
    """Notes with their ties joined: a tie goes on to a note of its pitch that begins at its end."""
    waiting: dict[tuple[Fraction, int | None], list[list[Any]]] = {}
    notes: list[list[Any]] = []
    for onset, length, pitch, tie in sorted(members, key=lambda member: member[0]):
        held = waiting.get((onset, pitch))
        if held and tie in ("stop", "continue"):
            note = held.pop(0)
            note[1] += length
        else:
            note = [onset, length, pitch]
            notes.append(note)
        if tie in ("start", "continue"):
            waiting.setdefault((onset + length, pitch), []).append(note)
    return [[_time(onset), _time(length), pitch] for onset, length, pitch in notes]


# --- ours -------------------------------------------------------------------------------------


def ours(path: Path) -> Facts:
    """What `ritornello.music.io` reads in a file, repeats not unfolded."""
    from ritornello.music.io.musicxml.read import read_bytes

    piece, _ = read_bytes(path.read_bytes(), path.name)
    per_quarter = piece.resolution

    def at(tick: int) -> str:
        return _time(Fraction(tick, per_quarter))

    facts: Facts = {kind: [] for kind in KINDS}
    for track in piece.tracks:
        for onset, duration, pitch, _ in track.notes.tolist():
            facts["notes"].append([at(onset), at(duration), None if track.is_drum else pitch])
    facts["bars"] = [[at(tick)] for tick in piece.bar_starts_ticks().tolist()]
    facts["metres"] = [[at(tick), f"{upper}/{lower}"] for tick, upper, lower in piece.metres]
    facts["keys"] = [[at(change.tick), change.key.sharps] for change in piece.keys]
    return facts


# --- comparing --------------------------------------------------------------------------------


def _changes(entries: list[list[Any]]) -> list[tuple[Any, ...]]:
    """Without repetitions: what is said again is no change."""
    at = {Fraction(entry[0]): tuple(entry[1:]) for entry in reversed(entries)}
    kept: list[tuple[Any, ...]] = []
    for tick in sorted(at):
        if not kept or kept[-1][1:] != at[tick]:
            kept.append((tick, *at[tick]))
    return kept


def agreement(judge: Facts, mine: Facts) -> dict[str, bool | None]:
    """Kind -> whether both hold the same; None where neither holds any."""
    result: dict[str, bool | None] = {}
    for kind in KINDS:
        theirs, own = judge[kind], mine[kind]
        if not theirs and not own:
            result[kind] = None
        elif kind in ("metres", "keys", "chords"):
            enharmonic = kind == "keys"
            pair = [_changes(entries) for entries in (theirs, own)]
            if enharmonic:
                pair = [_changes([[t, s % 12] for t, s in entries]) for entries in pair]
            result[kind] = pair[0] == pair[1]
        else:
            result[kind] = Counter(map(tuple, theirs)) == Counter(map(tuple, own))
    return result


def unfolded_nowhere() -> None:
    """Make our reader play every measure once: what the judge does too."""
    from ritornello.music.io import musicxml_read

    musicxml_read._play_order = lambda bars: list(range(len(bars)))  # type: ignore[assignment]


def judge(folders: list[Path], cache: Path) -> None:
    """Append music21's facts of every file that the cache lacks, one JSON line a file."""
    known = {json.loads(line)["file"] for line in cache.open()} if cache.exists() else set()
    with cache.open("a") as lines:
        for path in scores(folders):
            if str(path) in known:
                continue
            start = time.perf_counter()
            entry: dict[str, Any] = {"file": str(path)}
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    entry["facts"] = judged(path)
            except Exception as error:
                entry["error"] = f"{type(error).__name__}: {error}"[:200]
            entry["seconds"] = round(time.perf_counter() - start, 2)
            lines.write(json.dumps(entry) + "\n")
            lines.flush()


def compare(cache: Path) -> dict[str, Any]:
    """Counts of files that agree, by kind, and the names of those that do not."""
    unfolded_nowhere()
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
        start = time.perf_counter()
        try:
            mine = ours(Path(entry["file"]))
        except Exception as error:
            refused.append(f"{entry['file']}: {error}")
            continue
        finally:
            seconds += time.perf_counter() - start
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
