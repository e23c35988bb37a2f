"""What there is, as Flight SQL's tables: catalogs, schemas, tables, keys, and the server itself.

There is no catalog, and one schema, ``public``: names in SQL are those of the tables. Source:
Arrow, ``FlightSql.proto``, whose comments define each table.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pyarrow as pa

from neuralake.catalog.tables import Table
from neuralake.serving.answers import RefusedError, UnavailableError
from neuralake.serving.backend import Backend
from neuralake.serving.flight_sql.info import sql_info
from neuralake.serving.flight_sql.wire import Message

SCHEMA = "public"
_TABLE = "TABLE"
_NO_ACTION = 3  # of UpdateDeleteRules
_TEXT = pa.string()


def _schema(*names: str, **kinds: pa.DataType) -> pa.Schema:
    """Fields of texts, and some of other types; those that end in ``!`` are never null."""
    return pa.schema(
        [
            pa.field(name.rstrip("!"), kinds.get(name.rstrip("!"), _TEXT), not name.endswith("!"))
            for name in names
        ]
    )


CATALOGS = _schema("catalog_name!")
DB_SCHEMAS = _schema("catalog_name", "db_schema_name!")
TABLE_TYPES = _schema("table_type!")
TABLES = _schema("catalog_name", "db_schema_name", "table_name!", "table_type!")
TABLES_WITH_SCHEMA = TABLES.append(pa.field("table_schema", pa.binary(), nullable=False))
PRIMARY_KEYS = _schema(
    *("catalog_name", "db_schema_name", "table_name!", "column_name!", "key_name"),
    "key_sequence!",
    key_sequence=pa.int32(),
)
FOREIGN_KEYS = _schema(
    *("pk_catalog_name", "pk_db_schema_name", "pk_table_name!", "pk_column_name!"),
    *("fk_catalog_name", "fk_db_schema_name", "fk_table_name!", "fk_column_name!"),
    *("key_sequence!", "fk_key_name", "pk_key_name", "update_rule!", "delete_rule!"),
    key_sequence=pa.int32(),
    update_rule=pa.uint8(),
    delete_rule=pa.uint8(),
)
_INTS = ("column_size", "minimum_scale", "maximum_scale", "datetime_subcode", "num_prec_radix")
XDBC_TYPES = _schema(
    *("type_name!", "data_type!", "column_size", "literal_prefix", "literal_suffix"),
    *("create_params", "nullable!", "case_sensitive!", "searchable!", "unsigned_attribute"),
    *("fixed_prec_scale!", "auto_increment", "local_type_name", "minimum_scale", "maximum_scale"),
    *("sql_data_type!", "datetime_subcode", "num_prec_radix", "interval_precision"),
    **dict.fromkeys(
        (*_INTS, "data_type", "nullable", "searchable", "sql_data_type", "interval_precision"),
        pa.int32(),
    ),
    **dict.fromkeys(
        ("case_sensitive", "unsigned_attribute", "fixed_prec_scale", "auto_increment"), pa.bool_()
    ),
    create_params=pa.list_(pa.field("item", _TEXT, nullable=False)),
)


def metadata(name: str, message: Message, service: Backend) -> pa.Table | None:
    """The table that a command asks for; None if it is no command of this kind.

    Raises
    ------
    WireError
        If a field of the command is not what it should be.
    """
    makes: dict[str, Callable[[Message, Backend], pa.Table]] = {
        "CommandGetCatalogs": lambda _m, _s: CATALOGS.empty_table(),
        "CommandGetDbSchemas": _db_schemas,
        "CommandGetTables": _tables,
        "CommandGetTableTypes": lambda _m, _s: pa.table([[_TABLE]], schema=TABLE_TYPES),
        "CommandGetSqlInfo": lambda m, _s: sql_info(m.numbers(1)),
        "CommandGetPrimaryKeys": _primary_keys,
        "CommandGetImportedKeys": lambda m, s: _foreign_keys(s, imported=m),
        "CommandGetExportedKeys": lambda m, s: _foreign_keys(s, exported=m),
        "CommandGetCrossReference": _cross_reference,
        "CommandGetXdbcTypeInfo": lambda _m, _s: XDBC_TYPES.empty_table(),
    }
    make = makes.get(name)
    return None if make is None else make(message, service)


def _db_schemas(message: Message, _: Backend) -> pa.Table:
    is_there = _is_without_catalog(message) and _matches(message.optional(2), SCHEMA)
    return _rows([(None, SCHEMA)] if is_there else [], DB_SCHEMAS)


def _tables(message: Message, service: Backend) -> pa.Table:
    with_schema = bool(message.number(5))
    kinds = message.texts(4)
    rows = []
    if (
        _is_without_catalog(message)
        and _matches(message.optional(2), SCHEMA)
        and (not kinds or _TABLE in kinds)
    ):
        for name in sorted(service.tables()):
            if _matches(message.optional(3), name):
                rows += list(_table_rows(name, service, with_schema=with_schema))
    return _rows(rows, TABLES_WITH_SCHEMA if with_schema else TABLES)


def _table_rows(name: str, service: Backend, *, with_schema: bool) -> Iterator[tuple[Any, ...]]:
    row = (None, SCHEMA, name, _TABLE)
    if not with_schema:
        yield row
        return
    try:
        yield (*row, service.arrow_schema(name).serialize().to_pybytes())
    except (RefusedError, UnavailableError):
        return  # a table that cannot be read just now hides no other one


def _primary_keys(message: Message, service: Backend) -> pa.Table:
    table = _named(message, 1, service)
    columns = () if table is None else table.primary_key
    rows = [
        (None, SCHEMA, message.text(3), column, None, place)
        for place, column in enumerate(columns, 1)
    ]
    return _rows(rows, PRIMARY_KEYS)


def _foreign_keys(
    service: Backend, imported: Message | None = None, exported: Message | None = None
) -> pa.Table:
    """Keys of one table to others, or of others to one."""
    wanted = imported or exported
    found = None if wanted is None else _named(wanted, 1, service)
    if found is None:
        return FOREIGN_KEYS.empty_table()
    if imported is not None:
        rows = [row for row in _all_keys(service.tables()) if row[6] == found.name]
        return _rows(sorted(rows, key=lambda row: (row[2], row[6], row[9], row[8])), FOREIGN_KEYS)
    rows = [row for row in _all_keys(service.tables()) if row[2] == found.name]
    return _rows(sorted(rows, key=lambda row: (row[6], row[9], row[8])), FOREIGN_KEYS)


def _cross_reference(message: Message, service: Backend) -> pa.Table:
    parent, child = _named(message, 1, service), _named(message, 4, service)
    rows = [
        row
        for row in _all_keys(service.tables())
        if parent is not None
        and child is not None
        and (row[2], row[6]) == (parent.name, child.name)
    ]
    return _rows(rows, FOREIGN_KEYS)


def _all_keys(tables: Mapping[str, Table]) -> Iterator[tuple[Any, ...]]:
    for name in sorted(tables):
        for number, key in enumerate(tables[name].foreign_keys, 1):
            other = key.references.rpartition(".")[2]
            pairs = zip(key.columns, key.referenced_columns, strict=True)
            for place, (column, referenced) in enumerate(pairs, 1):
                yield (
                    *(None, SCHEMA, other, referenced, None, SCHEMA, name, column),
                    *(place, f"{name}_{other}_{number}", None, _NO_ACTION, _NO_ACTION),
                )


def _named(message: Message, first: int, service: Backend) -> Table | None:
    """The table that fields of catalog, schema and name mean."""
    schema = message.optional(first + 1)
    if message.optional(first) or schema not in (None, "", SCHEMA):
        return None
    return service.tables().get(message.text(first + 2))


def _is_without_catalog(message: Message) -> bool:
    return not message.optional(1)


def _matches(pattern: str | None, name: str) -> bool:
    """Whether a name is of a pattern in which ``%`` is any text and ``_`` any character."""
    if pattern is None:
        return True
    parts = {"%": ".*", "_": "."}
    expression = "".join(parts.get(character, re.escape(character)) for character in pattern)
    return re.fullmatch(expression, name, re.DOTALL) is not None


def _rows(rows: list[tuple[Any, ...]], schema: pa.Schema) -> pa.Table:
    columns = zip(*rows, strict=True) if rows else [() for _ in schema]
    arrays = [pa.array(c, f.type) for c, f in zip(columns, schema, strict=True)]
    return pa.table(arrays, schema=schema)
