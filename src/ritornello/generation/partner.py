"""Conditional generation: some notes are given, the model writes the rest around them."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import index
from typing import TYPE_CHECKING, Any, TypeAlias, TypedDict

import numpy as np

from ritornello.errors import ConfigError
from ritornello.files import load
from ritornello.generation.compose import Hear
from ritornello.generation.edit import verbs
from ritornello.generation.edit.form_beside import SongForm, form_of, in_form, rhythms_beside
from ritornello.generation.edit.naming import find_tracks
from ritornello.generation.edit.perform import perform
from ritornello.generation.edit.plans import EditPlan, with_collection
from ritornello.generation.edit.verbs import PlanOfSeed
from ritornello.generation.instrumentation import Instrumentations, own_drumming
from ritornello.generation.plan_drafts import FREE
from ritornello.generation.preference.critic import Critic
from ritornello.generation.preference.n_best import selection
from ritornello.generation.rules import Rules, check_count
from ritornello.generation.sampling import Sampling
from ritornello.generation.usual_music import UsualMusic, draw_held_bars
from ritornello.music.chords import Chart
from ritornello.music.instruments import INSTRUMENTS, parse_instrument
from ritornello.music.keys import KeyName
from ritornello.music.piece import Piece
from ritornello.music.selection import new_alone
from ritornello.music.slicing import bar_lines, whole_bars
from ritornello.note_model.encoding.notes import PARTS_PER_INSTRUMENT
from ritornello.note_model.engine.reference import Engine
from ritornello.option_names import canonical, check_numbers, check_whole_numbers
from ritornello.plan.song_form import parse_form

if TYPE_CHECKING:
    from typing import Unpack

_LOG = logging.getLogger(__name__)
Watch = Callable[[int, int], None]
Song: TypeAlias = Any  # a piece, or whatever else `ritornello.load` takes


@dataclass(frozen=True)
class Result:
    """What an edit of a song returns: the new pieces, and which of their notes were given.

    Attributes:
        pieces: the song with what was written into it, one for each seed.
        kept: the song with what was given alone; its tracks are the first ones of each piece.
        warnings: how the model read the song otherwise than it is written, in sentences.
        given: for each piece, bool [notes] for each of its tracks: True where a note was given.
        added: for each piece, the index of the track of each player or voice that was asked for
            with `arrange` or `harmonise`: players in the order asked, voices from the highest down.
    """

    pieces: tuple[Piece, ...]
    kept: Piece
    warnings: tuple[str, ...]
    given: tuple[tuple[np.ndarray, ...], ...] = field(default=(), compare=False)
    added: tuple[tuple[int, ...], ...] = ()

    @property
    def piece(self) -> Piece:
        """The first of the pieces."""
        return self.pieces[0]

    @property
    def only_new(self) -> tuple[Piece, ...]:
        """Each piece with its new notes alone; `InputError` if a piece has none."""
        return tuple(map(new_alone, self.pieces, self.given))


class Options(TypedDict, total=False):
    """Options that `continue_`, `fill`, `arrange`, `harmonise` and `vary` share; none is needed.

    Attributes:
        n: how many pieces, 1 if left out, with the seeds ``seed``, ``seed + 1``, ... Each is the
            same in whatever company it is written.
        seed: at least 0, which it is if left out; another seed, another piece.
        temperature, top_p: of sampling, see `ritornello.generation.sampling.Sampling`.
        watch: called now and then with (tick reached, tick where writing ends).
        hear: told the notes as they are written: a `ritornello.generation.note_feed.NoteFeed`.
        rules: kept by what is written; bars, metre, tempo and parts are those of the song.
        key, polyphony, ranges, density, densities, chords, ending, collection, swing, scale,
            loudness: of `Rules`, in place of those of ``rules``. Chords count from where writing
            begins. What a part of the song already goes beyond, in range or polyphony, it may
            unless the rules name it.
    """

    n: int
    seed: int
    temperature: float
    top_p: float
    watch: Watch | None
    hear: Hear | None
    rules: Rules | None
    key: KeyName | str | None
    polyphony: Mapping[str, int]
    ranges: Mapping[str, tuple[int, int]]
    density: float | None
    densities: Mapping[str, float | str]
    chords: str | Chart | None
    ending: bool
    collection: str | None
    swing: float | None
    scale: tuple[int, ...] | str | None
    loudness: float | str | None


@dataclass(frozen=True)
class _Asked:
    """Options once they are read."""

    seeds: range
    sampling: Sampling
    watch: Watch | None
    hear: Hear | None
    rules: Rules


class Partner(ABC):
    """Edits of a given song with a model: continue, fill, arrange, harmonise and vary.

    A song is a `Piece` or a file. Whatever is in it can be read: what the model does not know is
    read as the nearest it does, with a warning in the result and in the log. Parts are named by
    the numbers of tracks from 1, their names or their instruments, such as "bass" or "violin 2".
    Each verb raises `InputError` for a song that cannot be read or has no notes, and `ConfigError`
    for what has no meaning or cannot be met; nothing is done then.
    """

    _engine: Engine
    _collections: tuple[str, ...]
    _instrumentations: Instrumentations
    _usual: UsualMusic
    _known: frozenset[int] | None
    _critic: Critic | None

    def continue_(
        self,
        song: Song,
        bars: int | None = None,
        *,
        parts: Sequence[str | int] | None = None,
        form: str | None = None,
        **options: Unpack[Options],
    ) -> Result:
        """Go on where a song stops, in its last tempo and metre, and end it.

        Args:
            song: its last bar is filled up from the first beat after the last note.
            bars: how many to add; those of the form where None, or 16.
            parts: who goes on; all that play where None.
            form: the sections that are added, such as "B 8, A 8": what has the name of a section of
                the song comes back. By default they are drawn from the form that is read from its
                notes, unless new notes have to keep to a key, density, range or number of voices;
                "none" goes on from bar to bar.
            options: see `Options`; ``ending=False`` leaves the end open.
        """
        if bars is None:
            bars = 16 if form in (None, FREE) else parse_form(form)[-1].end
        added = bars
        check_whole_numbers({"bars": added})
        piece = load_song(song)
        tracks = None if parts is None else find_tracks(piece, parts)
        return self._result(
            lambda rules: verbs.continue_job(
                piece, added, rules=rules, tracks=tracks, known=self._known
            ),
            options,
            lambda plan: verbs.go_on(plan, added, form),
        )

    def fill(
        self,
        song: Song,
        bars: int | tuple[int, int],
        *,
        parts: Sequence[str | int] | None = None,
        **options: Unpack[Options],
    ) -> Result:
        """Write some bars of a song anew, so that both sides fit.

        Args:
            song: notes that begin before the gap stay, also where they sound into it.
            bars: first and last, counted from 1; or a single one.
            parts: whose; of all that play where None.
            options: see `Options`.
        """
        piece = load_song(song)
        first, last = _span(bars)
        tracks = None if parts is None else find_tracks(piece, parts)
        return self._result(
            lambda rules: verbs.fill_job(
                piece, first, last, tracks, rules=rules, known=self._known
            ),
            options,
        )

    def arrange(
        self,
        song: Song,
        add: Sequence[str],
        *,
        bars: int | tuple[int, int] | None = None,
        end: bool = False,
        form: SongForm | str | None = None,
        song_key: KeyName | None = None,
        **options: Unpack[Options],
    ) -> Result:
        """Put a band beside a song.

        Args:
            song: all of it stays.
            add: names of instruments, all of which play; one named twice has two players.
            bars: first and last that they play in, counted from 1, or a single one; all where None.
            end: whether the band ends in the last bar: it strikes the chord of the tonic and holds.
            form: the sections of the song, such as "A 8, B 8, A 8": what comes back in it comes
                back in the band too. By default a drummer who joins a song without drums, and all
                who accompany, have the form that is read from it; lines such as a saxophone alone
                go on from bar to bar; "none" for no form.
            song_key: in which the song is, if somebody knows better than its notes tell: a wish, in
                whose tonic the band ends, where the option ``key`` is a rule.
            options: see `Options`; ``collection`` is what to write like.
        """
        piece, add = load_song(song), [add] if isinstance(add, str) else add
        span = None if bars is None else _span(bars)
        if form is not None and span is not None:
            raise ConfigError(
                "A form is that of the whole song, and bars were named.",
                next_step="Leave out one of them.",
            )
        is_stated = form is not None
        if isinstance(form, str):
            form = None if form == FREE else SongForm(parse_form(form))
        if form is not None:
            span = 1, len(bar_lines(whole_bars(piece))) - 1
        return self._result(
            lambda rules: verbs.arrange_job(
                piece, add, bars=span, end=end, key=song_key, rules=rules, known=self._known
            ),
            options,
            self._in(
                lambda: form if is_stated else form_of(whole_bars(piece)),
                is_stated=is_stated,
                only_to_accompany=not (is_stated or _asks_for_a_beat(piece, add)),
                bars=None if is_stated else span,
            ),
        )

    def harmonise(
        self,
        song: Song,
        voices: Sequence[str] = ("alto", "tenor", "bass"),
        *,
        melody: str | int | None = None,
        end: bool = True,
        **options: Unpack[Options],
    ) -> Result:
        """Set voices to a melody, each one note at a time.

        They sing while the melody does and complete a chord on each beat; phrases end in cadences.

        Args:
            song: all of it stays.
            voices: of soprano, alto, tenor and bass; they sound like the melody.
            melody: the part they are set to; the highest one where None.
            end: whether the last chord is that of the tonic.
            options: see `Options`; ``chords`` stand in for those that fit the melody.
        """
        piece = load_song(song)
        track = None if melody is None else find_tracks(piece, [melody])[0]
        singers = choir(self._instrumentations)
        return self._result(
            lambda rules: verbs.harmonise_job(
                piece,
                [voices] if isinstance(voices, str) else voices,
                rules=rules,
                melody=track,
                end=end,
                choir=singers,
                known=self._known,
            ),
            options,
        )

    harmonize = harmonise

    def vary(
        self,
        song: Song,
        parts: Sequence[str | int],
        *,
        closeness: float | None = None,
        **options: Unpack[Options],
    ) -> Result:
        """Write whole parts of a song anew; the others stay.

        Args:
            song: where they are.
            parts: which.
            closeness: 0 to 1, the share of their bars that stays, and the key of the song with
                them; nothing of the parts stays where None.
            options: see `Options`; ``n=4`` for four variations.
        """
        check_numbers({"closeness": closeness})
        piece = load_song(song)
        tracks = find_tracks(piece, parts)
        drums = {index for index, track in enumerate(piece.tracks) if track.is_drum}
        # A drummer holds a beat through the sections of the song, as one who joins it does.
        new_beat = closeness is None and drums and drums <= {*tracks}
        return self._result(
            lambda rules: verbs.vary_job(
                piece, tracks, closeness=closeness, rules=rules, known=self._known
            ),
            options,
            self._in(
                lambda: form_of(whole_bars(piece)) if closeness is None else None,
                is_stated=False,
                only_to_accompany=not new_beat,
            ),
        )

    @abstractmethod
    def _check_rules(self, rules: Rules | None, seed: int, fields: dict[str, Any]) -> Rules:
        """The rules with the fields, if the model can be asked for them."""

    def check(self, **options: Unpack[Options]) -> None:
        """Raise the error that an edit would raise for these options, without doing the edit."""
        self._read(options)

    def _read(self, options: Options) -> _Asked:
        fields = canonical(options, Options.__annotations__, of="Writing into a song")
        n, seed = fields.pop("n", 1), fields.pop("seed", 0)
        check_count(n)
        sampling = Sampling(
            fields.pop("temperature", Sampling.temperature), fields.pop("top_p", Sampling.top_p)
        )
        watch, hear = fields.pop("watch", None), fields.pop("hear", None)
        rules = self._check_rules(fields.pop("rules", None), seed, fields)
        return _Asked(range(seed, seed + n), sampling, watch, hear, rules)

    def _result(
        self,
        plan_for: Callable[[Rules], EditPlan],
        options: Options,
        draw: Callable[[EditPlan], PlanOfSeed] = lambda plan: lambda seed: plan,
    ) -> Result:
        """Carry out a plan, once for each seed, side by side, with what is drawn by the seed."""
        asked = self._read(options)
        plan = with_collection(plan_for(asked.rules), self._instrumentations)
        for warning in plan.warnings:
            _LOG.warning("%s", warning)
        choice = selection(self._critic, None)
        seeds = asked.seeds if choice is None else choice.seeds_for(asked.seeds)
        drawn = draw(plan)
        made = perform(
            self._engine,
            [drawn(seed) for seed in seeds],
            seeds,
            sampling=asked.sampling,
            collections=self._collections,
            hear=asked.hear if choice is None else None,
            **({} if asked.watch is None else {"watch": asked.watch}),
        )
        if choice is not None:
            best = choice.best_of_each([joined.piece for joined in made])
            made = tuple(made[index] for index in best)
        return Result(
            tuple(joined.piece for joined in made),
            plan.kept,
            plan.warnings,
            tuple(joined.given for joined in made),
            tuple(tuple(joined.tracks[part] for part in plan.new) for joined in made),
        )

    def _in(
        self,
        read_form: Callable[[], SongForm | None],
        *,
        is_stated: bool,
        only_to_accompany: bool = False,
        bars: tuple[int, int] | None = None,
    ) -> Callable[[EditPlan], PlanOfSeed]:
        """Plans for parts that play through a song, by its form where there is one.

        Where the model reads the bars of a song as others, such as nine quarters, a form that
        nobody stated does not count.

        Args:
            read_form: gives it, and is called only where it counts: reading one takes a while.
            only_to_accompany: whether it counts only if one of the parts has the tune, or holds a
                rhythm by it.
            bars: first and last in which they play; all where None.
        """

        def draw(plan: EditPlan) -> PlanOfSeed:
            if plan.job.shared_parts:
                return lambda seed: plan  # what comes back could not be told from what was given
            parts = [*plan.new] or [*plan.homes]
            accompanies = (plan.new or plan.accompanies) and rhythms_beside(plan.job, parts)
            if only_to_accompany and not accompanies and plan.job.joining_tune is None:
                return lambda seed: plan
            form = read_form()
            if form is None or not (is_stated or form.bars == len(plan.job.grid().bar_starts)):
                return lambda seed: plan

            def drawn(seed: int) -> EditPlan:
                own = plan.job.rules.collection in own_drumming(self._instrumentations)
                held = draw_held_bars(plan.job.rules.collection, self._usual, seed)
                job = replace(plan.job, own_beats=own, held_bars=held)
                job = in_form(job, parts, form, seed, hears=self._engine.plan, bars=bars)
                return replace(plan, job=job, anew=frozenset(parts))

            return drawn

        return draw


def _asks_for_a_beat(song: Piece, add: Sequence[str]) -> bool:
    """Whether drums join a song that has none."""
    joins = any(INSTRUMENTS[parse_instrument(name)].is_drum for name in add)
    return joins and not any(track.is_drum for track in song.tracks)


def load_song(song: Song) -> Piece:
    """The piece itself, or the one in the file at a path."""
    return load(song)


def choir(instrumentations: Instrumentations) -> int | None:
    """The instrument of which most pieces of the training music have four parts and no others."""
    alike: Counter[str] = Counter()
    for each in instrumentations:
        if len(each.players) == PARTS_PER_INSTRUMENT and len(set(each.players)) == 1:
            alike[each.players[0]] += each.weight  # type: ignore[assignment]
    return parse_instrument(alike.most_common(1)[0][0]) if alike else None


def _span(bars: int | tuple[int, int]) -> tuple[int, int]:
    """The first and the last of bars given as one number or two.

    Raises:
        ConfigError: if they are anything else.
    """
    numbers = (bars, bars) if isinstance(bars, int) else bars
    try:
        first, last = map(index, numbers)
    except (TypeError, ValueError) as error:
        raise ConfigError(
            f"The bars are a number or the first and the last one; found {bars!r}.",
            next_step="For example bars=5 or bars=(5, 8).",
        ) from error
    return first, last
