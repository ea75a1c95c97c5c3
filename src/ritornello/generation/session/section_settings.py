"""What holds in a section of endless music: what is asked, with a form that begins or goes on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ritornello.generation.session.moment import Remembered, Settings
from ritornello.generation.session.session_form import SessionForm, begin, following
from ritornello.music.keys import KeyName
from ritornello.music.piece import Metre


def with_refrain(
    settings: Settings,
    metres: tuple[Metre, ...],
    seed: int,
    key: KeyName | None = None,
    *,
    number: int = 0,
    own_drumming: Mapping[str, int],
) -> Settings:
    """Settings with a form that begins with them.

    Args:
        settings: that hold from their ``start_ticks`` on. metres: of the music.
        seed: of the form. number: of its first section.
        key: that chords are drawn in where the settings have none.
        own_drumming: as of `SessionForm`.
    """
    form = begin(
        seed,
        settings.start_ticks,
        metres[-1],
        _key(settings) or key,
        number=number,
        rules=settings.rules,
        own_drumming=own_drumming,
    )
    return _with_form(settings, form)


def next_section(
    settings: Settings, form: SessionForm, heard: Remembered, metres: tuple[Metre, ...]
) -> Settings:
    """Settings of the section after one that is over, of which ``heard`` are the events."""
    after = following(
        form.with_refrain(heard),
        metres[-1],
        settings.parts,
        _key(settings),
        settings.rules,
    )
    return _with_form(settings, after)


def holding_own_beat(settings: Settings, form: SessionForm, heard: Remembered) -> Settings:
    """Settings of the rest of a section whose drummer holds what it played in ``heard``."""
    start = form.own_beat_ticks(settings.rules.collection, settings.parts)
    assert start is not None
    return replace(settings, form=form.holding_own_beat(heard), start_ticks=start)


def _with_form(settings: Settings, form: SessionForm) -> Settings:
    """Settings that hold in a section; its chords are left out where others are asked for."""
    if settings.rules.chart is not None:
        form = replace(form, chords=())
    return replace(settings, form=form, start_ticks=form.start_ticks)


def _key(settings: Settings) -> KeyName | None:
    """The key that chords are drawn in."""
    return settings.rules.key if isinstance(settings.rules.key, KeyName) else settings.key
