"""What is usual in a style: tempi, beats and players, counted in the training music.

    python -m experiments.learning.style_usages --run runs/edition --model default

What drummers play is counted by `experiments.learning.style_drums`, what who accompanies them does
by `experiments.learning.style_rhythms`.
Players are counted where the model's own instrumentations lack a collection. The table goes to
`ritornello/plan/style_usages.json`.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from experiments.edition_sets import EditionSets, run_parser
from experiments.learning.style_drums import drummers
from experiments.learning.style_rhythms import registers, rhythms
from experiments.music_sets import ROOT
from ritornello.atomic import atomic_write
from ritornello.corpus.store import Corpus
from ritornello.generation.composer import Composer
from ritornello.generation.rules import MAX_PARTS
from ritornello.metrics.keeping.measures import ALIKE_LEAST
from ritornello.music.instruments import INSTRUMENTS
from ritornello.music.piece import Piece
from ritornello.note_model.encoding import notes
from ritornello.plan.analysis import analyse
from ritornello.plan.bar_strokes import RESOLUTION, Shared, Strokes
from ritornello.plan.feel import FREE
from ritornello.plan.held_rhythms import ANSWERS_BARS
from ritornello.plan.players import OTHERS, melody_of, owners, role_of
from ritornello.plan.sections import END, INTRO

TABLE = ROOT / "src" / "ritornello" / "plan" / "style_usages.json"
_MOST_PIECES, _MANY_PIECES = 80, 240  # whose tempi are counted; whose drummers and players are
_MOST_LINE_UPS = 12
_STYLES = ("band_", "groove_")  # of a set whose styles have players in common
_SONG = 4  # parts; larger ones with voices are operas
_ROUNDS = [1, 2, 4]  # bars of a figure
_LEAST_ROUND = 0.15
_PLAYS, _LEAST_RESTS, _SECTION_BARS = 0.4, 0.3, 4  # of the bars; of the sections; bars
_BEGINNING_BARS, _LEAST_DRUMMERS = 4, 10  # pieces, or sections that they enter in
_USUALLY_LEAD = 0.4  # of the latter, where there are fewer; as in game music
_LEAST_ACTIVITIES, _MOST_ACTIVITIES = 8, 40  # pieces


def known_styles(composer: Composer) -> list[str]:
    """The styles that usages are counted of."""
    return sorted({*composer.card["provenance"].get("styles", {}).values(), "band_rock"})


def count_styles(music: EditionSets, composer: Composer) -> dict[str, dict[str, object]]:
    """The table, by collection."""
    styles = known_styles(composer)
    many = {name: music.drawn(name, "train", _MANY_PIECES, seed=1) for name in styles}
    whole = {name: music.drawn(name, "train", _MANY_PIECES, 1, whole_set=True) for name in styles}
    pieces = {name: of_style[:_MOST_PIECES] for name, of_style in many.items()}
    of_drums = drummers(many)
    have = {each.collection for each in composer.instrumentations}
    table: dict[str, dict[str, object]] = {}
    for name, of_style in pieces.items():
        tempi = [piece.tempos[0].bpm for piece in of_style if piece.tempos]
        entry: dict[str, object] = {
            "tempi": np.percentile(tempi, range(10, 100, 10)).round().astype(int).tolist(),
            **_bass(of_style),
            **_rounds(of_style),
            **_answers(many[name]),
            **_rests(of_style),
            **_drumming(many[name]),
            **rhythms(whole[name]),
            **registers(whole[name]),
            **_activities(many[name]),
            "drummers": of_drums[name],
        }
        if name not in have and not name.startswith(_STYLES):  # these have those of their set
            entry["line_ups"] = _line_ups(of_style)
        table[name] = entry
    return table


def _bass(pieces: list[Piece]) -> dict[str, list[float]]:
    """Quartiles of the notes a quarter that basses play, where most pieces have one."""
    found = [
        len(track) / piece.length_beats
        for piece in pieces
        for track in piece.tracks
        if len(track) and not track.is_drum and INSTRUMENTS[track.instrument].name == "bass"
    ]
    if 2 * len(found) < len(pieces):
        return {}
    return {"bass": np.percentile(found, (25, 50, 75)).round(2).tolist()}


def _rounds(pieces: list[Piece]) -> dict[str, list[list[float]]]:
    """How many bars of who accompanies, and of the tune, stand as 1, 2 and 4 bars before.

    Of music that goes round in four bars alone: bars like the one before share its chord.
    """
    counts = np.zeros((2, len(_ROUNDS) + 1))
    for piece in (piece.at_resolution(RESOLUTION) for piece in pieces):
        playing = [(player, at) for at, player in enumerate(owners(piece)) if player is not None]
        melody = melody_of([player for player, _ in playing])
        for place, (player, at) in enumerate(playing):
            if player.is_drum or len(playing) == 1:
                continue
            shared = Shared.of(Strokes.of(replace(piece, tracks=(piece.tracks[at],))), _ROUNDS[-1])
            alike = shared.alike[shared.counts.sum(axis=1) > 0][:, _ROUNDS] >= ALIKE_LEAST
            which = np.where(alike.any(axis=1), alike.argmax(axis=1), len(_ROUNDS))
            counts[int(place == melody)] += np.bincount(which, minlength=len(_ROUNDS) + 1)
    if not counts.sum(axis=1).all():
        return {}
    shares = counts[:, :-1] / counts.sum(axis=1, keepdims=True)
    return {"rounds": shares.round(2).tolist()} if shares[0, -1] >= _LEAST_ROUND else {}


def _answers(pieces: list[Piece]) -> dict[str, list[float]]:
    """How many bars of tunes have the onsets of the bar two, four and eight bars before."""
    found: dict[int, list[bool]] = {back: [] for back in ANSWERS_BARS}
    for strokes in map(Strokes.of, pieces):
        melody = melody_of(strokes.players)
        if melody is None or len(strokes.players) == 1:
            continue
        tune = strokes.player == melody
        bars = [tuple(np.unique(strokes.tick[tune & (strokes.bar == bar)]).tolist())
                for bar in range(strokes.bars)]  # fmt: skip
        for back, alike in found.items():
            alike += [bar == then for bar, then in zip(bars[back:], bars, strict=False)
                      if bar and then]  # fmt: skip
    if not all(found.values()):
        return {}
    return {"answers": [round(float(np.mean(alike)), 2) for alike in found.values()]}


def _rests(pieces: list[Piece]) -> dict[str, dict[str, float]]:
    """In how many sections of a name of their own players are silent, by what they do.

    Of music whose accompanists come and go alone.
    """
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for piece in pieces:
        plan = analyse(piece)
        melody = melody_of(plan.players)
        if len(plan.players) <= 2:
            continue
        sections = {s.name: s for s in reversed(plan.sections) if s.bars >= _SECTION_BARS}
        for name, section in sections.items():
            playing = plan.plays[section.start : section.end].mean(axis=0) >= _PLAYS
            for place, player in enumerate(plan.players if name not in (INTRO, END) else ()):
                role = role_of(player, is_melody=place == melody)
                counts[role][0] += int(not playing[place])
                counts[role][1] += 1
    shares = {role: round(silent / total, 2) for role, (silent, total) in sorted(counts.items())}
    return {"rests": shares} if shares.get(OTHERS, 0) >= _LEAST_RESTS else {}


def _drumming(pieces: list[Piece]) -> dict[str, list[float]]:
    """How often drummers play the beginnings of pieces, leave other sections, and lead in those
    that they enter in; where there are many."""
    begins, leaves, leads = list[bool](), list[bool](), list[bool]()
    for piece in (piece.at_resolution(RESOLUTION) for piece in pieces):
        plan = analyse(piece)
        drummers = [at for at, player in enumerate(plan.players) if player.is_drum]
        if not drummers or len(plan.players) <= 2 or plan.bars < _BEGINNING_BARS:
            continue
        plays = (plan.plays[:, drummers] == 1).any(axis=1)
        begins.append(bool(plays[:_BEGINNING_BARS].mean() >= _PLAYS))
        struck = np.concatenate([t.notes["onset"] for t in piece.tracks if t.is_drum])
        for section in plan.sections[1:]:
            inside = plays[section.start : section.end]
            if len(inside) >= _SECTION_BARS and section.name != END:
                leaves.append(bool(inside.mean() < _PLAYS))
            if inside[0] and not plays[section.start - 2]:
                start, length = plan.starts[section.start], plan.lengths[section.start - 1]
                leads.append(bool(((struck >= start - length // 2) & (struck < start)).any()))
    if len(begins) < _LEAST_DRUMMERS:
        return {}
    leads_in = np.mean(leads) if len(leads) >= _LEAST_DRUMMERS else _USUALLY_LEAD
    shares = (float(np.mean(begins)), float(np.mean(leaves)), float(leads_in))
    return {"drumming": [round(share, 2) for share in shares]}


def _activities(pieces: list[Piece]) -> dict[str, dict[int, list[list[float]]]]:
    """The commonest grid and the notes a quarter of each player, by how many play; without drums.

    The busiest tenth and the calmest are left out: nobody asks for them without saying so.
    """
    found: dict[int, list[tuple[float, int]]] = defaultdict(list)
    for piece in pieces:
        plan = analyse(piece)
        if plan.players and not any(player.is_drum for player in plan.players):
            playing = plan.density > 0
            feel = int(np.bincount(plan.feel[playing]).argmax())
            each = plan.density[playing] / np.maximum(plan.plays[playing].sum(axis=1), 1)
            if feel != FREE:
                found[len(plan.players)].append((round(float(each.mean()), 2), feel))
    usual: dict[int, list[list[float]]] = {}
    for players, of_pieces in sorted(found.items()):
        if len(of_pieces) >= _LEAST_ACTIVITIES:
            tenth = len(of_pieces) // 10
            middle = sorted(of_pieces)[tenth : len(of_pieces) - tenth]
            count = min(len(middle), _MOST_ACTIVITIES)
            places = np.linspace(0, len(middle) - 1, count).round().astype(int)
            usual[players] = [[feel, density] for density, feel in map(middle.__getitem__, places)]
    return {"activities": usual} if usual else {}


def _line_ups(pieces: list[Piece]) -> list[list[object]]:
    counts = Counter(notes.instrumentation_of(notes.encode(piece)) for piece in pieces)
    fitting = [
        (parts, n)
        for parts, n in counts.most_common()
        if 1 < len(parts) <= MAX_PARTS and not ("voice" in parts and len(parts) > _SONG)
    ]
    return [[n, [*parts]] for parts, n in fitting[:_MOST_LINE_UPS]]


def count_and_write(
    description: str | None,
    path: Path,
    count: Callable[[EditionSets, Composer], Mapping[str, object]],
) -> None:
    """Count a table by style in the training music of a run, as the command line says, to a file.

    Args:
        count: takes the music, and a composer that knows the styles.
    """
    options = run_parser(description).parse_args()
    music = EditionSets(Corpus.open(options.run / "corpus"), [], options.data)
    table = count(music, Composer.load(options.model))
    lines = (
        f"{json.dumps(name)}: {json.dumps(entry, separators=(',', ':'))}"
        for name, entry in table.items()
    )
    text = "{\n" + ",\n".join(lines) + "\n}\n"
    with atomic_write(path, overwrite=True) as part:
        part.write_text(text, encoding="utf-8")
    print(path)


if __name__ == "__main__":
    count_and_write(__doc__, TABLE, count_styles)
