"""What there is, for programs: the tables with their columns, and the OpenAPI document of them.

Source: OpenAPI Specification 3.1; JSON Schema 2020-12.
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from neuralake.catalog.tables import Table
from neuralake.errors import ServingError
from neuralake.serving.backend import Backend
from neuralake.serving.http.problems import MEDIA_TYPE as PROBLEM_TYPE
from neuralake.serving.http.problems import TITLES
from neuralake.serving.http.reading import FORMATS
from neuralake.serving.http.rest import DEFAULT_ROWS
from neuralake.version import __version__

Json = dict[str, Any]

_TEXT: Json = {"type": "string"}
_FLOAT: Json = {
    "anyOf": [{"type": "number"}, {"type": "string", "enum": ["NaN", "Infinity", "-Infinity"]}]
}
_REFUSALS = (400, 401, 403, 406, 413, 421, 422, 429, 503, 504, 507)


def schema_document(service: Backend) -> Json:
    """The tables: what is declared of them, and the columns that they have."""
    return {"tables": [_table(service, table) for table in service.tables().values()]}


def document(service: Backend, *, has_token: bool) -> Json:
    """The OpenAPI document.

    Parameters
    ----------
    service
        Whose tables it tells of.
    has_token
        Whether requests must show a token.
    """
    schemas: Json = {"Problem": _problem()}
    paths: Json = {
        "/api/sql": {"post": _sql_operation()},
        "/api/schema": {
            "get": _operation("schema", "The tables and their columns", {"type": "object"})
        },
        "/healthz": {"get": _public("health", "Whether the server runs")},
        "/readyz": {"get": _public("ready", "Whether all tables are loaded")},
    }
    for table in service.tables().values():
        try:
            schema = service.arrow_schema(table.name)
        except ServingError:  # one that cannot be read just now has no columns to tell of
            continue
        schemas[table.name] = _row(table, schema)
        paths[f"/api/tables/{table.name}"] = {"get": _table_operation(table, schema)}
    found: Json = {
        "openapi": "3.1.0",
        "info": {
            "title": "Neuralake",
            "version": __version__,
            "description": "Questions about the tables of a catalog, as they are when asked.",
        },
        "paths": paths,
        "components": {"schemas": schemas},
    }
    if has_token:
        found["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        found["security"] = [{"token": []}]
    return found


def json_schema(kind: pa.DataType, *, nullable: bool) -> Json:
    """JSON Schema of how an answer in JSON writes values of a type."""
    found = _value_schema(kind)
    return {"anyOf": [found, {"type": "null"}]} if nullable and found else found


def _value_schema(kind: pa.DataType) -> Json:  # noqa: C901, PLR0911 - a line a type
    types = pa.types
    if types.is_dictionary(kind):
        return _value_schema(kind.value_type)
    if types.is_boolean(kind):
        return {"type": "boolean"}
    if types.is_integer(kind):
        return {"type": "integer", "format": str(kind)}
    if types.is_floating(kind):
        return _FLOAT
    if types.is_decimal(kind):
        return {
            "type": "string",
            "format": "decimal",
            "description": f"{kind.precision} digits, {kind.scale} of them after the point",
        }
    if types.is_date(kind):
        return {"type": "string", "format": "date"}
    if types.is_timestamp(kind):
        return {"type": "string", "format": "date-time"} if kind.tz else _TEXT
    if types.is_binary(kind) or types.is_large_binary(kind) or types.is_fixed_size_binary(kind):
        return {"type": "string", "contentEncoding": "base64"}
    if types.is_struct(kind):
        return {
            "type": "object",
            "properties": {f.name: json_schema(f.type, nullable=f.nullable) for f in kind},
            "required": [f.name for f in kind],
        }
    if types.is_map(kind):
        entry = {
            "key": json_schema(kind.key_type, nullable=False),
            "value": json_schema(kind.item_type, nullable=True),
        }
        items = {"type": "object", "properties": entry, "required": ["key", "value"]}
        return {"type": "array", "items": items}
    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        return {"type": "array", "items": json_schema(kind.value_type, nullable=True)}
    return {"type": "null"} if types.is_null(kind) else _TEXT


def _table(service: Backend, table: Table) -> Json:
    described = {column.name: column.description for column in table.columns}
    found: Json = {
        "name": table.name,
        "description": table.description,
        "format": table.format,
        "primary_key": list(table.primary_key),
        "foreign_keys": [
            {
                "columns": list(key.columns),
                "references": key.references,
                "referenced_columns": list(key.referenced_columns),
            }
            for key in table.foreign_keys
        ],
    }
    try:
        schema = service.arrow_schema(table.name)
    except ServingError as error:
        return {**found, "columns": [], "problem": str(error)}
    found["columns"] = [
        {
            "name": field.name,
            "type": str(field.type),
            "nullable": field.nullable,
            "description": described.get(field.name, ""),
        }
        for field in schema
    ]
    return found


def _row(table: Table, schema: pa.Schema) -> Json:
    declared = {column.name: column for column in table.columns}
    properties = {}
    for field in schema:
        column = declared.get(field.name)
        nullable = field.nullable and (column is None or column.nullable)
        found = json_schema(field.type, nullable=nullable)
        if column is not None and column.description:
            found = {**found, "description": column.description}
        properties[field.name] = found
    row: Json = {"type": "object", "properties": properties}
    return {**row, "description": table.description} if table.description else row


def _operation(name: str, summary: str, answer: Json) -> Json:
    return {
        "operationId": name,
        "summary": summary,
        "responses": {
            "200": {
                "description": "The answer",
                "content": {"application/json": {"schema": answer}},
            },
            **_refusals(401, 503),
        },
    }


def _public(name: str, summary: str) -> Json:
    return {**_operation(name, summary, {"type": "object"}), "security": []}


def _refusals(*statuses: int) -> Json:
    content = {PROBLEM_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {str(s): {"description": TITLES[s], "content": content} for s in statuses}


def _answers(rows: Json) -> Json:
    binary = {"type": "string", "contentMediaType": FORMATS["arrow"]}
    headers = {
        "Neuralake-Versions": {
            "description": "Version of each Delta table that was read: orders=12, lines=3",
            "schema": _TEXT,
        }
    }
    return {
        "200": {
            "description": "The rows",
            "headers": headers,
            "content": {
                FORMATS["json"]: {"schema": {"type": "array", "items": rows}},
                FORMATS["csv"]: {"schema": _TEXT},
                FORMATS["arrow"]: {"schema": binary},
            },
        },
        **_refusals(*_REFUSALS),
    }


def _common() -> list[Json]:
    return [
        _parameter("as_of", "A version, or a time by RFC 3339; the newest state without it"),
        _parameter("format", "In place of Accept", {"type": "string", "enum": list(FORMATS)}),
        _parameter("timeout", "Seconds", {"type": "number", "exclusiveMinimum": 0}),
        _parameter("max_rows", "Rows beyond which nothing is answered", _whole(0)),
    ]


def _sql_operation() -> Json:
    body = {
        "type": "object",
        "properties": {
            "sql": {"type": "string", "examples": ["SELECT 1 AS one"]},
            "parameters": {
                "description": "Values of $1, $2 …, or of $name by name",
                "anyOf": [{"type": "array"}, {"type": "object"}],
            },
        },
        "required": ["sql"],
        "additionalProperties": False,
    }
    return {
        "operationId": "sql",
        "summary": "Answer one statement that only asks",
        "parameters": _common(),
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": body}, "application/sql": {"schema": _TEXT}},
        },
        "responses": {**_answers({"type": "object"}), **_refusals(408, 415)},
    }


def _table_operation(table: Table, schema: pa.Schema) -> Json:
    names = ", ".join(schema.names)
    conditions = {"type": "array", "items": _TEXT}
    parameters = [
        _parameter("columns", f"Some of {names}, with commas between them"),
        {
            **_parameter(
                "where",
                "A condition: column=value, !=, <, <=, >, >=, column~pattern with % and _, "
                "column in (a, b), column is null, column is not null; rows meet all of them",
                conditions,
            ),
            "explode": True,
        },
        _parameter("sort", "Columns with commas between them; - before one turns its order"),
        _parameter("limit", "Rows of a page", {**_whole(0), "default": DEFAULT_ROWS}),
        _parameter("offset", "Rows before the page", {**_whole(0), "default": 0}),
        *_common(),
    ]
    return {
        "operationId": f"table_{table.name}",
        "summary": table.description or f"Rows of {table.name}",
        "parameters": parameters,
        "responses": _answers({"$ref": f"#/components/schemas/{table.name}"}),
    }


def _parameter(name: str, description: str, schema: Json | None = None) -> Json:
    return {"name": name, "in": "query", "description": description, "schema": schema or _TEXT}


def _whole(least: int) -> Json:
    return {"type": "integer", "minimum": least}


def _problem() -> Json:
    return {
        "type": "object",
        "description": "RFC 9457",
        "properties": {
            "type": _TEXT,
            "title": _TEXT,
            "status": {"type": "integer"},
            "detail": _TEXT,
            "limit": {"type": "string", "enum": ["rows", "bytes", "time", "memory", "text"]},
        },
        "required": ["type", "title", "status", "detail"],
    }
