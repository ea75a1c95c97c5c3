"""The clean Lakh MIDI subset with the genres of the Million Song Dataset.

A folder as it is published holds, somewhere below it, MIDI files as ``Artist/Title.mid`` (further
versions of a song as ``Title.1.mid``), and beside them

- a genre file, ``*.cls``: one line a track, ``TRACKID<tab>genre``, with lines of comment that
  start with #. Those of tagtraum (``msd_tagtraum_cd1.cls``; a second genre, of the minority, may
  follow and is ignored) and of the Million Song Dataset Benchmarks
  (``msd-topMAGD-genreAssignment.cls``) use the 13 genres below;
- how files and tracks belong together: ``match_scores.json`` of the Lakh MIDI Dataset,
  ``{TRACKID: {md5 of a MIDI file: score}}``, or ``unique_tracks.txt`` of the Million Song Dataset,
  ``TRACKID<SEP>SONGID<SEP>artist<SEP>title`` a line, which is matched with the names of the files.

Sources: Raffel, "Learning-Based Methods for Comparing Sequences", 2016 (layout of its tutorial);
Schreiber, "Improving genre annotations for the Million Song Dataset", 2015.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ritornello.errors import InputError

GENRES = (
    "Pop_Rock",
    "Folk",
    "Country",
    "Electronic",
    "Blues",
    "Latin",
    "Reggae",
    "RnB",
    "Rap",
    "International",
    "Vocal",
    "New Age",
    "Jazz",
)
MATCHES_FILE = "match_scores.json"
TRACKS_FILE = "unique_tracks.txt"
_ENDINGS = (".mid", ".midi")
_VERSION = re.compile(r"\.\d+$")


@dataclass(frozen=True)
class LakhSong:
    """A MIDI file of which the genre is known.

    Attributes:
        path: of the file. artist, title: of its name; versions of a song share a title.
        track: in the Million Song Dataset. genre: one of `GENRES`.
    """

    path: Path
    artist: str
    title: str
    track: str
    genre: str


@dataclass(frozen=True)
class LakhFolder:
    """What a folder holds.

    Attributes:
        songs: with a genre, in order of their paths.
        left_out: path of every other MIDI file -> why it is left out.
    """

    songs: tuple[LakhSong, ...]
    left_out: dict[str, str]

    @property
    def reasons(self) -> dict[str, int]:
        """How many files were left out for each reason, the most frequent first."""
        return dict(Counter(self.left_out.values()).most_common())


def read_lakh(folder: Path) -> LakhFolder:
    """Find the songs that have a genre, and say of every other file why it has none.

    Args:
        folder: see the layout above.

    Raises:
        InputError: if there is no folder, no MIDI file in it, no genre file, nothing that matches
            files with tracks, or one of these cannot be read.
    """
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in _ENDINGS)
    if not files:
        raise InputError(
            "No MIDI file is below this folder.",
            where=str(folder),
            next_step="Give the folder that holds clean_midi/Artist/Title.mid.",
        )
    genres = _read_genres(folder)
    by_md5, by_name = _read_matches(folder), _read_tracks(folder)
    songs, left_out = [], {}
    for path in files:
        artist, title = path.parent.name, _VERSION.sub("", path.stem)
        name = path.relative_to(folder).as_posix()
        try:
            md5 = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
        except OSError as error:
            left_out[name] = f"cannot be read ({error.strerror})"
            continue
        tracks = [*by_md5.get(md5, ()), *by_name.get(_plain(artist, title), ())]
        known = [track for track in tracks if track in genres]
        if not known:
            left_out[name] = "its track has no genre" if tracks else "matches no track"
        elif genres[known[0]] not in GENRES:
            left_out[name] = f"the genre {genres[known[0]]} is none of the {len(GENRES)}"
        else:
            songs.append(LakhSong(path, artist, title, known[0], genres[known[0]]))
    return LakhFolder(tuple(songs), left_out)


def _read_genres(folder: Path) -> dict[str, str]:
    """Track -> genre, spelled as in `GENRES`, of all genre files; the first one that tells wins."""
    found: dict[str, str] = {}
    paths = sorted(folder.rglob("*.cls"))
    for path in paths:
        for line in _lines(path):
            track, tab, rest = line.partition("\t")
            if tab and not line.startswith("#"):
                genre = rest.split("\t")[0].strip()
                found.setdefault(track.strip(), "New Age" if genre == "New_Age" else genre)
    if not found:
        raise InputError(
            "No genre of any track is told below this folder."
            if paths
            else "There is no genre file (*.cls) below this folder.",
            where=str(paths[0] if paths else folder),
            next_step="Put msd_tagtraum_cd1.cls there: a track, a tab and a genre on each line.",
        )
    return found


def _read_matches(folder: Path) -> dict[str, list[str]]:
    """md5 of a MIDI file -> tracks, the surest match first."""
    scored: dict[str, list[tuple[float, str]]] = {}
    for path in sorted(folder.rglob(MATCHES_FILE)):
        try:
            table = json.loads(path.read_text(encoding="utf-8"))
            for track, matches in table.items():
                for md5, score in matches.items():
                    scored.setdefault(md5, []).append((-float(score), track))
        except (OSError, ValueError, AttributeError, TypeError, RecursionError) as error:
            raise InputError(
                f"The matches cannot be read ({error}).",
                where=str(path),
                next_step="Expected {track: {md5 of a MIDI file: score}}; fetch the file again.",
            ) from error
    return {md5: [track for _, track in sorted(pairs)] for md5, pairs in scored.items()}


def _read_tracks(folder: Path) -> dict[str, list[str]]:
    """Artist and title without case, accents and signs -> tracks."""
    found: dict[str, list[str]] = {}
    paths = sorted(folder.rglob(TRACKS_FILE))
    for path in paths:
        for line in _lines(path):
            track, *fields = line.split("<SEP>")
            if len(fields) == 3:
                found.setdefault(_plain(fields[1], fields[2]), []).append(track)
    if not paths and not any(folder.rglob(MATCHES_FILE)):
        raise InputError(
            f"Neither {MATCHES_FILE} nor {TRACKS_FILE} is below this folder, so no file can be "
            "matched with a track.",
            where=str(folder),
            next_step="Put one of them there; the Lakh MIDI and Million Song Datasets have them.",
        )
    return found


def _lines(path: Path) -> Iterator[str]:
    try:
        yield from path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise InputError(f"The file cannot be read ({error.strerror}).", where=str(path)) from error


def _plain(artist: str, title: str) -> str:
    text = unicodedata.normalize("NFKD", f"{artist}|{title}".casefold())
    return "".join(letter for letter in text if letter.isalnum() or letter == "|")
