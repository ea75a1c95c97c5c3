"""Training the plan network: minutes on one core, from plans read once."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ritornello.json_values import JsonObject
from ritornello.note_model.weights_file import WeightsFile
from ritornello.plan.plan import Plan
from ritornello.plan_model import plan_baselines
from ritornello.plan_model.network_inputs import PlanInputs, inputs, mode_of_key
from ritornello.plan_model.plan_network import PlanNet, PlanNetConfig, stacked
from ritornello.plan_model.plan_rows import FIELDS, PlanRows, rows_of
from ritornello.rng import Rng

KIND = "plans"
_OPEN = 0.15  # how often the number of bars, or the collection, is not told
_SCORED_TOGETHER = 32


@dataclass(frozen=True)
class Taught:
    """A plan to learn from or to score: its collection, its rows, and what the network sees."""

    collection: str
    rows: PlanRows
    inputs: PlanInputs

    @classmethod
    def of(cls, collection: str, plan: Plan) -> Taught:
        rows = rows_of(plan)
        return cls(collection, rows, inputs(rows, mode_of_key(plan.key)))


@dataclass(frozen=True)
class PlanTraining:
    """How to train.

    Attributes:
        cpu_seconds: of training; what is validated beside it does not count.
        batch: plans a step. longest: bars of a plan in a batch, an excerpt where it has more.
        learning_rate: the highest, after a twentieth of the time; then it falls as a cosine.
        shares: how often each collection is drawn; by its bars where None.
        seed: of everything random.
    """

    cpu_seconds: float = 180.0
    batch: int = 16
    longest: int = 128
    learning_rate: float = 4e-3
    weight_decay: float = 0.02
    shares: dict[str, float] | None = None
    seed: int = 0


def train(
    taught: Sequence[Taught],
    config: PlanTraining,
    network: PlanNetConfig | None = None,
    *,
    watch: Callable[[float, int, float], None] = lambda seconds, steps, nats: None,
) -> PlanNet:
    """A network that has learned from plans.

    Args:
        network: its settings; the number of collections is that of the plans.
        watch: called now and then with CPU seconds, steps, and nats a bar of late.
    """
    torch.manual_seed(config.seed)
    rng = np.random.default_rng(config.seed)
    names = collections_of(taught)
    settings = {**(network or PlanNetConfig()).__dict__, "collections": len(names)}
    model = PlanNet(PlanNetConfig(**settings))
    matrices = [p for p in model.parameters() if p.ndim > 1]
    others = [p for p in model.parameters() if p.ndim <= 1]
    optimiser = torch.optim.AdamW(
        [
            {"params": matrices, "weight_decay": config.weight_decay},
            {"params": others, "weight_decay": 0},
        ],
        betas=(0.9, 0.98),
    )
    chances = _chances(taught, config.shares)
    used, steps, late = 0.0, 0, math.nan
    model.train()
    while used < config.cpu_seconds:
        began = time.process_time()
        done = used / config.cpu_seconds
        rate = config.learning_rate * min(1.0, max(done / 0.05, 0.01))
        rate *= 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * done))
        for group in optimiser.param_groups:
            group["lr"] = rate
        drawn = [taught[i] for i in rng.choice(len(taught), config.batch, p=chances)]
        plans = [_excerpt(one.inputs, config.longest, rng) for one in drawn]
        hidden = (rng.random((2, config.batch)) < _OPEN).tolist()
        owners = [
            len(names) if unknown else names.index(one.collection)
            for one, unknown in zip(drawn, hidden[0], strict=True)
        ]
        batch = stacked(plans, owners, hidden[1])
        fields, players, _ = model(batch, model.initial_state(config.batch))
        loss = (fields.sum() + players.sum()) / sum(map(len, plans))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        steps += 1
        now = float(loss.detach())
        late = now if math.isnan(late) else 0.98 * late + 0.02 * now
        used += time.process_time() - began
        if steps % 50 == 0:
            watch(used, steps, late)
    return model.eval()


def collections_of(taught: Sequence[Taught]) -> list[str]:
    """Names of the collections of some plans, ascending."""
    return sorted({one.collection for one in taught})


def _chances(taught: Sequence[Taught], shares: dict[str, float] | None) -> np.ndarray:
    weights = np.array([min(len(one.inputs), 256) for one in taught], float)
    if shares is not None:
        owners = np.array([one.collection for one in taught])
        for name in np.unique(owners):
            weights[owners == name] *= shares.get(name, 0.0) / weights[owners == name].sum()
    return np.asarray(weights / weights.sum())


def _excerpt(plan: PlanInputs, longest: int, rng: Rng) -> PlanInputs:
    """At most so many bars; beginnings and endings, which are rare and matter, more often."""
    spare = len(plan) - longest
    if spare <= 0:
        return plan
    start = int(rng.choice(np.array([0, spare, rng.integers(spare + 1)]), p=[0.4, 0.2, 0.4]))
    end = start + longest
    inside = (plan.player_bars >= start) & (plan.player_bars < end)
    return PlanInputs(
        plan.fields[start:end],
        plan.trunk[start:end],
        plan.played[start:end],
        plan.candidates[start:end],
        {name: table[start:end] for name, table in plan.heads.items()},
        plan.legal_begins[start:end],
        plan.legal_labels[start:end],
        plan.players[inside],
        plan.plays[inside],
        plan.player_bars[inside] - start,
        plan.static,
        plan.in_piece,
    )


@torch.no_grad()
def score(
    model: PlanNet,
    taught: Sequence[Taught],
    names: Sequence[str],
    counts: plan_baselines.Counts,
) -> JsonObject:
    """Nats a bar of held-out plans, with the number of bars and the collection told.

    Args:
        names: the collections that the network tells apart. counts: of what it learned from.

    Returns:
        ``nats_per_bar``, ``fields`` (of each, the players as ``plays``), ``unigram`` and ``bigram``
        (nats a bar), ``bars``, and the same of each of ``collections``.
    """
    model.eval()
    sums: dict[str, np.ndarray] = {}
    order = sorted(taught, key=lambda one: len(one.inputs))
    for start in range(0, len(order), _SCORED_TOGETHER):
        part = order[start : start + _SCORED_TOGETHER]
        owners = [names.index(o.collection) if o.collection in names else len(names) for o in part]
        batch = stacked([one.inputs for one in part], owners, [False] * len(part))
        fields, players, _ = model(batch, model.initial_state(len(part)))
        whose = (batch.place % len(part)).numpy()
        of_players = np.bincount(whose, players.double().numpy(), minlength=len(part))
        for row, one in enumerate(part):
            unigram, bigram = plan_baselines.nats(counts, one.rows)
            nats = np.append(fields[:, row].double().sum(0).numpy(), of_players[row])
            found = np.concatenate([nats, [unigram.sum(), bigram.sum(), len(one.rows)]])
            sums[one.collection] = sums.get(one.collection, 0.0) + found
    figures = {name: _figures(total) for name, total in sorted(sums.items())}
    return {**_figures(sum(sums.values(), np.zeros(len(FIELDS) + 4))), "collections": figures}


def _figures(total: np.ndarray) -> JsonObject:
    per_bar = total[:-1] / total[-1]
    names = (*FIELDS, "plays")
    return {
        "nats_per_bar": round(float(per_bar[: len(names)].sum()), 3),
        "fields": {n: round(float(v), 3) for n, v in zip(names, per_bar, strict=False)},
        "unigram": round(float(per_bar[-2]), 3),
        "bigram": round(float(per_bar[-1]), 3),
        "bars": int(total[-1]),
    }


def saved(model: PlanNet, collections: Sequence[str], provenance: JsonObject) -> WeightsFile:
    """The network as a file to save."""
    weights = {name: tensor.detach().numpy() for name, tensor in model.state_dict().items()}
    settings = {**model.settings(), "collections": list(collections)}
    return WeightsFile(KIND, weights, settings, provenance)
