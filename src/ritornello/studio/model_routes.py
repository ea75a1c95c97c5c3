"""Routes that say what there is: this studio, its models, and what a model knows."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from typing import cast

from fastapi import APIRouter

from ritornello import __version__
from ritornello.dsp.sound_formats import AUDIO_SUFFIXES
from ritornello.generation.edit.verbs import VOICES
from ritornello.generation.rules import MAX_BARS, MAX_PARTS
from ritornello.music.io import readable_extensions
from ritornello.music.keys import SCALES, KeyName
from ritornello.note_model.library import DEFAULT_MODEL, ModelInfo, models
from ritornello.plan.song_form import NAMES
from ritornello.studio.answers import About, ModelEntry, ModelFacts, Models
from ritornello.studio.export_files import export_formats
from ritornello.studio.job_requests import MOST_VARIATIONS
from ritornello.studio.open_studio import Studio
from ritornello.studio.upload_files import MOST_BYTES
from ritornello.synth.program_substitution import substitute_program
from ritornello.synth.soundfont import SoundFont

_METRES = ("4/4", "3/4", "6/8", "2/4", "5/4", "7/8", "9/8", "12/8")
_TEMPI = (20, 320)


def model_routes(studio: Studio, *, lan: bool) -> APIRouter:
    """The routes for a studio; ``lan`` says whether other machines may ask."""
    routes = APIRouter(prefix="/api", tags=["models"])

    @routes.get("/about", summary="This studio")
    def about() -> About:
        songs = studio.library.songs.songs()
        return {
            "version": __version__,
            "library": str(studio.library.folder),
            "lan": lan,
            "upload_bytes": MOST_BYTES,
            "formats": {
                "read": [ending[1:] for ending in readable_extensions()],
                "sound": sorted(ending[1:] for ending in AUDIO_SUFFIXES),
                "export": export_formats(),
            },
            "extras": {
                "train": find_spec("torch") is not None,
                "score": find_spec("verovio") is not None,
            },
            "first_piece": songs[0]["head"] if songs else None,
            "sounds_as": _sounds_as(),
        }

    @routes.get("/models", summary="All models")
    def list_models() -> Models:
        known = [_model(each) for each in models()]
        folders = sorted(studio.library.models_folder.glob("*/model.safetensors"))
        own = [
            ModelEntry(
                name=str(path.parent),
                title=path.parent.name,
                origin="studio",
                usable=True,
                problem="",
                size_bytes=path.stat().st_size,
            )
            for path in folders
        ]
        return {"models": [*known, *own], "default": DEFAULT_MODEL}

    @routes.get("/model", summary="What a model knows")
    def get_model(name: str = DEFAULT_MODEL) -> ModelFacts:
        facts = {
            "name": name,
            **studio.writers.call("model_facts", model=name),
            "keys": [str(KeyName(t, scale)) for scale in ("major", "minor") for t in range(12)],
            "scales": list(SCALES),
            "metres": list(_METRES),
            "has_form": True,
            "sections": [*NAMES, *"ABCDEFGH"],
            "voices": list(VOICES),
            "limits": {
                "bars": [1, MAX_BARS],
                "tempo": list(_TEMPI),
                "parts": [1, MAX_PARTS],
                "variations": [1, MOST_VARIATIONS],
            },
        }
        return cast(ModelFacts, facts)

    return routes


@cache
def _sounds_as() -> list[int]:
    """For each General MIDI program, the one of the bundled SoundFont that stands for it."""
    there = [program for bank, program in SoundFont.load().presets if bank == 0]
    return [substitute_program(program, there) for program in range(128)]


def _model(info: ModelInfo) -> ModelEntry:
    return {
        "name": info.name,
        "title": info.name,
        "origin": info.origin,
        "usable": not info.problem,
        "problem": info.problem,
        "size_bytes": info.size_bytes,
    }
