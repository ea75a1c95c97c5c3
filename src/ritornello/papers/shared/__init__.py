"""What every published system is run with.

recipe   its settings, and what a smaller budget changes
study    one run: recipe, data, folder
run      runs a study and keeps its outcome
progress how far the networks of a study are, while they learn
outcome  what a run leaves behind, as data
search   a search over settings
ours     our model, trained, scored and heard on the same music
partner  our model with given notes
off_key  notes outside the key, removed
"""

# What experiments may import; the rest is inside.
__all__ = ["recipe"]
