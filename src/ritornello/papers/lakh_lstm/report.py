"""What the report on `lakh-lstm` shows: figures with baselines, tables, curves, histograms."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from ritornello.generation.originality.copying import Passages, copying
from ritornello.metrics.loops import longest_loop
from ritornello.music.piece import Piece
from ritornello.papers.lakh_lstm import encoding as chord_tokens
from ritornello.papers.lakh_lstm.data import Songs, pieces_of_side
from ritornello.papers.lakh_lstm.nets import INPUTS, Network
from ritornello.papers.lakh_lstm.ours import Ours
from ritornello.papers.shared.outcome import Chart, Figure, Histogram, Table
from ritornello.papers.shared.study import Study

if TYPE_CHECKING:
    from ritornello.papers.lakh_lstm.train import TokenRecord

_COPIED_QUARTERS = 6  # twelve tokens of half a quarter note
_CHART_POINTS = 200
_BINS = 30
_COMMONEST = 30


def loop_shares(songs: Songs, networks: dict[str, Network], ours: Ours) -> dict[str, float]:
    """Share of pieces that go round three times somewhere; all are cut to one length."""
    written = networks["ids"].likeliest
    length = len(written[0])
    real = [song.tokens[:length] for song in songs.test if len(song.tokens) >= length]
    groups: dict[str, Sequence[Sequence[str]]] = {
        "ids": written,
        "ids, drawn from the softmax": networks["ids"].drawn,
        "embedding": networks["embedding"].likeliest,
        "embedding, drawn from the softmax": networks["embedding"].drawn,
        "ours": [chord_tokens.encode(piece).tokens[:length] for piece in ours.token_pieces],
        "real songs": real or [song.tokens for song in songs.test],
    }
    return {
        name: float(np.mean([_mostly_loop(tokens) for tokens in group]))
        for name, group in groups.items()
    }


def _mostly_loop(tokens: Sequence[str]) -> bool:
    """Whether the longest loop fills half of the tokens or more."""
    loop = longest_loop(tokens)
    return loop is not None and 2 * loop.length >= len(tokens)


def likelihood_figures(
    study: Study,
    songs: Songs,
    networks: dict[str, Network],
    ours: Ours,
    baselines: dict[str, float],
) -> list[Figure]:
    """Nats and accuracy of the next token, beside baselines and our model."""
    window = study.settings["window"]
    scored = sum(max(0, len(ids) - window) for ids in songs.ids("test"))
    on = f"{scored:,} known tokens after the first {window} of {len(songs.test)} test songs"
    published, embedded = networks["ids"], networks["embedding"]
    return [
        Figure(
            "surprise at the next token",
            published.nats,
            "nats per token",
            "lower",
            ours=ours.token_nats,
            baselines={
                "every token alike": baselines["uniform_nats"],
                "unigram": baselines["unigram_nats"],
                "bigram": baselines["bigram_nats"],
                "same network with embeddings": embedded.nats,
            },
            protocol=f"exact, {on}; ours: all its nats on the same tokens as played, the end of "
            f"the piece included, taught for the same {published.record.seconds:.0f} seconds; it "
            "has read the whole piece so far, not a window",
        ),
        Figure(
            "tokens foreseen",
            100 * published.accuracy,
            "%",
            "higher",
            baselines={
                "always the commonest": 100 * baselines["most_frequent_accuracy"],
                "the last one again": 100 * baselines["copy_accuracy"],
                "what followed most often": 100 * baselines["bigram_accuracy"],
                "same network with embeddings": 100 * embedded.accuracy,
            },
            protocol=f"the likeliest token is the next one; {on}",
        ),
        Figure(
            "surprise at a real song, rhythm and all",
            None,
            "nats per note",
            "lower",
            ours=ours.real["nats_per_note"],
            baselines={
                "unigram": ours.real["unigram_nats_per_note"],
                "bigram": ours.real["bigram_nats_per_note"],
            },
            protocol=f"exact, all {ours.real['notes']:,} notes of the test songs as they are, all "
            "fields; the published tokens cannot say this at all, so nothing is set beside it",
        ),
    ]


def generation_figures(
    songs: Songs, networks: dict[str, Network], ours: Ours, loops: dict[str, float]
) -> list[Figure]:
    """What generated token sequences are like: loops, variety, and copies of the training songs."""
    published, drawn = networks["ids"].likeliest, networks["ids"].drawn
    count, length = len(published), len(published[0])
    kept = f"{count} pieces of {length} tokens, each from a random window of the training songs"
    taught = Passages(piece for _, piece, _ in pieces_of_side(songs, "train"))
    test = [piece for _, piece, _ in pieces_of_side(songs, "test")]

    def copied_percent(pieces: list[Piece]) -> float | None:
        """Percent; None where so little moves that there is no passage to look for."""
        share = copying(pieces, taught, windows=(_COPIED_QUARTERS,)).shares[_COPIED_QUARTERS]
        return None if np.isnan(share) else 100 * share

    def different(rows: Sequence[Sequence[str]]) -> float:
        return float(np.mean([len(set(row[:length])) for row in rows]))

    by_heart = {
        "always the likeliest": copied_percent([chord_tokens.decode(row) for row in published]),
        "real test songs": copied_percent(test),
    }
    ours_tokens = [chord_tokens.encode(piece).tokens for piece in ours.token_pieces]
    return [
        Figure(
            "pieces caught in a loop",
            100 * loops["ids"],
            "%",
            "lower",
            ours=100 * loops["ours"],
            baselines={
                name: 100 * share for name, share in loops.items() if name not in ("ids", "ours")
            },
            protocol=f"half of a piece or more repeats with one period, three times or more; {kept}"
            "; always the likeliest token; ours drawn at its default boldness",
        ),
        Figure(
            "different tokens in a piece",
            different(published),
            "",
            ours=different(ours_tokens),
            baselines={
                "drawn from the softmax": different(drawn),
                "real songs": different([song.tokens for song in songs.test]),
            },
            protocol=f"mean over {kept}; of each the first {length} tokens",
        ),
        Figure(
            "learned by heart",
            copied_percent([chord_tokens.decode(row) for row in drawn]),
            "%",
            "lower",
            ours=copied_percent(ours.token_pieces),
            baselines={name: share for name, share in by_heart.items() if share is not None},
            protocol=f"windows of {2 * _COPIED_QUARTERS} tokens found in a training song, in any "
            "transposition; drawn from the softmax, because a note that is repeated for ever is "
            "found in any song; held-out songs show how much is common property",
        ),
    ]


def inputs_table(
    networks: dict[str, Network], baselines: dict[str, float], loops: dict[str, float]
) -> Table:
    """A row for each way of feeding the tokens to the network, and for the baselines."""
    columns = [
        "input", "test nats per token", "test accuracy %", "in a loop %", "parameters",
        "best epoch", "training seconds",
    ]  # fmt: skip
    rows: list[list[object]] = [
        [
            INPUTS[inputs],
            network.nats,
            100 * network.accuracy,
            100 * loops[inputs],
            network.parameters,
            network.record.best_epoch,
            round(network.record.seconds, 1),
        ]
        for inputs, network in networks.items()
    ]
    blank = [None] * 4
    rows += [
        ["bigram", baselines["bigram_nats"], 100 * baselines["bigram_accuracy"], *blank],
        ["unigram", baselines["unigram_nats"], 100 * baselines["most_frequent_accuracy"], *blank],
    ]
    return Table(
        "What it costs to feed ids as real numbers",
        columns,
        rows,
        "One network, one training, one seed; only the input differs.",
    )


def charts(networks: dict[str, Network], baselines: dict[str, float]) -> list[Chart]:
    """The losses in training, by batch and by epoch, a line for each network."""

    def by_batch(values: list[float]) -> tuple[list[float], list[float]]:
        groups = np.array_split(np.array(values), min(_CHART_POINTS, len(values)))
        ends = np.cumsum([len(group) for group in groups])
        return ends.astype(float).tolist(), [float(group.mean()) for group in groups]

    def by_epoch(values: list[float]) -> tuple[list[float], list[float]]:
        return [float(epoch + 1) for epoch in range(len(values))], values

    found = []
    for inputs, network in networks.items():
        name, record = INPUTS[inputs], network.record
        unigram = {"unigram, test": by_epoch([baselines["unigram_nats"]] * len(record.train_loss))}
        found += [
            Chart(f"Loss of each batch: {name}", "batch", "nats per token",
                  {"training": by_batch(record.batch_loss)}),
            Chart(f"Accuracy of each batch: {name}", "batch", "share",
                  {"training": by_batch(record.batch_accuracy)}),
            Chart(f"Loss of each epoch: {name}", "epoch", "nats per token",
                  {"training, with dropout": by_epoch(record.train_loss),
                   "validation": by_epoch(record.valid_loss), **unigram}),
            Chart(f"Accuracy of each epoch: {name}", "epoch", "share",
                  {"training, with dropout": by_epoch(record.train_accuracy),
                   "validation": by_epoch(record.valid_accuracy)}),
        ]  # fmt: skip
    return found


def token_histograms(songs: Songs, network: Network) -> list[Histogram]:
    """How often the commonest tokens stand in the songs and in what a network writes."""
    counts = songs.vocabulary.counts
    common = sorted(counts, key=lambda token: -counts[token])[:_COMMONEST]
    written = [token for row in network.likeliest for token in row]
    return [
        Histogram(
            "The commonest tokens of the training songs",
            common,
            [float(counts[token]) for token in common],
        ),
        Histogram(
            "The same tokens in generated pieces",
            common,
            [float(written.count(token)) for token in common],
        ),
    ]


def weight_histograms(record: TokenRecord) -> list[Histogram]:
    """Weights and biases of each layer at the start, in the middle and at the end, on one scale."""
    found = []
    for layer in record.weights["start"]:
        moments = {moment: layers[layer].numpy() for moment, layers in record.weights.items()}
        values = np.concatenate([*moments.values()])
        edges = np.linspace(values.min(), values.max(), _BINS + 1)
        labels = [f"{(low + high) / 2:.2g}" for low, high in pairwise(edges)]
        for moment, at in moments.items():
            counts = np.histogram(at, edges)[0].astype(float).tolist()
            found.append(Histogram(f"{layer}, {moment} of training", labels, counts))
    return found
