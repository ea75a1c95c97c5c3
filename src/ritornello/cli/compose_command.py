"""`ritornello compose`: rules and a form in, pieces out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cyclopts import Parameter

from ritornello.cli.options import (
    ANY_STYLE,
    AS_USUAL,
    NO_LIMITS,
    AnyWhole,
    Flag,
    Making,
    Metre,
    Names,
    PartLimits,
    Style,
    split_names,
)
from ritornello.cli.pieces import Watch, Written, write_pieces
from ritornello.errors import ConfigError
from ritornello.json_values import JsonObject

if TYPE_CHECKING:
    from ritornello.api import Composer
    from ritornello.plan.plan import Plan


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class FormOptions:
    """What a piece does bar by bar.

    Attributes
    ----------
    form
        Sections, as in "intro 4, A 8, B 8, A 8, end 4"; from 4 bars on a usual form; or none.
    form_of
        Take the form of this song: its sections, what returns, who plays when.
    plan
        Compose by this plan, a .toml that --plan-only or `ritornello plan` wrote.
    plan_only
        Write the plan of the piece as .toml, to look at and to edit, and compose nothing.
    duration
        How long the piece lasts, such as 2:00 or 90s. Without a form it gets a usual one.
    """

    form: str | None = None
    form_of: Path | None = None
    plan: Path | None = None
    plan_only: Flag = False
    duration: str | None = None

    def arguments(self, parts: tuple[str, ...] | None) -> JsonObject:
        """As arguments of a `Composer`.

        Args:
            parts: that are asked for; those of the song count no more then.

        Raises:
            ConfigError: if more than one form is given, or one cannot be read.
        """
        from ritornello import api
        from ritornello.generation.plan_drafts import form_of, without_players

        given = [name for name in ("form", "form_of", "plan") if getattr(self, name) is not None]
        if len(given) > 1:
            names = " and ".join(f"--{name.replace('_', '-')}" for name in given)
            raise ConfigError(f"{names} were given together.", next_step="Give one of them.")
        found: Plan | None = None
        if self.plan is not None:
            found = api.load_plan(self.plan)
        elif self.form_of is not None:
            found = form_of(api.plan_of(api.load(self.form_of), where=str(self.form_of)))
            found = found if parts is None else without_players(found)
        return {"form": self.form, "plan": found, "duration": self.duration}


_ANY_FORM = FormOptions()


def compose(
    *,
    bars: AnyWhole = None,
    tempo: float | None = None,
    metre: Metre | None = None,
    parts: Names = (),
    end: bool = True,
    best_of: AnyWhole = None,
    form: FormOptions = _ANY_FORM,
    style: Style = ANY_STYLE,
    limits: PartLimits = NO_LIMITS,
    making: Making = AS_USUAL,
) -> None:
    """Compose new pieces.

    What you ask for is kept exactly; what you leave open the model decides.

    Parameters
    ----------
    bars
        Exact length of the piece; 16 where nothing else says it.
    tempo
        Quarter notes a minute.
    metre
        Such as 4/4, 3/4 or 6/8. Left out, one that is usual in the music of the model.
    parts
        Who plays, such as piano,bass,drums. All of them do, and nobody else.
    end
        Whether the last bar is an ending: the chord of the tonic is struck and held.
    best_of
        Write so many candidates at once and keep what a critic takes for real music, by section.
        Left out, 8 where that takes about two seconds (48 bars of a band of five), else 1.
    """
    from ritornello.generation.rules import Rules

    named = tuple(split_names(parts)) or None
    length: dict[str, Any] = {} if bars is None else {"bars": bars}
    rules: dict[str, Any] = {
        "metre": metre,
        "tempo_bpm": tempo,
        "parts": named,
        "ending": end,
        **length,
        **style.fields(),
        **limits.fields(),
    }
    Rules(**rules)  # what makes no sense is refused before a model is opened
    asked = {**rules, **form.arguments(named)}
    if form.plan_only:
        _write_plans(making, asked)
        return

    def write(composer: Composer, seed: int, number: int, watch: Watch) -> list[Written]:
        options: dict[str, Any] = {**asked, **making.boldness(), "best_of": best_of}
        pieces = composer.compose_many(number, seed=seed, watch=watch, **options)
        return [Written(piece) for piece in pieces]

    write_pieces(making, "Piece", "piece", write)


def _write_plans(making: Making, asked: dict[str, Any]) -> None:
    """Write the plans of the pieces that would be composed."""
    from ritornello import api
    from ritornello.cli.show import out

    seed = making.seed_or_any()
    targets = making.targets("plan", range(seed, seed + making.number), only="toml")
    paths = [path for (path,) in targets]
    for path in paths:
        api.refuse_plan_target(path, overwrite=making.overwrite)
    composer = api.Composer.load(making.model)
    for each, path in enumerate(paths, seed):
        api.save_plan(composer.plan(seed=each, **asked), path, overwrite=making.overwrite)
        out.print(str(path), markup=False)
