"""The ids of the published systems. To add one: a folder here, a recipe, and its id below."""

from __future__ import annotations

SYSTEMS = ("remix2023", "rhythmix2024", "lakh-lstm", "groovybee2018", "hybrid-gru2023")
