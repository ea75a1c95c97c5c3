"""The published systems, each run end to end: data, training, generation, figures.

A system is one module with one function, ``run(study) -> Outcome`` (`study.Study` holds its recipe,
its data and its folder; `outcome.Outcome` all that a report shows). To add one: a module, a recipe
of the same id in `ritornello/recipes`, and a line here.
"""

SYSTEMS = {
    "remix2023": "ritornello.papers.remix",
    "rhythmix2024": "ritornello.papers.rhythmix",
    "lakh-lstm": "ritornello.papers.lakh",
    "groovybee2018": "ritornello.papers.groovybee",
    "hybrid-gru2023": "ritornello.papers.hybrid",
}
