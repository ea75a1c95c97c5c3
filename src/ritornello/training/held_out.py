"""The music that a run holds back: how well models predict it, beside baselines."""

from __future__ import annotations

import math
import shlex
import time
from collections.abc import Callable
from pathlib import Path

from ritornello.corpus.store import Corpus
from ritornello.note_model import checkpoint, likelihood
from ritornello.note_model.checkpoint import Checkpoint
from ritornello.note_model.likelihood import Likelihood
from ritornello.training.journal import Journal

_MOST_NOTES = 100_000  # are judged in about a minute
_NOTES_A_SECOND = 1_500


class HeldOutMusic:
    """The validation pieces of a corpus.

    Args:
        base: the model that a run begins with; it is judged at once.

    Attributes:
        seconds: that it may take to judge a model.
    """

    def __init__(self, corpus: Corpus, base: Checkpoint | None) -> None:
        self._corpus = corpus
        self._indices = corpus.indices("valid").tolist()
        self._notes = int(corpus.note_counts[self._indices].sum())
        self.seconds = self._notes / _NOTES_A_SECOND if self._few else 0.0
        self._before: float | None = None
        if base is not None and self._indices and self._few:
            began = time.monotonic()
            self._before = self._judged(base)["nats_per_note"]
            self.seconds = time.monotonic() - began

    @property
    def _few(self) -> bool:
        return self._notes <= _MOST_NOTES

    def _judged(self, model: Checkpoint) -> Likelihood:
        names, piece = self._corpus.collection_of, self._corpus.piece
        return likelihood.evaluate(model, ((names(each), piece(each)) for each in self._indices))

    def tell(
        self, model: Path, out: Path, folder: Path, say: Callable[[str], None]
    ) -> Likelihood | None:
        """Say how well a model predicts the music, and write it into the journal of its run.

        The figure is that of ``ritornello evaluate OUT FOLDER --split valid``; that is said too.

        Args:
            folder: of the music.

        Returns:
            What was found; None where there is nothing to judge by, or too much.
        """
        again = f"ritornello evaluate {shlex.join([str(out), str(folder)])} --split valid"
        if not self._indices:
            return None
        if not self._few:
            say(f"How well it predicts the music that was held back: {again}")
            return None
        found = self._judged(checkpoint.load(model))
        steps = int(checkpoint.describe(model)["provenance"]["training"]["steps"])
        before = {} if self._before is None else {"before": self._before}
        Journal(out).evaluation(steps, {**found, **before})
        pieces = "1 piece" if found["pieces"] == 1 else f"{found['pieces']} pieces"
        rows = [
            f"Held-out music ({pieces}, {found['notes']:,} notes) costs "
            f"{found['nats_per_note']:.3f} nats a note; the less, the better it is predicted.",
            f"Counting single notes costs {found['unigram_nats_per_note']:.3f}, pairs of notes "
            f"{found['bigram_nats_per_note']:.3f}"
            + (f"; {before['before']:.3f} before this training." if before else "."),
            _in_words(found, before.get("before")),
            f"The same figure: {again}",
        ]
        if not steps:
            rows.append(
                "Nothing was gained by learning, so the model is as it was before, with the "
                "defaults of your music. Give more pieces, or more --minutes."
            )
        elif self._before is not None and found["nats_per_note"] > self._before:
            rows.append(
                "That is no better than before: the model knew such music already. It has gained "
                "where it is told what a piece is like, as for composing. More pieces teach more."
            )
        for row in rows:
            say(row)
        return found


def _in_words(found: Likelihood, before: float | None) -> str:
    """What nats mean, for who has never met them: a fair choice among n costs log(n) of them."""
    now, pairs = _choices(found["nats_per_note"]), _choices(found["bigram_nats_per_note"])
    then = "" if before is None else f", {_choices(before)} before this training"
    return (
        f"So the next note is as open to it as a fair choice among {now} notes{then}; to who "
        f"counts pairs, among {pairs}."
    )


def _choices(nats: float) -> str:
    choices = math.exp(min(nats, 50))
    return f"{choices:.1f}" if choices < 100 else f"{choices:,.0f}"
