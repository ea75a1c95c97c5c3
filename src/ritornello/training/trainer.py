"""The loop that every network here learns by, to be read from top to bottom.

A `Trainer` asks an `Objective` for a batch, lowers its loss by a step of an optimiser, judges the
weights now and then, keeps the best of them, and writes its whole state to disk, so that a run
stopped at any moment goes on as if nothing had happened. Several processes take the same steps
together, each on its rows of the batch (`ritornello.training.ranks`).
"""

from __future__ import annotations

import copy
import math
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor, nn

from ritornello.errors import RitornelloError
from ritornello.json_values import JsonObject
from ritornello.training import run_state
from ritornello.training.optimisation import Course
from ritornello.training.products import operands, precision
from ritornello.training.ranks import Ranks, lost
from ritornello.training.run_length import NEVER, Every, Length, Spent
from ritornello.training.run_state import TrainingState
from ritornello.training.weight_average import WeightAverage

B = TypeVar("B")
_RUNNING = 0.98  # how much of the running mean of the loss a step keeps
_MOST_SKIPPED = 10  # steps in a row whose loss or gradient is no number


@dataclass(frozen=True)
class Loss:
    """The loss of a batch as a sum, and the count it is a sum over.

    Attributes:
        total: to be lowered, a sum with its gradient. count: of what it is a sum of, such as notes;
            steps go by their quotient, over the batches of all ranks.
        parts: sums to be told beside it, over the same count.
    """

    total: Tensor
    count: float = 1.0
    parts: Mapping[str, Tensor] = field(default_factory=dict)


@dataclass(frozen=True)
class Standing:
    """Where a run is when its weights are judged.

    Attributes:
        spent: so far. mean_loss: of training since the validation before.
    """

    spent: Spent
    mean_loss: float


@dataclass(frozen=True)
class Judgement:
    """What a validation said.

    Attributes:
        score: the less the better. is_best: whether no earlier one was as good.
        standing: of the run then.
    """

    score: float
    is_best: bool
    standing: Standing


class Objective(Generic[B]):
    """What is learned: a network, batches, their loss, and what weights are judged by.

    A subclass says what `batch` and `loss` are, and as much of the rest as it has.
    """

    network: nn.Module

    def batch(self, step: int) -> B:
        """The batch of a step, counted from 0; this rank's rows of it."""
        raise NotImplementedError

    def loss(self, batch: B) -> Loss:
        """What the network makes of a batch, in training."""
        raise NotImplementedError

    def validate(self, network: nn.Module, standing: Standing) -> float:
        """How good weights are, the less the better; nan where nothing can be said.

        It is called on all ranks, without gradients, with the network set to play, and gives the
        same on all.
        """
        return math.nan

    def state(self) -> TrainingState:
        """What must survive a stop beside the weights: tensors and plain values. It is called on
        all ranks and speaks for all of them."""
        return {}

    def restore(self, state: TrainingState) -> None:
        """Take up what `state` gave, perhaps on another number of ranks."""


@dataclass(frozen=True)
class Step:
    """One step of the optimiser.

    Attributes:
        number: counted from 1. loss: a mean over ``count``. parts: likewise.
        rate: of learning. norm: of the gradient before it was clipped; nan where it is not.
        seconds: that it took. skipped: whether its numbers were none, so that weights stayed.
    """

    number: int
    loss: float
    count: float
    parts: dict[str, float]
    rate: float
    norm: float
    seconds: float
    skipped: bool


class Trainer(Generic[B]):
    """A run: an objective, an optimiser, and all that changes while the network learns.

    Args:
        objective: what is learned. optimiser: of its network's weights.
        rate: the course of the learning rate. length: of the run.
        clip: largest norm of the gradient; None leaves it alone.
        average: how much of a moving average of the weights a step keeps, see `WeightAverage`; the
            average is judged and kept in place of the weights. None keeps none.
        validation: when weights are judged; always also at the end.
        patience: validations without a gain after which a run ends early; 0 never.
        products: kind of matrix products, see `ritornello.training.products`.
        keep: file of the state; None keeps nothing. save_seconds: between savings, beside those
            after validations.
        identity: settings that must not change while a run goes on.
        ranks: the processes of the run. seed: of dropout, where there are several.
        gradients: called with the number of each step before its update.
        stepped: called after each update. validated: called after each validation. What these
            change is saved with the state.
        saved: called where files are written, after the state was.
    """

    def __init__(
        self,
        objective: Objective[B],
        optimiser: torch.optim.Optimizer,
        rate: Course,
        length: Length,
        *,
        clip: float | None = 1.0,
        average: float | None = None,
        validation: Every = NEVER,
        patience: int = 0,
        products: str = "float32",
        keep: Path | None = None,
        save_seconds: float = 60.0,
        identity: JsonObject | None = None,
        ranks: Ranks = Ranks(),  # noqa: B008, it is a constant
        seed: int = 0,
        gradients: Callable[[int], None] = lambda step: None,
        stepped: Callable[[Step], None] = lambda step: None,
        validated: Callable[[Judgement], None] = lambda judgement: None,
        saved: Callable[[], None] = lambda: None,
    ) -> None:
        self.objective, self.optimiser, self.rate, self.length = objective, optimiser, rate, length
        self.clip, self.validation, self.patience = clip, validation, patience
        self.products, self.keep, self.save_seconds = products, keep, save_seconds
        self.identity, self.ranks, self.seed = identity or {}, ranks, seed
        self.gradients, self.stepped = gradients, stepped
        self.validated, self.saved = validated, saved
        self.network = objective.network
        self.device = next(self.network.parameters()).device
        self.average = None if average is None else WeightAverage(self.network, average)
        self.spent = Spent()
        self.best: dict[str, Tensor] = {}
        self.best_score = math.inf
        self.validations, self.bad_validations = 0, 0
        self.running = math.nan  # moving mean of the loss
        self.total_since, self.count_since = 0.0, 0.0  # the last validation
        self._validated_at, self._skipped = -1, 0
        self._module: nn.Module = _Module(objective)
        if ranks.count > 1:
            self._module = nn.parallel.DistributedDataParallel(
                self._module, gradient_as_bucket_view=True
            )
            torch.manual_seed(hash((seed, ranks.rank)) % 2**63)

    # --- the run ----------------------------------------------------------------------------------

    def run(self, watch: Callable[[Step], None] = lambda step: None) -> None:
        """Learn until the length is reached.

        Args:
            watch: called after each step, and the validation and saving due with it.

        Raises:
            KeyboardInterrupt: passed on after the state is saved, on all ranks.
            RitornelloError: if losses are no numbers any more; the last state saved stays.
            OutputError: if the state cannot be written; the last one stays.
        """
        saved = time.monotonic()
        try:
            with _stop_asked() as asked:
                while not self.finished:
                    step = self.step()
                    if self.validation.passed(self.spent, self.done) > self.validations:
                        self.validate()
                        saved = -math.inf
                    # Whatever one rank wants all do: saving and ending are done together.
                    late = time.monotonic() - saved > self.save_seconds and self.ranks.writes
                    save, stop = self.ranks.sums([late, asked.is_set()])
                    if save:
                        began = self.length.clock()
                        self.save()
                        self._count(began)
                        saved = time.monotonic()
                    watch(step)
                    if stop:
                        raise KeyboardInterrupt
            if self._validated_at != self.spent.steps:
                self.validate()
        except KeyboardInterrupt:
            self.save()
            raise
        self.save()

    @property
    def done(self) -> float:
        """Share of the run, 0 to 1."""
        return self.length.done(self.spent)

    @property
    def finished(self) -> bool:
        """Whether the length is reached, or nothing was gained for too long."""
        return self.done >= 1 or bool(self.patience and self.bad_validations >= self.patience)

    @property
    def seconds_left(self) -> float:
        """Of the clock of the length, as it goes; infinite before the first step."""
        return self.spent.seconds * (1 - self.done) / self.done if self.done else math.inf

    @property
    def mean_loss(self) -> float:
        """Mean of the loss since the last validation."""
        return self.total_since / self.count_since if self.count_since else math.nan

    # --- one step ---------------------------------------------------------------------------------

    def step(self) -> Step:
        """Learn from one batch.

        Raises:
            RitornelloError: if its loss is no number, and so were those before it.
        """
        began = self.length.clock()
        batch = self.objective.batch(self.spent.steps)
        rate = self.rate(self.spent.steps, self.done)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self.network.train()
        with precision(self.products):
            with operands(self.products, self.device):
                loss: Loss = self._module(batch)
            told = (loss.total, *loss.parts.values())
            own = [loss.count, *(float(each.detach()) for each in told)]
            count, total, *parts = self.ranks.sums(own)
            # Ranks take the mean of their gradients; what is a sum over them has to be made of it.
            try:
                (loss.total * self.ranks.count / max(count, 1)).backward()
            except RuntimeError as error:
                raise lost(error) if self.ranks.count > 1 else error from error
        norm = self._clipped()
        skipped = not math.isfinite(total) or math.isinf(norm)
        self.gradients(self.spent.steps + 1)
        if not skipped:
            self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        self._refuse_no_numbers(skipped)
        steps = self.spent.steps + 1
        if self.average:
            self.average.follow(self.network, steps)
        mean = total / max(count, 1)
        if not skipped:
            self.total_since, self.count_since = self.total_since + total, self.count_since + count
            first = math.isnan(self.running)
            self.running = mean if first else _RUNNING * self.running + (1 - _RUNNING) * mean
        seconds = self._passed(began)
        self.spent = Spent(steps, self.spent.seconds + seconds, self.spent.count + count)
        means = {name: part / max(count, 1) for name, part in zip(loss.parts, parts, strict=True)}
        step = Step(steps, mean, count, means, rate, norm, seconds, skipped)
        self.stepped(step)
        return step

    def _clipped(self) -> float:
        """Clip the gradient; its norm before."""
        if self.clip is None:
            return math.nan
        found = [each.grad for each in self.network.parameters() if each.grad is not None]
        norm = torch.nn.utils.get_total_norm(found)
        value = float(norm)
        if value > self.clip:
            torch.nn.utils.clip_grads_with_norm_(self.network.parameters(), self.clip, norm)
        return value if math.isfinite(value) else math.inf

    def _refuse_no_numbers(self, skipped: bool) -> None:
        self._skipped = self._skipped + 1 if skipped else 0
        if self._skipped >= _MOST_SKIPPED:
            raise RitornelloError(
                f"The losses of {_MOST_SKIPPED} steps in a row, up to step "
                f"{self.spent.steps + 1:,}, are not finite: training has diverged.",
                next_step="Begin anew with a lower learning rate, such as half of it; what was "
                "saved before is still there.",
            )

    def _passed(self, began: float) -> float:
        """Seconds since then, by the clock of rank 0."""
        seconds = self.length.clock() - began
        return self.ranks.sums([seconds if self.ranks.writes else 0.0])[0]

    def _count(self, began: float) -> None:
        """Count the seconds since then, which went to something else than a step."""
        if self.length.with_validation:
            seconds = self._passed(began)
            self.spent = replace(self.spent, seconds=self.spent.seconds + seconds)

    # --- judging ----------------------------------------------------------------------------------

    @property
    def judged(self) -> nn.Module:
        """The network whose weights are judged and kept: the average, if there is one."""
        return self.average.network if self.average else self.network

    @property
    def kept(self) -> dict[str, Tensor]:
        """The best weights so far by name; those of now if none were judged yet."""
        return self.best or self.judged.state_dict()

    def validate(self) -> float:
        """Judge the weights, and keep them if they are the best so far; their score."""
        began = self.length.clock()
        network, standing = self.judged, Standing(self.spent, self.mean_loss)
        network.eval()
        with torch.no_grad():
            score = self.objective.validate(network, standing)
        # What nothing can be said of, nan, is as good as any.
        is_best = not score >= self.best_score
        if is_best:
            self.best_score = self.best_score if math.isnan(score) else score
            self.best = copy.deepcopy(network.state_dict())
        self.bad_validations = 0 if is_best else self.bad_validations + 1
        self.validations += 1
        self._validated_at = self.spent.steps
        self.total_since, self.count_since = 0.0, 0.0
        self.validated(Judgement(score, is_best, standing))
        self._count(began)
        return score

    def judge_beginning(self) -> None:
        """Judge the weights that a run begins with: they are kept where none become better."""
        self.validate()
        self.validations = 0  # those that are due count from the first step

    # --- stopping and going on --------------------------------------------------------------------

    _COUNTS = (
        "best_score", "validations", "bad_validations", "running", "total_since", "count_since",
        "_validated_at",
    )  # fmt: skip

    def save(self) -> None:
        """Write all that the run needs to go on; on all ranks together, rank 0 writes."""
        if self.keep is None:
            return
        objective = self.objective.state()
        if not self.ranks.writes:
            return
        run_state.save(
            self.keep,
            self.identity,
            {
                "network": self.network.state_dict(),
                "optimiser": self.optimiser.state_dict(),
                "average": self.average.network.state_dict() if self.average else {},
                "best": self.best,
                "objective": objective,
                "spent": asdict(self.spent),
                "random": torch.get_rng_state(),
                **{name: getattr(self, name) for name in self._COUNTS},
            },
        )
        self.saved()

    def resume(self) -> bool:
        """Take up the run that the file of the state holds; whether there is one.

        Raises:
            CheckpointError: if it is damaged.
            ConfigError: if it was begun with other settings.
        """
        if self.keep is None or not self.keep.is_file():
            return False
        saved = run_state.load(self.keep, self.identity)
        self.network.load_state_dict(saved["network"])
        self.optimiser.load_state_dict(saved["optimiser"])
        if self.average:
            self.average.network.load_state_dict(saved["average"])
        self.best, self.spent = saved["best"], Spent(**saved["spent"])
        for name in self._COUNTS:
            setattr(self, name, saved[name])
        self.objective.restore(saved["objective"])
        if self.ranks.count == 1:
            torch.set_rng_state(saved["random"])
        else:
            torch.manual_seed(hash((self.seed, self.ranks.rank, self.spent.steps)) % 2**63)
        return True


class _Module(nn.Module):
    """An objective as a module, which is what processes share gradients through."""

    def __init__(self, objective: Objective[Any]) -> None:
        super().__init__()
        self.network = objective.network
        self._objective = objective

    def forward(self, batch: Any) -> Loss:
        return self._objective.loss(batch)


@contextmanager
def _stop_asked() -> Iterator[threading.Event]:
    """Set when a person or the system asks the process to stop, so that it ends between two steps.

    Asked twice, it ends at once.
    """
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked  # only the main thread hears of signals
        return

    def note(number: int, frame: Any) -> None:
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()

    before = {each: signal.signal(each, note) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
