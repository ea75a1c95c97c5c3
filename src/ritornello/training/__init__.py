"""From music to a model, and how everything here learns.

learning         inspect, train and evaluate, as a user calls them
config           settings of a run and what fits an amount of music
loop             the training of a note model, and what a run writes
note_objective   what a note model learns
fine_tuning      going on from a model's weights with other music
held_out         how well models predict what a run holds back
rehearsal        music that the model composes itself, read beside it
preference_learning  what a note model learns from pairs that were rated
music_facts      what a model knows of its music, for composing
batches          rows of excerpts that carry the state of the network from chunk to chunk
piece_plans      the plan of each piece, read when it is first drawn
reading_order    in which order excerpts are read, each once an epoch
validate         nats a note on the validation split
trainer          the loop of all networks: optimiser, average, best weights, stopping, going on
optimisation     the optimiser and the courses of its learning rate
run_length       how long a run is, and when validations are due
weight_average   a moving average of the weights
products         which matrix products the processor does fastest
ranks            the processes of a run
run_state        the state of a run on disk
journal          metrics.jsonl: the record of a run
history          that record as arrays
run_report       the page of a run
run_samples      pieces composed on the way, on that page
"""

# What published systems and experiments may import; the rest is inside.
__all__ = [
    "batches",
    "config",
    "fine_tuning",
    "journal",
    "learning",
    "loop",
    "music_facts",
    "note_objective",
    "optimisation",
    "piece_plans",
    "preference_learning",
    "products",
    "ranks",
    "reading_order",
    "rehearsal",
    "run_length",
    "run_state",
    "trainer",
    "validate",
]
