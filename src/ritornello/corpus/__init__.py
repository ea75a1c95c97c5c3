"""A folder of music to data that a network can learn from.

scan        a folder to the pieces that can be used, and why others cannot
listing     the files of a folder and their collections
pool        worker processes that survive damaged files
ray_pool    the same on the machines of a cluster
duplicates  which pieces are the same music
splits      which pieces train and which validate
store       the pieces as arrays on disk
shards      the same as Parquet files, for other programs and machines
augment     a piece in another key or tempo
report      what was found, as text, data and a page
"""

# What published systems and experiments may import; the rest is inside.
__all__ = ["augment", "duplicates", "pool", "scan", "splits", "store"]
