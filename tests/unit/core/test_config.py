"""What is written of a record."""

from dataclasses import dataclass, field

from contextalk.core.config import LATER, from_dict, to_dict
from contextalk.models.lips import LipsConfig


@dataclass(frozen=True, kw_only=True)
class Shape:
    width: int = 3
    kind: str = field(default="round", metadata=LATER)


@dataclass(frozen=True, kw_only=True)
class Whole:
    shape: Shape


def test_a_field_that_came_later_is_left_out_while_it_changes_nothing():
    for kind, written in (("round", {"width": 3}), ("square", {"width": 3, "kind": "square"})):
        whole = Whole(shape=Shape(kind=kind))
        assert to_dict(whole) == {"shape": written}
        assert from_dict(Whole, to_dict(whole)) == whole


def test_what_is_written_of_our_own_lips_is_what_was_written_before_there_were_others():
    assert to_dict(LipsConfig()) == {"channels": 96, "folds": 2}
