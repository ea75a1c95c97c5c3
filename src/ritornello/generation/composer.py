"""A composer: a model that is loaded once and asked for music as often as one likes."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields as dataclass_fields
from dataclasses import replace
from difflib import get_close_matches
from functools import partial
from itertools import chain, groupby
from os import PathLike
from typing import Any

import numpy as np

from ritornello.errors import ConfigError
from ritornello.generation import compose as writing
from ritornello.generation.best_of import compose_best
from ritornello.generation.compose import Hear
from ritornello.generation.edit.primer import fit
from ritornello.generation.instrumentation import (
    Instrumentations,
    fill_in_instrumentation,
    read_instrumentations,
    usual_metre,
)
from ritornello.generation.partner import Partner, Song, Watch, load_song
from ritornello.generation.plan_drafts import FREE, asked_plan, complete_plan
from ritornello.generation.preference.critic import CRITIC_FILE, Critic
from ritornello.generation.preference.n_best import selection
from ritornello.generation.preference.recurrent_critic import CRITIC_SETS
from ritornello.generation.rules import Rules, check_count, check_seed
from ritornello.generation.sampling import Sampling
from ritornello.generation.session import Session, StreamedNote
from ritornello.generation.session.improvisation import Improvisation
from ritornello.generation.two_hands import for_two_hands
from ritornello.generation.usual_music import UsualMusic, draw_form, usual_tempo
from ritornello.generation.writer import Writer
from ritornello.json_values import JsonObject
from ritornello.music.piece import Piece
from ritornello.note_model import checkpoint
from ritornello.note_model.checkpoint import Checkpoint
from ritornello.note_model.encoding.ngrams import known_instruments
from ritornello.note_model.engine import open_engine
from ritornello.note_model.library import DEFAULT_MODEL, find_model
from ritornello.option_names import canonical
from ritornello.plan.plan import Plan
from ritornello.plan.song_form import returning_as_it_was

_LOG = logging.getLogger(__name__)
# Eight candidates of a band of five in 48 bars take about two seconds of a core.
_CANDIDATES, _MOST_PART_BARS, _USUAL_PARTS = 8, 240, 4
_SWINGING = ("swing", "jazz", "band_swing")  # styles that swing unasked
_USUAL_SWING = 2.0


class Composer(Partner):
    """Composes with one model. The same model, rules and seed give the same piece.

    >>> composer = Composer.load()
    >>> piece = composer.compose(bars=8, key="D minor", parts=("piano", "bass"), seed=7)
    >>> piece.save("song.mid").name
    'song.mid'
    >>> composer.fill("song.mid", bars=(3, 4), parts=("bass",)).piece.bar_count
    8

    Attributes:
        card: what the model says of itself, see `ritornello.api.model_card`.
    """

    def __init__(self, model: Checkpoint) -> None:
        if not isinstance(model, Checkpoint):
            raise ConfigError(
                f"A Composer is made of an opened model; found {model!r}.",
                next_step="Use Composer.load(), or Composer.load(name or path of a model).",
            )
        self._engine = open_engine(model)
        self._collections = model.collections
        self._fingerprint = checkpoint.weights_fingerprint(model)
        self._instrumentations = read_instrumentations(model.provenance.get("line_ups", ()))
        self._known = known_instruments(model.baseline) if model.baseline else None
        self._styles: dict[str, str] = model.provenance.get("styles", {})
        self._usual = UsualMusic.of_model(model.provenance)
        self._critic: Critic | None = None
        self.card: JsonObject = {
            "network": model.network,
            "encoding": model.encoding,
            "collections": list(model.collections),
            "provenance": model.provenance,
        }

    @classmethod
    def load(cls, model: str | PathLike[str] = DEFAULT_MODEL) -> Composer:
        """A composer with a model given by name, file, or the folder that training wrote.

        Raises:
            CheckpointError: if there is no such model, or it is damaged or of another version.
        """
        path = find_model(model)
        composer = cls(checkpoint.load(path))
        if (critic := path.with_name(CRITIC_FILE)).is_file():
            composer._critic = Critic.load(critic)
        return composer

    @property
    def collections(self) -> tuple[str, ...]:
        """What the model can be asked to write like."""
        return self._collections

    @property
    def styles(self) -> tuple[str, ...]:
        """Names for what it can be asked to write like: short ones, then the collections."""
        return tuple(dict.fromkeys((*self._styles, *self._collections)))

    @property
    def known_instruments(self) -> frozenset[int] | None:
        """Indices into `INSTRUMENTS` of those in the training music; None where it is not known."""
        return self._known

    @property
    def instrumentations(self) -> Instrumentations:
        """Who plays together in the training music, how often, and in which collection."""
        return self._instrumentations

    def compose(
        self,
        rules: Rules | None = None,
        *,
        seed: int = 0,
        temperature: float = Sampling.temperature,
        top_p: float = Sampling.top_p,
        form: str | None = None,
        plan: Plan | None = None,
        duration: str | float | None = None,
        best_of: int | None = None,
        watch: Watch | None = None,
        hear: Hear | None = None,
        **fields: Any,
    ) -> Piece:
        """Write one piece.

        Args:
            rules: kept exactly.
            seed: at least 0; another seed, another piece.
            temperature, top_p: of sampling, see `ritornello.generation.sampling.Sampling`.
            form: sections, such as "intro 4, A 8, B 8, A 8, end 4"; one that comes again returns to
                what it was. The piece has markers at its sections. By default one that many
                pieces of the model's own music share, where no length is asked for; else a usual
                form from 4 bars on, and none before. "none" for none.
            plan: what to do bar by bar, see `ritornello.plan.plan.Plan`, in place of a form.
            duration: such as "2:00", or seconds; where no tempo is asked for, it is one usual in
                such music, made to fit.
            best_of: how many candidates are written, of which a critic keeps the best, after each
                section anew; it prefers what sounds like real music. By default eight where that
                takes about two seconds, 48 bars of a band of five, else one; by a tuned model as
                many as it was tuned to choose from.
            watch: called now and then with (ticks written, ticks in all).
            hear: told the notes as they are written: a `ritornello.generation.note_feed.NoteFeed`.
            fields: of `Rules`, in place of those of ``rules``: ``bars=8, key="D minor"``.

        Raises:
            ConfigError: if a rule has no meaning or cannot be met; nothing is done then.
        """
        return self.compose_many(
            1,
            rules,
            seed=seed,
            temperature=temperature,
            top_p=top_p,
            form=form,
            plan=plan,
            duration=duration,
            best_of=best_of,
            watch=watch,
            hear=hear,
            **fields,
        )[0]

    def compose_many(
        self,
        n: int,
        rules: Rules | None = None,
        *,
        seed: int = 0,
        temperature: float = Sampling.temperature,
        top_p: float = Sampling.top_p,
        form: str | None = None,
        plan: Plan | None = None,
        duration: str | float | None = None,
        best_of: int | None = None,
        watch: Watch | None = None,
        hear: Hear | None = None,
        **fields: Any,
    ) -> list[Piece]:
        """Write pieces side by side, with the seeds ``seed``, ``seed + 1``, ...

        Each is the piece that `compose` writes with its seed and as many candidates: by default
        eight where that takes about two seconds for all pieces. Arguments and errors are those of
        `compose`. Where one of several candidates is kept, ``hear`` is told of it after each
        section, and of none where the pieces have different numbers of bars.
        """
        check_count(n)
        check_seed(seed)
        seeds = range(seed, seed + n)
        asked = [self._asked(rules, each, fields, form, plan, duration) for each in seeds]
        _warn_of_chords(asked[0][0])
        choice = selection(
            self._critic, self._usual_best_of(n, asked[0][0]) if best_of is None else best_of
        )
        candidates = [
            self._begin(
                *each,
                [number] if choice is None else choice.seeds_for([number]),
                asks_form=form is not None,
            )
            for each, number in zip(asked, seeds, strict=True)
        ]
        settings: dict[str, Any] = {
            "sampling": Sampling(temperature, top_p),
            "collections": self._collections,
            "watch": watch or (lambda tick, length: None),
        }
        if choice is None:
            writers = [*chain.from_iterable(candidates)]
            written = writing.write(self._engine, writers, hear=hear, **settings)
            return _titled(map(writing.finished_piece, written), seed)
        # Candidates are compared bar by bar, so only pieces of one length are written together.
        by_length = groupby(candidates, key=lambda writers: writers[0].job.rules.bars)
        groups = [[*chain.from_iterable(same)] for _, same in by_length]
        if len(groups) > 1:
            hear = None
        best = (compose_best(self._engine, each, choice, hear=hear, **settings) for each in groups)
        return _titled(chain.from_iterable(best), seed)

    def compose_each(
        self,
        rules: Sequence[Rules],
        *,
        seed: int = 0,
        temperature: float = Sampling.temperature,
        top_p: float = Sampling.top_p,
    ) -> list[Piece]:
        """Write a piece by each of several rules, side by side, which is faster than in turn.

        Each is the piece that `compose` writes with its rules, ``form="none"`` and
        ``best_of=1``; the seeds are ``seed``, ``seed + 1``, ... Arguments and errors are those of
        `compose`.
        """
        writers: list[Writer] = []
        for number, each in enumerate(rules, seed):
            asked, _ = self._asked(each, number, {}, FREE, None, None)
            _warn_of_chords(asked)
            writers += self._begin(asked, None, [number])
        written = writing.write(
            self._engine,
            writers,
            sampling=Sampling(temperature, top_p),
            collections=self._collections,
        )
        return _titled(map(writing.finished_piece, written), seed)

    def plan(
        self,
        rules: Rules | None = None,
        *,
        seed: int = 0,
        form: str | None = None,
        plan: Plan | None = None,
        duration: str | float | None = None,
        **fields: Any,
    ) -> Plan:
        """The plan by which `compose` would write with these arguments, to look at and to edit.

        Raises:
            ConfigError: as of `compose`; or if no form, plan or duration is asked for.
        """
        asked, wanted = self._asked(rules, seed, fields, form, plan, duration)
        if wanted is None:
            raise ConfigError("A plan needs a form.", next_step="Give a form or a duration.")
        rng = np.random.default_rng(seed)
        _, found = writing.planned_job(
            for_two_hands(asked, wanted, self._instrumentations) or asked,
            seed,
            rng,
            instrumentations=self._instrumentations,
            usual=self._usual,
            plan_of=partial(complete_plan, wanted, asked=form is not None),
        )
        assert found is not None
        return found if asked.tempo_bpm is None else replace(found, tempo_bpm=asked.tempo_bpm)

    def stream(
        self,
        rules: Rules | None = None,
        *,
        seed: int = 0,
        temperature: float = Sampling.temperature,
        top_p: float = Sampling.top_p,
        form: str | None = None,
        **fields: Any,
    ) -> Iterator[StreamedNote]:
        """Notes for ever, in the order they start, at constant cost and memory.

        ``bars`` has no meaning here. Arguments and errors are those of `session`.
        """
        return self.session(
            rules, seed=seed, temperature=temperature, top_p=top_p, form=form, **fields
        )

    def session(
        self,
        rules: Rules | None = None,
        *,
        seed: int = 0,
        temperature: float = Sampling.temperature,
        top_p: float = Sampling.top_p,
        primer: Song | None = None,
        form: str | None = None,
        **fields: Any,
    ) -> Session:
        """Notes for ever, whose state can be kept, gone back in, branched and steered.

        ``bars`` and ``ending`` have no meaning here. Other arguments and errors are those of
        `compose`.

        Args:
            primer: a piece or a file to begin after: the first note comes with the bar line at its
                end, ticks and seconds count from its beginning. The metre is that of the primer;
                tempo and parts are where the rules leave them open.
            form: "none" for music that goes on from bar to bar; by default a refrain of eight bars
                keeps coming back, with other sections between.
        """
        if form not in (None, FREE):
            raise ConfigError(
                f"Endless music has no form such as {form!r}.",
                next_step=f'Leave it out, or say "{FREE}".',
            )
        read = self._check_rules if primer is not None else self._swinging
        asked, fitted = read(rules, seed, fields), None
        if asked.swing is not None and primer is not None:
            raise ConfigError(
                "Endless music that begins after a piece cannot swing yet.",
                next_step="Leave out the swing or the primer.",
            )
        if primer is not None:
            fitted = fit(load_song(primer), known_instruments=self._known)
            for warning in fitted.warnings:
                _LOG.warning("%s", warning)
        music = Improvisation.start(
            self._engine,
            asked,
            seed=seed,
            sampling=Sampling(temperature, top_p),
            collections=self._collections,
            instrumentations=self._instrumentations,
            usual=self._usual,
            primer=None if fitted is None else fitted.piece,
            form=form is None,
        )
        warnings = () if fitted is None else fitted.warnings
        return Session(
            music,
            self._fingerprint,
            lambda rules, fields: self._check_rules(rules, seed, fields),
            warnings,
        )

    def _usual_best_of(self, n: int, asked: Rules) -> int | None:
        """How many candidates of so many pieces a critic chooses from in about two seconds.

        None where more would cost too much, where a tuned model chooses for itself, and where a
        model plays other music than the critic knows.
        """
        played = {each.collection for each in self._instrumentations}
        if self._critic is not None or not {*CRITIC_SETS} <= played:
            return None
        parts = _USUAL_PARTS if asked.parts is None else len(asked.parts)
        return _CANDIDATES if n * asked.bars * parts <= _MOST_PART_BARS else None

    def _begin(
        self, asked: Rules, wanted: Plan | None, seeds: Sequence[int], *, asks_form: bool = False
    ) -> list[Writer]:
        """Writers of a piece for each seed, by what `_asked` found."""
        hands = for_two_hands(asked, wanted, self._instrumentations)
        return writing.begin(
            self._engine,
            hands or asked,
            seeds=seeds,
            instrumentations=self._instrumentations,
            usual=self._usual,
            plan_of=None if wanted is None else partial(complete_plan, wanted, asked=asks_form),
            two_hands=hands is not None,
        )

    def _asked(
        self,
        rules: Rules | None,
        seed: int,
        fields: Mapping[str, Any],
        form: str | None,
        plan: Plan | None,
        duration: str | float | None,
    ) -> tuple[Rules, Plan | None]:
        """The rules, and the plan that is asked for; checked."""
        asked = self._swinging(rules, seed, fields, plan)
        bars, near, rng = fields.get("bars"), None, np.random.default_rng((seed, 3))
        if all(each is None for each in (rules, bars, form, plan, duration)):
            drawn = self._with_collection(asked, seed)
            usual = draw_form(drawn.collection, self._usual, rng)
            if usual is not None:
                asked, wanted = asked_plan(drawn, rng, form=usual)
                return asked, returning_as_it_was(wanted) if wanted else None
        if duration is not None and plan is None:
            # How many bars a duration has depends on metre and tempo: they cannot be drawn later.
            if asked.metre is None:
                metre = usual_metre(asked.collection, self._instrumentations)
                asked = replace(asked, metre=metre or asked.counts)
            near = usual_tempo(
                asked, self._instrumentations, self._usual, np.random.default_rng(seed)
            )
        return asked_plan(
            asked, rng, form=form, plan=plan, duration=duration, bars=bars, usual_bpm=near
        )

    def _with_collection(self, asked: Rules, seed: int) -> Rules:
        """The rules with the collection of somebody's own music that a piece will be like, if that
        is not asked for; with none of the bundled music, of which no form is usual."""
        if asked.collection is not None or not self._usual.forms:
            return asked
        filled = fill_in_instrumentation(asked, self._instrumentations, np.random.default_rng(seed))
        return replace(asked, collection=filled.collection)

    def _swinging(
        self, rules: Rules | None, seed: int, fields: Mapping[str, Any], plan: Plan | None = None
    ) -> Rules:
        """The rules, checked, with the metre of a plan, and the swing of styles that swing."""
        named = fields.get("collection", None if rules is None else rules.collection)
        asked = self._check_rules(rules, seed, fields)
        if plan is not None and asked.metre is None:
            asked = replace(asked, metre=(plan.metres[0].numerator, plan.metres[0].denominator))
        if asked.swing is None and named in _SWINGING and asked.counts[1] <= 4:
            asked = replace(asked, swing=_USUAL_SWING)
        if asked.swing is not None:
            asked = replace(asked, metre=asked.counts)  # a metre that is drawn may not swing
        return asked

    def _check_rules(self, rules: Rules | None, seed: int, fields: Mapping[str, Any]) -> Rules:
        known = [field.name for field in dataclass_fields(Rules)]
        asked = replace(rules or Rules(), **canonical(fields, known, of="Composing"))
        if asked.collection in self._styles:
            asked = replace(asked, collection=self._styles[asked.collection])
        check_seed(seed)
        if asked.collection is not None and asked.collection not in self._collections:
            known = [*self._styles, *self._collections]
            near = get_close_matches(asked.collection, known, n=1)
            hint = f"Did you mean {near[0]!r}? " if near else ""
            raise ConfigError(
                f"The model does not know music like {asked.collection!r}.",
                next_step=f"{hint}Known: {', '.join(known) or 'none'}.",
            )
        return asked


def _warn_of_chords(asked: Rules) -> None:
    """Log which chords of the rules have no bar."""
    for sentence in asked.tell_chords_left(asked.bars):
        _LOG.warning("%s", sentence)


def _titled(pieces: Iterable[Piece], seed: int) -> list[Piece]:
    """Pieces with the numbers of their seeds, which go on from the first one's, as titles."""
    return [replace(piece, title=f"Piece {number}") for number, piece in enumerate(pieces, seed)]
