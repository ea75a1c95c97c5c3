"""The plan network: a recurrent network that writes plans, one step a bar.

plan_rows       plans as rows of class indices: what is predicted, and in which order
past            what the network sees before each bar and at each prediction
network_inputs  all that it sees of a plan, as arrays
plan_network    the network, to be trained
plan_training   training and scoring it
plan_baselines  unigrams and bigrams of plans
plan_engine     the network without torch
plan_writing    plans that keep what is stated and draw what is open
"""

# What published systems and experiments may import; the rest is inside.
__all__ = ["plan_baselines", "plan_engine", "plan_network", "plan_training", "plan_writing"]
