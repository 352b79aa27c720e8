"""What every group of settings in a mapping file is, and how a wrong one becomes one error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, NoReturn, TypeVar

from pydantic import BaseModel, ConfigDict, PlainValidator, ValidationError
from pydantic_core import PydanticCustomError

from reconcile.files.places import shown
from vocabulary.errors import InputError

PAGE = "docs/reference/mapping.md"
_PLAIN = {
    "string_type": "text",
    "string_too_short": "text that is not empty",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "greater_than_equal": "a larger number",
    "list_type": "a list",
    "dict_type": "a table",
    "model_type": "a table",
    "missing": "this setting, which has no default",
}


class Settings(BaseModel):
    """One group of settings: known keys only, values of the right type as they stand."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, populate_by_name=True)


def refused(found: str, expected: str, remedy: str = f"See {PAGE}.") -> PydanticCustomError:
    """What a validator raises: found, expected and remedy of the error that the user will read."""
    return PydanticCustomError(
        "refused", "{expected}", {"found": found, "expected": expected, "remedy": remedy}
    )


def _names(value: Any) -> tuple[str, ...]:
    """One text, or a list of texts."""
    listed = [value] if isinstance(value, str) else value
    if not isinstance(listed, list | tuple) or not all(isinstance(one, str) and one for one in listed):
        raise refused(shown(value), "text, or a list of texts")
    if not listed:
        raise refused("an empty list", "at least one text")
    return tuple(listed)


def _texts(value: Any) -> tuple[str, ...]:
    """A list of texts; an empty text stands for empty cells."""
    if not isinstance(value, list | tuple) or not all(isinstance(one, str) for one in value):
        raise refused(shown(value), "a list of texts")
    return tuple(value)


Names = Annotated[tuple[str, ...], PlainValidator(_names)]
Texts = Annotated[tuple[str, ...], PlainValidator(_texts)]

Model = TypeVar("Model", bound=Settings)


def settings_from(model: type[Model], raw: Mapping[str, Any], origin: str) -> Model:
    """The settings of a dictionary as tomllib gives it. origin: the file, for errors.

    Raises InputError naming the first key that is wrong, what stands there and what was expected.
    """
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        _refuse(model, raw, error, origin)


def _refuse(model: type[Settings], raw: Mapping[str, Any], error: ValidationError, origin: str) -> NoReturn:
    """Tell the first trouble."""
    first = error.errors(include_url=False)[0]
    location, kind, told = first["loc"], first["type"], first.get("ctx", {})
    if kind == "extra_forbidden":
        where = _where(origin, raw, location[:-1])
        known = ", ".join(_known(model, location[:-1]))
        raise InputError(
            where, shown(str(location[-1])), f"one of {known}", "Correct the name, or leave it out."
        )
    found = "nothing" if kind == "missing" else str(told.get("found", shown(first["input"])))
    expected = str(told.get("expected", first["msg"]))
    if kind == "literal_error":
        expected = "one of " + expected.replace(" or ", ", ").replace("'", "")
    expected = _PLAIN.get(kind, expected)
    raise InputError(
        _where(origin, raw, location, kind == "missing"),
        found,
        expected,
        str(told.get("remedy", f"See {PAGE}.")),
    ) from None


def _where(origin: str, raw: Any, location: tuple[int | str, ...], missing: bool = False) -> str:
    """The key as the file has it: pydantic's location without what stands for its own unions and lists."""
    dotted, here = "", raw
    for at, part in enumerate(location):
        inside = part in here if isinstance(here, dict) else isinstance(here, list) and isinstance(part, int)
        if inside:
            here = here[part]
        elif not missing or at < len(location) - 1:
            continue
        dotted += f"[{part + 1}]" if isinstance(part, int) else f".{part}"
    return f"{origin}: {dotted.removeprefix('.')}" if dotted else origin


def _known(model: type[Settings], location: tuple[int | str, ...]) -> list[str]:
    """The keys that may stand at a location."""
    here: Any = model
    for step in location:
        fields = getattr(here, "model_fields", None)
        if fields is None or isinstance(step, int):
            continue
        for name, field in fields.items():
            if step in (name, field.alias):
                here = _model_in(field.annotation) or here
    return [field.alias or name for name, field in here.model_fields.items()]


def _model_in(annotation: Any) -> type[Settings] | None:
    """The settings class within an annotation such as `dict[str, tuple[Table, ...]] | None`."""
    if isinstance(annotation, type) and issubclass(annotation, Settings):
        return annotation
    for inner in getattr(annotation, "__args__", ()):
        found = _model_in(inner)
        if found is not None:
            return found
    return None
