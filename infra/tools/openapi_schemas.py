"""Make of the schemas that Powertools and pydantic generate what a client's author wants to read."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any, Final

Schema = dict[str, Any]

FORM: Final = "multipart/form-data"
_FORM_EXAMPLE: Final = {
    "file": "what app.py contains",
    "workspace_id": "my-workspace",
    "app_name": "my-function",
}


def correct_form(function: Callable[..., Any], form: Schema) -> None:
    """Let a form require the fields without a default, and have no field with the value null.

    Powertools puts the fields of a form together in a model that has lost their defaults. A form sends text: clients
    made from ``null`` send the text "None". The deploy block is JSON text, which OpenAPI describes as an object.
    """
    defaults = {name: each.default for name, each in inspect.signature(function).parameters.items()}
    form["required"] = [name for name in form["required"] if defaults[name] is inspect.Parameter.empty]
    for field in form["properties"].values():
        without_null(field)
    block = form["properties"]["deploy"]
    form["properties"]["deploy"] = {
        "$ref": "#/components/schemas/DeployOptions",
        "description": block["description"],
    }
    form["description"] = "A source, and what to do with it."
    form["examples"] = [_FORM_EXAMPLE]
    form["additionalProperties"] = False


def without_null(schema: Schema) -> None:
    """Remove the type null from what is left out instead: a field of a form, a parameter."""
    kinds = [kind for kind in schema.get("anyOf", []) if kind != {"type": "null"}]
    if len(kinds) == 1:
        del schema["anyOf"]
        for keyword, value in kinds[0].items():
            schema.setdefault(keyword, value)
    if schema.get("default", ...) is None:
        del schema["default"]


def tidy(schema: Any) -> None:
    """Say the same in the words that most tools understand, throughout a schema.

    The titles of fields go, which repeat their names. Whole numbers have no fraction. A pattern for every name of an
    object is one of `propertyNames`: as `patternProperties` it would allow all other names. Requests have no defaults:
    generated clients would send them, and an update sets what it names.
    """
    if isinstance(schema, list):
        for each in schema:
            tidy(each)
    elif isinstance(schema, dict):
        for keyword, value in schema.items():
            if isinstance(value, float) and value.is_integer():
                schema[keyword] = int(value)
            tidy(value)
        _tidy_fields(schema)


def _tidy_fields(schema: Schema) -> None:
    superfluous = ("title", "default") if schema.get("additionalProperties") is False else ("title",)
    for field in schema.get("properties", {}).values():
        for keyword in superfluous:
            field.pop(keyword, None)
    if len(patterns := schema.get("patternProperties", {})) == 1:
        ((pattern, schema["additionalProperties"]),) = patterns.items()
        schema.setdefault("propertyNames", {})["pattern"] = pattern
        del schema["patternProperties"]


def add_example(name: str, schemas: Mapping[str, Schema]) -> None:
    """Give a model that has no example one that is made of its fields' examples.

    Raises
    ------
    LookupError
        A field has none, and its type does not suggest one.
    """
    model = schemas[name]
    if "properties" in model and "examples" not in model:
        try:
            model["examples"] = [{field: _example(schema, schemas) for field, schema in model["properties"].items()}]
        except LookupError as error:
            raise LookupError(f"{name}: {error}") from None


def _example(schema: Schema, schemas: Mapping[str, Schema]) -> Any:
    for keyword in ("examples", "enum"):
        if keyword in schema:
            return schema[keyword][0]
    for keyword in ("const", "default"):
        if schema.get(keyword) is not None:
            return schema[keyword]
    if "$ref" in schema:
        return _of_model(schema["$ref"].rpartition("/")[2], schemas)
    if "anyOf" in schema:
        return _example_of_choice(schema["anyOf"], schemas)
    if schema.get("type") == "array":
        return [_example(schema["items"], schemas)]
    if schema.get("type") == "boolean":
        return False
    raise LookupError(f"a field needs an example: {schema.get('description', schema)}")


def _example_of_choice(choices: list[Schema], schemas: Mapping[str, Schema]) -> Any:
    """Return the example of the first choice; null where that is a choice and the first is nothing particular."""
    first, *_ = choices
    if {"type": "null"} in choices and "$ref" not in first and "examples" not in first:
        return None
    return _example(first, schemas)


def _of_model(name: str, schemas: Mapping[str, Schema]) -> Any:
    if "properties" in schemas[name]:
        add_example(name, schemas)
    return _example(schemas[name], schemas)
