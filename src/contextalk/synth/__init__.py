"""Procedural conversations with exact truth. The only room that draws with skia or speaks with espeak-ng."""

from contextalk.synth.people import HELD_OUT_PEOPLE, TRAIN_PEOPLE, Person, person
from contextalk.synth.poses import random_stage
from contextalk.synth.report import Floors, report
from contextalk.synth.scene import Stage
from contextalk.synth.write import write_scenes

__all__ = [
    "HELD_OUT_PEOPLE",
    "TRAIN_PEOPLE",
    "Floors",
    "Person",
    "Stage",
    "person",
    "random_stage",
    "report",
    "write_scenes",
]
