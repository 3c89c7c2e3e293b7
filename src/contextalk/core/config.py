"""Frozen dataclasses ↔ plain dictionaries, for what is written into bundles, runs and reports."""

import dataclasses
import types
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

Config = TypeVar("Config")

LATER = {"later": True}
"""Metadata of a field that came after records were written: at its default it is left out, so that what is written of
them, and every digest of it, stays as it was."""


def to_dict(config: object) -> dict[str, Any]:
    """A dataclass as a JSON-ready dictionary: tuples become lists, and `LATER` fields at their default are left out."""
    if not dataclasses.is_dataclass(config) or isinstance(config, type):
        raise TypeError(f"wanted a dataclass instance, seen {type(config).__name__}")
    return {
        field.name: _plain(getattr(config, field.name))
        for field in dataclasses.fields(config)
        if "later" not in field.metadata or getattr(config, field.name) != field.default
    }


def from_dict(kind: type[Config], values: dict[str, Any], path: str = "") -> Config:
    """The inverse of `to_dict`.

    Raises:
        ValueError: An unknown or missing field, or a value of another type; names the field's full path.
    """
    hints = get_type_hints(kind)
    known = {field.name for field in dataclasses.fields(kind)}  # pyright: ignore[reportArgumentType]
    unknown = sorted(set(values) - known)
    if unknown:
        raise ValueError(f"unknown field {path}{unknown[0]}; {kind.__name__} has {', '.join(sorted(known))}")
    parsed = {name: _parse(hints[name], value, f"{path}{name}") for name, value in values.items()}
    try:
        return kind(**parsed)
    except TypeError as error:
        raise ValueError(f"{path or kind.__name__}: {error}") from error


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return to_dict(value)
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    return value


def _parse(hint: Any, value: Any, path: str) -> Any:
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        inner = [part for part in get_args(hint) if part is not type(None)]
        return None if value is None else _parse(inner[0], value, path)
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return from_dict(hint, value, path + ".")
    if origin is tuple:
        return tuple(_parse(get_args(hint)[0], item, path) for item in value)
    if origin is dict:
        return {key: _parse(get_args(hint)[1], item, f"{path}.{key}") for key, item in value.items()}
    if origin is Literal:
        if value not in get_args(hint):
            raise ValueError(f"{path} is {value!r}, wanted one of {', '.join(map(repr, get_args(hint)))}")
        return value
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(hint, type) and not isinstance(value, hint):
        raise ValueError(f"{path} is {value!r}, wanted {hint.__name__}")
    return value
