"""JSON Schemas of bodies, queries and answers, from the types that read and build them."""

from collections.abc import Iterable, Iterator
from typing import Annotated, Any

from pydantic import BaseModel, Field, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, JsonSchemaValue
from pydantic_core import core_schema

from features.schemas import Schema
from recommender.policy.list_options import ListOptions
from recommender.policy.option import Interface, declared_options

NextCursor = Annotated[
    str | None, Field(description="The `cursor` of the next page, if there is one")
]
REFERENCE = "#/components/schemas/{model}"


class _BodySchema(GenerateJsonSchema):
    """
    A body has no defaults: a field that is left out, or null, is not set.

    It has no unknown fields either, unless the model's config says otherwise.
    """

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        json_schema = super().model_schema(schema)
        if "extra" not in schema["cls"].model_config:
            json_schema["additionalProperties"] = False
        return json_schema

    def dict_schema(self, schema: core_schema.DictSchema) -> JsonSchemaValue:
        json_schema = super().dict_schema(schema)
        if "patternProperties" in json_schema:
            json_schema["additionalProperties"] = False
        return json_schema


def body_schema(model: type[BaseModel]) -> Schema:
    """What may be sent where a view takes *model*, in one piece."""
    # In one piece, because the same class has another schema in answers.
    schema = model.model_json_schema(schema_generator=_BodySchema)
    definitions = schema.pop("$defs", {})
    inlined: Schema = _inline(schema, definitions)
    return inlined


def _inline(schema: Any, definitions: Schema) -> Any:
    """The schema with every reference replaced by what it refers to."""
    if isinstance(schema, list):
        return [_inline(item, definitions) for item in schema]
    if not isinstance(schema, dict):
        return schema
    name = schema.get("$ref", "").removeprefix("#/$defs/")
    definition = definitions[name] if name else {}
    rest = {key: part for key, part in schema.items() if key != "$ref"}
    return {key: _inline(part, definitions) for key, part in {**definition, **rest}.items()}


def answer_schemas(types: Iterable[Any]) -> dict[str, Schema]:
    """The schemas of these types and of all parts of them, by name."""
    mode: JsonSchemaMode = "serialization"
    adapters = [(answer.__name__, mode, TypeAdapter(answer)) for answer in types]
    _, schemas = TypeAdapter.json_schemas(adapters, ref_template=REFERENCE)
    definitions: dict[str, Schema] = schemas["$defs"]
    return definitions


def query_schemas(
    model: type[BaseModel], interfaces: tuple[Interface, ...] = ()
) -> Iterator[tuple[str, Schema]]:
    """What may be written in a query string for each field of *model* that there is."""
    properties = model.model_json_schema()["properties"]
    names = properties.keys()
    if issubclass(model, ListOptions):
        names = [option.name for option in declared_options(model, *interfaces)]
    for name in names:
        yield name, _without_null(properties[name])


def _without_null(schema: Schema) -> Schema:
    """A query string has neither null nor empty lists: a field that is not set is left out."""
    # Optional fields are `anyOf` of their value and null.
    written: Schema = {**schema, **schema.get("anyOf", [{}])[0]}
    written.pop("anyOf", None)
    if isinstance(written.get("type"), list):
        [written["type"]] = [kind for kind in written["type"] if kind != "null"]
    if written.get("default") in (None, "", []):
        written.pop("default", None)
    return written
