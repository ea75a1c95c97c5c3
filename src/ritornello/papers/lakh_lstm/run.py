"""`lakh-lstm`: rows of note and chord tokens, fifty of them through one LSTM layer to the next.

Run twice, once as published (ids as real numbers) and once with an embedding for each token and
everything else alike, and set beside trivial baselines, real songs and our own model.
"""

from __future__ import annotations

from collections import Counter

from ritornello.metrics.loops import longest_loop
from ritornello.metrics.token_baselines import token_baselines
from ritornello.papers.lakh_lstm import encoding as chord_tokens
from ritornello.papers.lakh_lstm import primers as lakh_lstm_primers
from ritornello.papers.lakh_lstm import report as shown
from ritornello.papers.lakh_lstm.data import Songs, load_songs, pieces_of_side
from ritornello.papers.lakh_lstm.encoding import warning
from ritornello.papers.lakh_lstm.nets import INPUTS, Network, run_network
from ritornello.papers.lakh_lstm.ours import Ours, pitches_kept, run_ours
from ritornello.papers.shared.ours import write_sample
from ritornello.papers.shared.outcome import Outcome, Sample
from ritornello.papers.shared.study import Study


def run(study: Study) -> Outcome:
    """Load songs, teach both networks and ours, measure, generate.

    Raises:
        InputError: if there is no data or too little of it.
    """
    songs = load_songs(study)
    study.say(songs.in_words())
    baselines = token_baselines(
        songs.ids("train"),
        songs.ids("test"),
        len(songs.vocabulary),
        skip=study.settings["window"],
    )
    networks = {inputs: run_network(study, songs, inputs) for inputs in INPUTS}
    ours = run_ours(study, songs, token_minutes=networks["ids"].record.seconds / 60)
    loops = shown.loop_shares(songs, networks, ours)
    published = networks["ids"]
    return Outcome(
        study.recipe.id,
        study.budget,
        study.seed,
        data=("" if study.data else "POP909 in place of Lakh: ") + songs.in_words(),
        stand_in=study.data is None,
        departures=_choices(study, published),
        figures=[
            *shown.likelihood_figures(study, songs, networks, ours, baselines),
            *shown.generation_figures(songs, networks, ours, loops),
        ],
        tables=[shown.inputs_table(networks, baselines, loops), *ours.tables],
        charts=shown.charts(networks, baselines),
        histograms=[
            *shown.token_histograms(songs, published),
            *shown.weight_histograms(published.record),
        ],
        samples=_samples(study, songs, networks, ours),
        weaknesses=_weaknesses(songs, networks, baselines, loops),
        compared=_compare(networks, ours, loops),
        wishes=ours.wishes | _unknown_notes(songs, published, ours),
    )


def _samples(study: Study, songs: Songs, networks: dict[str, Network], ours: Ours) -> list[Sample]:
    published, embedded = networks["ids"], networks["embedding"]
    written = {
        "likeliest": ("From a random window, always the likeliest token", published.likeliest[0]),
        "drawn": ("From the same window, drawn from the softmax", published.drawn[0]),
        "embedding": ("The same with embeddings", embedded.drawn[0]),
        "primer": ("A primer with unknown notes replaced, and on from it", published.continued),
    }
    return [
        *(
            write_sample(chord_tokens.decode(tokens), study.folder, stem, name, "published")
            for stem, (name, tokens) in written.items()
        ),
        *(
            write_sample(piece, study.folder, stem, name, "ours")
            for stem, name, piece in (
                ("ours", "Our model, taught with the same songs", ours.pieces[0]),
                ("ours-tokens", "Our model, taught with the same tokens", ours.token_pieces[0]),
                ("ours-primer", "Our model, on from a test song", ours.primers.example),
            )
            if piece is not None
        ),
        *(
            write_sample(piece, study.folder, stem, name, "real")
            for stem, name, piece in (
                (
                    "real-tokens",
                    "A test song as its tokens play it",
                    next(pieces_of_side(songs, "test"))[1],
                ),
                ("real", "The same song as it is", songs.test[0].piece),
            )
        ),
    ]


def _choices(study: Study, network: Network) -> list[str]:
    settings, record = study.settings, network.record
    return [
        f"{settings['hidden']} units in the LSTM layer (not printed)",
        f"{settings['epochs']} epochs, {len(record.batch_loss):,} batches of {settings['batch']} "
        "windows in all (not printed); the weights of the best epoch on validation are kept",
        f"tokens found fewer than {settings['least_count']} times are dropped (number not printed)",
        "onsets are moved to the nearest sixteenth or triplet eighth, all pitched parts make one "
        "row, windows do not cross from song to song",
        "velocity and time, which the authors extract, reach no layer of their network and are "
        "left out",
        f"{chord_tokens.STEP_BEATS:g} quarter notes a token at 120 bpm in what is generated",
    ]


def _weaknesses(
    songs: Songs,
    networks: dict[str, Network],
    baselines: dict[str, float],
    loops: dict[str, float],
) -> list[str]:
    losses, published, embedded = songs.losses, networks["ids"], networks["embedding"]
    tokens = sum(len(song.tokens) for song in songs.all)
    bound = baselines["bigram_nats"] - published.nats
    return [
        f"Ids as real numbers: {published.nats:.2f} nats per token, "
        f"{published.nats - embedded.nats:+.2f} against the same network with embeddings.",
        f"A table of pairs of tokens is {'worse' if bound > 0 else 'better'} than the network by "
        f"{abs(bound):.2f} nats per token; a table of single tokens gives "
        f"{baselines['unigram_nats']:.2f}.",
        f"{loops['ids']:.0%} of its pieces are caught in a loop, {loops['real songs']:.0%} of real "
        f"songs; drawn from the softmax {loops['ids, drawn from the softmax']:.0%}. "
        + _period(published),
        f"Rhythm is lost: {losses.uneven / tokens:.0%} of tokens do not last the fixed step, and "
        f"{losses.rests:,} rests are not told.",
        f"One instrument: {losses.parts / len(songs.all):.1f} parts on average become one; "
        f"{losses.drum_notes:,} drum notes are left out.",
        f"Chords lose their octaves: {losses.chord_notes / losses.notes:.0%} of notes are in one; "
        f"{losses.doubled:,} doubled notes are lost.",
    ]


def _period(network: Network) -> str:
    """The commonest length of the circles it runs in, as a sentence."""
    loops = [loop for row in network.likeliest if (loop := longest_loop(row))]
    if not loops:
        return "No piece goes round anywhere."
    period, count = Counter(loop.period for loop in loops).most_common(1)[0]
    return f"The commonest loop has a period of {period} ({count} of {len(loops)})."


def _unknown_notes(songs: Songs, network: Network, ours: Ours) -> dict[str, str]:
    unknown, tokens = songs.unknown("test")
    return {
        "unknown notes replaced by known ones": f"In the published representation: {unknown:,} of "
        f"{tokens:,} test tokens are unknown; each is replaced by the nearest known one, with a "
        f"warning. A primer of a test song: {warning(network.replaced) or 'all known.'} In our "
        f"own no note is unknown: {pitches_kept():.0%} of all pitches in all instruments come "
        "back as they were, and lengths and tempi take the nearest class. "
        f"{lakh_lstm_primers.sentence(ours.primers)}"
    }


def _compare(networks: dict[str, Network], ours: Ours, loops: dict[str, float]) -> str:
    published, embedded = networks["ids"], networks["embedding"]
    return (
        f"On the same rows of tokens our model needs {ours.token_nats:.2f} nats per token, the "
        f"published network {published.nats:.2f}, with embeddings {embedded.nats:.2f}; "
        f"{loops['ours']:.0%} of its pieces are caught in a loop against {loops['ids']:.0%}. On "
        f"the songs as they are, with rhythm, parts and loudness, it needs "
        f"{ours.real['nats_per_note']:.2f} nats per note, which compares with no figure of theirs."
    )
