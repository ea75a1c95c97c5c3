"""How many ABC tunes are read as others read them: note by note, as played, before and now.

    python -m experiments.abc_agreement judge --cache judge.jsonl      # music21; slow, once
    python -m experiments.abc_agreement compare --cache judge.jsonl    # also with the MIDI sets

Readers are ours and abc2midi, which symusic brings and ritornello used before. Judges are the MIDI
files beside the ABC of the Nottingham set (made with music21, so without accidentals that hold in
a bar and with ties unjoined) and of the hymns (made with abc2midi), and music21 for the tunes of
its own corpus. music21 is given plain tunes: without quoted texts, decorations, graces and slurs,
which mislead its broken rhythm, and with ``|:`` where a repeat begins without a sign.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from experiments.music_sets import ROOT
from ritornello.errors import InputError
from ritornello.music.io import FORMATS, midi_read, read
from ritornello.music.piece import Piece

ABC = next(entry for entry in FORMATS if entry.name == "ABC")
_TUNE = re.compile(r"^(?=X:)", re.MULTILINE)
_NEAR_QUARTERS = 0.03
Notes = list[list[float]]  # [onset in quarters, duration in quarters, pitch], sorted


# --- readers ----------------------------------------------------------------------------------


def ours(tune: str) -> Piece:
    return ABC.read_bytes(tune.encode(), "tune.abc")[0]


def abc2midi(tune: str) -> Piece:
    """The tune as the reader before ours had it: by way of MIDI, each note one tick late."""
    import symusic  # noqa: F401 (says where the program is)

    tune = re.sub(r"^%%abc-include.*", "%", tune, flags=re.MULTILINE)
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "tune.abc"), Path(folder, "tune.mid")
        source.write_text(tune, encoding="utf-8")
        command = [os.environ["SYMUSIC_ABC2MIDI"], str(source), "-NGUI", "-o", str(target)]
        subprocess.run(command, capture_output=True, timeout=10, check=False)
        if not target.exists():
            raise InputError("abc2midi gave no file.")
        return midi_read.read_bytes(target.read_bytes(), "tune.mid")[0]


READERS: dict[str, Callable[[str], Piece]] = {"ours": ours, "abc2midi": abc2midi}


def parts_of(piece: Piece) -> list[Notes]:
    """The notes of each part that has any; parts of one player are one."""
    by_player: dict[tuple[int, int], Notes] = {}
    for index, track in enumerate(piece.tracks):
        key = (track.player, 0 if track.player else index)
        unit = piece.resolution
        by_player.setdefault(key, []).extend(
            [n.onset_ticks / unit, n.duration_ticks / unit, n.pitch] for n in track
        )
    return [sorted(notes) for notes in by_player.values() if notes]


def tunes(path: Path) -> Iterator[tuple[str, str]]:
    """(number, text) of the tunes of a file."""
    data = path.read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    for tune in _TUNE.split(text.replace("\r\n", "\n").replace("\r", "\n"))[1:]:
        yield re.match(r"X:\s*(\S*)", tune)[1], tune  # type: ignore[index]


# --- agreement --------------------------------------------------------------------------------


def grade(found: list[Notes], right: list[Notes]) -> str:
    """The best of: same, same but for durations, same but for accidentals, same rhythm, ..."""
    if len(found) != len(right):
        return "other parts"
    pairs = list(zip(found, right, strict=True))
    if any(len(one) != len(other) for one, other in pairs):
        return "other number of notes"
    near = [
        (
            max(abs(a[0] - b[0]) for a, b in zip(one, other, strict=True)) < _NEAR_QUARTERS,
            max(abs(a[1] - b[1]) for a, b in zip(one, other, strict=True)) < _NEAR_QUARTERS,
            max(abs(a[2] - b[2]) for a, b in zip(one, other, strict=True)),
        )
        for one, other in pairs
    ]
    if not all(onsets for onsets, *_ in near):
        return "other onsets"
    apart = max(pitch for *_, pitch in near)
    if apart > 1:
        return "other pitches"
    if apart:
        return "same but for accidentals"
    return "same" if all(durations for _, durations, _ in near) else "same but for durations"


def from_first(notes: Notes) -> Notes:
    """Counted from the first note: some judges fill the upbeat up with rests."""
    return [[onset - notes[0][0], *rest] for onset, *rest in notes]


def tied_as(notes: Notes, model: Notes) -> Notes:
    """Repeated notes joined where the model has one long note in their place."""
    onsets = {round(onset * 48) for onset, *_ in model}
    joined: Notes = []
    for onset, duration, pitch in notes:
        if joined and round(onset * 48) not in onsets and joined[-1][2] == pitch:
            joined[-1] = [joined[-1][0], onset + duration - joined[-1][0], pitch]
        else:
            joined.append([onset, duration, pitch])
    return joined


def nottingham(folder: Path, reader: Callable[[str], Piece]) -> tuple[Counter[str], list[str]]:
    """Melodies against the MIDI file of the same name; ``Y:`` is that set's order of parts."""
    grades: Counter[str] = Counter()
    others = []
    for path in sorted((folder / "ABC_cleaned").glob("*.abc")):
        for number, tune in tunes(path):
            judge = folder / "MIDI" / f"{path.stem}{number}.mid"
            if not judge.exists():
                continue
            try:
                piece = reader(tune.replace("\nY:", "\nP:"))
            except InputError:
                grades["not read"] += 1
                continue
            melody = from_first(parts_of(piece)[0])
            right = tied_as(from_first(parts_of(read(judge))[0]), melody)
            found = grade([melody], [right])
            grades[found] += 1
            if not found.startswith("same"):
                others.append(judge.stem)
    return grades, others


def hymns(folder: Path, reader: Callable[[str], Piece]) -> tuple[Counter[str], list[str]]:
    """Hymns, all voices, against the MIDI file of the same name."""
    grades: Counter[str] = Counter()
    others = []
    for path in sorted((folder / "abc").glob("*.abc")):
        judge = folder / "midi" / f"{path.stem}.mid"
        if not judge.exists():
            continue
        _, tune = next(tunes(path))
        try:
            found = grade(parts_of(reader(tune)), parts_of(read(judge)))
        except InputError:
            found = "not read"
        grades[found] += 1
        if not found.startswith("same"):
            others.append(path.stem)
    return grades, others


# --- music21 as a judge -----------------------------------------------------------------------


def plain(tune: str) -> str:
    """The tune without what sounds nothing, and with every repeat begun by a sign."""
    lines = []
    for line in tune.split("\n"):
        if re.match(r"[A-Za-z+]:(?![|:])|%", line):
            lines.append(line)
            continue
        line = re.sub(r'"[^"]*"|![^!|\s]*!|\{[^}]*\}|`', "", line.partition("%")[0])
        lines.append(re.sub(r"\[\|\]|[.~H-Wh-w](?![:\]])|\((?!\d)|\)", _kept_bar, line))
    return _with_beginnings("\n".join(line for line in lines if line.strip()))


def _kept_bar(match: re.Match[str]) -> str:
    return "|" if match[0] == "[|]" else ""


def _with_beginnings(tune: str) -> str:
    """``|:`` after each ``:|`` and double bar that a repeat without a beginning goes back to."""
    signs = list(re.finditer(r"::|:?\|+[\]:]*(?:\[?\d)?|\[\d", tune))
    key = re.search(r"^K:.*$", tune, re.MULTILINE)
    if key is None:
        return tune
    insert: list[int] = []
    begins: int | None = key.end() + 1  # where a repeat without a sign goes back to
    has_ending = False
    for sign in signs:
        text = sign[0]
        if sign.start() < key.end():
            continue
        ends = (text.startswith(":") and "|" in text) or text == "::"
        if ends and begins is not None:
            insert.append(begins)
        if text[-1].isdigit():
            has_ending = True
            if ends:
                begins = None  # an ending follows
        elif (text.endswith(":") and text != "::") or text == "::":
            begins, has_ending = None, False
        elif ends or (("||" in text or "]" in text) and (begins is not None or has_ending)):
            begins, has_ending = sign.end(), False
    for place in sorted(set(insert), reverse=True):
        gap = "\n" if tune[place - 1] == "\n" else ""  # a field may follow
        tune = f"{tune[:place]}|:{gap}{tune[place:]}"
    return tune


def judged(tune: str) -> list[Notes]:
    """What music21 plays of a tune, each part."""
    import music21

    score = music21.converter.parse(tune, format="abc")
    found = []
    for part in score.parts if isinstance(score, music21.stream.Score) else [score]:
        notes: Notes = []
        for element in part.expandRepeats().stripTies().flatten().notes:
            if not element.duration.isGrace:
                onset, duration = float(element.offset), float(element.quarterLength)
                notes += [[onset, duration, pitch.midi] for pitch in element.pitches]
        found.append(sorted(notes))
    return [notes for notes in found if notes]


def judge(cache: Path, most: int) -> None:
    """Ask music21 for the tunes of its corpus, at most so many of each folder, into a cache."""
    import music21

    warnings.simplefilter("ignore")
    corpus = Path(music21.__file__).parent / "corpus"
    known = {tuple(json.loads(line)["tune"]) for line in cache.open()} if cache.exists() else set()
    with cache.open("a") as lines:
        for folder in sorted({path.parent for path in corpus.rglob("*.abc")}):
            every = [
                (path.relative_to(corpus).as_posix(), place, tune)
                for path in sorted(folder.glob("*.abc"))
                for place, (_, tune) in enumerate(tunes(path))
            ]
            for name, place, tune in every[:: max(1, len(every) // most)]:
                if (name, place) in known:
                    continue
                text = plain(tune)
                try:
                    notes: list[Notes] | None = judged(text)
                except Exception:
                    notes = None  # music21 cannot play its repeats, or cannot read it
                lines.write(json.dumps({"tune": [name, place], "text": text, "notes": notes}))
                lines.write("\n")
                lines.flush()


def with_music21(cache: Path, reader: Callable[[str], Piece]) -> tuple[Counter[str], list[str]]:
    """Plain tunes of music21's corpus against what music21 plays."""
    grades: Counter[str] = Counter()
    others = []
    for line in cache.open():
        entry = json.loads(line)
        if not entry["notes"]:
            grades["not judged"] += 1
            continue
        try:
            found = grade(parts_of(reader(entry["text"])), entry["notes"])
        except InputError:
            found = "not read"
        grades[found] += 1
        if not found.startswith("same"):
            others.append(f"{entry['tune'][0]}#{entry['tune'][1] + 1}: {found}")
    return grades, others


def seconds_a_tune(data: Path, reader: Callable[[str], Piece]) -> float:
    """Time for a hymn in four voices."""
    texts = [next(tunes(p))[1] for p in sorted((data / "abc").glob("*.abc"))[:60]]
    start = time.perf_counter()
    for text in texts:
        reader(text)
    return (time.perf_counter() - start) / len(texts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["judge", "compare"])
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--most", type=int, default=120, help="tunes of a folder for music21")
    parser.add_argument("--output", type=Path, help="JSON file")
    parser.add_argument("--show", action="store_true", help="name the tunes that differ for us")
    default = os.environ.get("RITORNELLO_DATA", ROOT.parent / "shared" / "data")
    parser.add_argument("--data", type=Path, default=default)
    options = parser.parse_args()
    if options.what == "judge":
        judge(options.cache, options.most)
        return
    results: dict[str, dict[str, object]] = {}
    for name, reader in READERS.items():
        sets = {
            "nottingham": nottingham(options.data / "nottingham_jukedeck", reader),
            "hymns": hymns(options.data / "open_hymnal_midi", reader),
            "music21 corpus": with_music21(options.cache, reader),
        }
        for key, (grades, others) in sets.items():
            results.setdefault(key, {})[name] = dict(grades.most_common())
            print(f"{key:15} {name:9} {dict(grades.most_common())}", flush=True)
            if options.show and name == "ours":
                print("    " + "\n    ".join(others))
        milliseconds = 1000 * seconds_a_tune(options.data / "open_hymnal_midi", reader)
        results.setdefault("milliseconds a hymn", {})[name] = round(milliseconds, 2)
    print(results["milliseconds a hymn"])
    if options.output:
        options.output.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
