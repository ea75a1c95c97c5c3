"""The published systems, each run end to end: data, training, generation, figures.

A system is one module, named as its id with underscores, with one function, ``run(study) ->
Outcome`` (`study.Study` holds its recipe, data and folder; `outcome.Outcome` all that a report
shows). To add one: a module, a recipe of the same id in `ritornello/recipes`, and its id here.
"""

SYSTEMS = ("remix2023", "rhythmix2024", "lakh-lstm", "groovybee2018", "hybrid-gru2023")
