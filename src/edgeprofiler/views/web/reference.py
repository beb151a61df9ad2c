"""The OpenAPI description as a page shows it: operations, and the fields of what they exchange."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Field:
    """A parameter, or a field of a body."""

    name: str
    type: str
    required: bool
    text: str


@dataclass(frozen=True)
class Operation:
    """One method of one address."""

    method: str
    path: str
    summary: str
    parameters: tuple[Field, ...]
    body: str
    """Name of the schema of its body, or its media type; empty where it takes none."""
    responses: tuple[tuple[str, str, str], ...]
    """Status, description, name of the schema."""

    @property
    def anchor(self) -> str:
        """An id for links."""
        return f"{self.method}{self.path}".replace("/", "-").replace("{", "").replace("}", "")


@dataclass(frozen=True)
class Schema:
    """A body and its fields."""

    name: str
    text: str
    fields: tuple[Field, ...]


def operations(document: Mapping[str, Any]) -> tuple[Operation, ...]:
    """Return all operations of an OpenAPI document, in its order."""
    found = []
    for path, methods in document["paths"].items():
        for method, entry in methods.items():
            found.append(
                Operation(
                    method=method.upper(),
                    path=path,
                    summary=entry.get("summary", ""),
                    parameters=tuple(
                        Field(
                            p["name"],
                            _type(p.get("schema", {})),
                            bool(p.get("required")),
                            p.get("description", ""),
                        )
                        for p in entry.get("parameters", ())
                    ),
                    body=_content(entry.get("requestBody", {})),
                    responses=tuple(
                        (status, answer.get("description", ""), _content(answer))
                        for status, answer in entry.get("responses", {}).items()
                    ),
                )
            )
    return tuple(found)


def schemas(document: Mapping[str, Any]) -> tuple[Schema, ...]:
    """Return all bodies that an OpenAPI document names."""
    named: Mapping[str, Any] = document.get("components", {}).get("schemas", {})
    return tuple(
        Schema(
            name,
            entry.get("description", ""),
            tuple(
                Field(key, _type(value), key in entry.get("required", ()), _text(value))
                for key, value in entry.get("properties", {}).items()
            ),
        )
        for name, entry in named.items()
    )


def _content(entry: Mapping[str, Any]) -> str:
    for media, content in entry.get("content", {}).items():
        schema = content.get("schema", {})
        return _type(schema) if "$ref" in schema else str(media)
    return ""


def _text(value: Mapping[str, Any]) -> str:
    text = str(value.get("description", ""))
    if value.get("default") not in (None, "", []):
        text += f" Default: {value['default']}."
    return text.strip()


def _type(value: Mapping[str, Any]) -> str:
    if "$ref" in value:
        return str(value["$ref"]).rpartition("/")[2]
    if "anyOf" in value:
        return " or ".join(dict.fromkeys(_type(option) for option in value["anyOf"]))
    if "enum" in value:
        return " | ".join(map(str, value["enum"]))
    if value.get("type") == "array":
        return f"list of {_type(value.get('items', {}))}"
    return str(value.get("type", "any"))
