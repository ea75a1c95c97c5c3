"""What is usual in the training music: keys, tempos, forms; drawn where rules leave them open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ritornello.generation.instrumentation import Instrumentations, fill_in_instrumentation
from ritornello.generation.rules import Rules
from ritornello.json_values import JsonObject
from ritornello.music.chords import key_of_chart
from ritornello.music.keys import KeyName, estimate_key, parse_key
from ritornello.plan.drum_grooves import GROOVE_BARS
from ritornello.plan.feel import FEELS, SWUNG
from ritornello.plan.plan import OPEN
from ritornello.plan.style_usages import usages_of
from ritornello.rng import Rng


@dataclass(frozen=True)
class UsualMusic:
    """Facts of the training music, by collection.

    Attributes:
        minor_shares: share of the pieces in minor.
        keys: pieces in each key, by its name, such as "D minor"; where a collection has none, any
            tonic is as likely as another.
        forms: pieces in each form, such as "A 8, B 8"; of collections that have usual ones.
        tempos: pieces at each tempo, by metre, such as "6/8", and by quarter notes a minute as
            text; of collections whose pieces keep their tempo.
        held_beats: pieces by how many bars of a beat their drummers hold, as text.
        feels: pieces by the grid of most of their bars, see `ritornello.plan.feel`.
    """

    minor_shares: Mapping[str, float] = field(default_factory=dict)
    keys: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    tempos: Mapping[str, Mapping[str, Mapping[str, float]]] = field(default_factory=dict)
    forms: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    held_beats: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    feels: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    @classmethod
    def of_model(cls, provenance: JsonObject) -> UsualMusic:
        """As the metadata of a model has it."""
        # Older models have one form in place of weights of several.
        forms = {
            name: {each: 1.0} if isinstance(each, str) else each
            for name, each in provenance.get("forms", {}).items()
        }
        names = ("minor_shares", "keys", "tempos", "held_beats", "feels")
        return cls(forms=forms, **{name: provenance.get(name, {}) for name in names})


def draw_key(rules: Rules, usual: UsualMusic, rng: Rng) -> KeyName | None:
    """A key as a control where the rules ask for none; that of their chords where they have some.

    Args:
        usual: to draw from; where the collection of the rules is not among them, the mean of the
            shares in minor counts. Without any no key is drawn.
    """
    if rules.key is not None:
        return None
    if rules.chart is not None and (key := key_of_chart(rules.chart)) is not None:
        return key
    if rules.scale is not None:
        return estimate_key(np.isin(np.arange(12), rules.scale).astype(float))
    if counts := usual.keys.get(rules.collection or ""):
        return parse_key(_draw(counts, rng))
    if not usual.minor_shares:
        return None
    mean = sum(usual.minor_shares.values()) / len(usual.minor_shares)
    share = usual.minor_shares.get(rules.collection or "", mean)
    tonic, minor = int(rng.integers(12)), bool(rng.random() < share)
    return KeyName(tonic, "minor" if minor else "major")


def draw_tempo(rules: Rules, usual: UsualMusic, rng: Rng) -> float | None:
    """A tempo of the collection of the rules, quarter notes a minute; None where none is known.

    It is one of the pieces in their metre, if there are such.
    """
    if by_metre := usual.tempos.get(rules.collection or ""):
        own = by_metre.get("{}/{}".format(*rules.counts))
        return float(_draw(own or next(iter(by_metre.values())), rng))
    usages = usages_of(rules.collection)
    return None if usages is None else usages.draw_tempo(rng)


def draw_form(collection: str | None, usual: UsualMusic, rng: Rng) -> str | None:
    """A form of a collection as text; None where none is usual."""
    counts = usual.forms.get(collection or "")
    return None if counts is None else _draw(counts, rng)


def draw_held_bars(collection: str | None, usual: UsualMusic, seed: int) -> int:
    """How many bars of a beat a drummer of a collection holds; two where that is not known."""
    counts = usual.held_beats.get(collection or "")
    return int(_draw(counts, np.random.default_rng((seed, 4)))) if counts else GROOVE_BARS


def draw_feel(collection: str | None, usual: UsualMusic, seed: int) -> int:
    """The grid of a piece of a collection; `OPEN` where it is not known, or swings.

    What swings is written in eighths, and swings when it is played as far as somebody asks.
    """
    counts = usual.feels.get(collection or "")
    if not counts:
        return OPEN
    feel = FEELS.index(_draw(counts, np.random.default_rng((seed, 5))))
    return OPEN if feel == SWUNG else feel


def usual_tempo(
    rules: Rules, instrumentations: Instrumentations, usual: UsualMusic, rng: Rng
) -> float | None:
    """A tempo of the music that a piece by these rules will be like; None where it is not known.

    Args:
        rng: as it is before `fill_in_instrumentation`, which then draws the same music.
    """
    return draw_tempo(fill_in_instrumentation(rules, instrumentations, rng), usual, rng)


def _draw(counts: Mapping[str, float], rng: Rng) -> str:
    """One of the names, as often as it counts."""
    names: Sequence[str] = [*counts]
    weights = np.array([*counts.values()], float)
    return str(rng.choice(names, p=weights / weights.sum()))
