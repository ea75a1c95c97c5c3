"""From music to a model.

learning     inspect, train and evaluate, as a user calls them
config       settings of a run and what fits an amount of music
loop         the training of a note model
batches      excerpts that carry the state of the network from chunk to chunk
validate     nats a note on the validation split
journal      metrics.jsonl: the record of a run
history      that record as arrays
run_report   the page of a run
run_samples  pieces composed on the way, on that page
"""

# What published systems and experiments may import; the rest is inside.
__all__ = ["batches", "config", "journal", "learning", "loop", "validate"]
