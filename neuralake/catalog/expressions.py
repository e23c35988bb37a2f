"""Expressions of computed columns: SQL that means the same to every engine, or is refused.

What engines compute differently is taken out of their hands. A text is parsed; what is in it must
be known here; every part has a type by rules of its own (below), and where these are not an
engine's, casts are written into its SQL. Whole numbers are computed in 64 bits; decimals are exact,
with the scale that the result needs; ``/`` is of doubles, and null where the divisor is 0; a
comparison is of two values of one type. Nothing is cast to another kind but by ``CAST``.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from neuralake.arrow import plain_type
from neuralake.catalog.dialects import Dialect
from neuralake.errors import CatalogError, did_you_mean

if TYPE_CHECKING:
    from sqlglot import exp

_INT, _FLOAT, _TEXT, _BOOL = pa.int64(), pa.float64(), pa.string(), pa.bool_()
_DIGITS = 38
# Up to which Spark keeps the scale of a product that has more digits than there are
_KEPT_SCALE = 6
_INT_DIGITS = 19
_NARROW = 18  # digits of a decimal in 64 bits
_PARTS = ("YEAR", "QUARTER", "MONTH", "DAY", "HOUR", "MINUTE")
_COMPARED = {"EQ": "=", "NEQ": "<>", "LT": "<", "LTE": "<=", "GT": ">", "GTE": ">="}
_COMPUTED = {"Add": "+", "Sub": "-", "Mul": "*"}
_KNOWN = (
    "columns, literals, + - * /, comparisons, AND, OR, NOT, IN, BETWEEN, IS NULL, LIKE, CASE, "
    "COALESCE, NULLIF, ABS, ||, UPPER, LOWER, TRIM, SUBSTRING, EXTRACT, CAST"
)


@dataclass(frozen=True)
class Typed:
    """A part of an expression: its SQL, and its type; that of a mere NULL is ``null``."""

    sql: str
    type: pa.DataType


def parse_expression(place: str, text: object) -> exp.Expr:
    """The one expression in a text.

    Parameters
    ----------
    place
        Of which column, for messages.
    text
        SQL.

    Raises
    ------
    CatalogError
        If it is none.
    """
    import sqlglot
    from sqlglot import exp
    from sqlglot.errors import SqlglotError

    if not isinstance(text, str) or not text.strip():
        raise CatalogError(f"{place} has the expression {text!r}: expected SQL, such as 'a + b'")
    try:
        statements = sqlglot.parse(f"SELECT {text}")
    except (SqlglotError, RecursionError):
        statements = []
    found = statements[0] if len(statements) == 1 else None
    if not isinstance(found, exp.Select) or len(found.expressions) != 1 or len(_given(found)) > 1:
        raise CatalogError(f"{place} has the expression {text!r}, which is not one of SQL")
    parsed: exp.Expr = found.expressions[0]
    return parsed


def _given(select: exp.Expr) -> list[str]:
    return [name for name, value in select.args.items() if value]


def compute(place: str, text: str, kind: pa.DataType, schema: pa.Schema, dialect: Dialect) -> str:
    """An expression in an engine's SQL, of the type that its column is declared to have.

    Parameters
    ----------
    place
        Of which column, for messages.
    text
        As it was declared.
    kind
        The declared type.
    schema
        Of the stored columns, to which it may refer.
    dialect
        The engine's.

    Raises
    ------
    CatalogError
        If it refers to what is not there, has a part that engines compute differently, or another
        type than declared.
    """
    typed = _Typing(place, schema, dialect).of(parse_expression(place, text))
    declared = plain_type(kind)
    name = dialect.type(declared)
    if name is None or (pa.types.is_timestamp(declared) and declared.tz is not None):
        raise CatalogError(
            f"{place} is declared as {kind}, which no expression has: expected a whole number, a "
            f"float, a decimal, a text, a truth value, a date, or a time in microseconds"
        )
    if not _fits(typed.type, declared):
        hint = f": say CAST(… AS {_spoken(declared)})" if _casts(typed.type, declared) else ""
        raise CatalogError(
            f"{place} is declared as {kind}, and its expression is {_said(typed.type)}{hint}"
        )
    return f"CAST({typed.sql} AS {name})"


def _fits(found: pa.DataType, declared: pa.DataType) -> bool:
    if pa.types.is_null(found) or found == declared:
        return True
    if found == _INT:
        return bool(pa.types.is_integer(declared))
    if found == _FLOAT:
        return bool(pa.types.is_float32(declared))
    if pa.types.is_decimal(found) and pa.types.is_decimal(declared):
        return bool(found.scale <= declared.scale)
    return bool(pa.types.is_timestamp(found) and pa.types.is_timestamp(declared) and not found.tz)


def _casts(found: pa.DataType, wanted: pa.DataType) -> bool:
    """Whether CAST does the same everywhere."""
    is_number = found == _INT or pa.types.is_decimal(found)
    if pa.types.is_decimal(wanted):
        narrower = pa.types.is_decimal(found) and found.scale <= wanted.scale
        return bool(found == _INT or narrower)
    return bool(
        found == wanted
        or (is_number and wanted == _FLOAT)
        or (found == _INT and wanted == _TEXT)
        or (pa.types.is_timestamp(found) and wanted == pa.date32())
    )


def _certain(condition: str) -> str:
    """Whether a condition is true: of one that is null Daft 0.7 makes a CASE null."""
    return f"COALESCE({condition}, FALSE)"


def _said(kind: pa.DataType) -> str:
    return "text" if kind == _TEXT else str(kind)


def _spoken(kind: pa.DataType) -> str:
    from neuralake.catalog.dialects import DUCKDB

    return DUCKDB.type(kind) or str(kind)


class _Typing:
    """Types and SQL of an expression's parts."""

    def __init__(self, place: str, schema: pa.Schema, dialect: Dialect) -> None:
        self._place = place
        self._schema = schema
        self._dialect = dialect
        self._rules: Mapping[str, Callable[[exp.Expr], Typed]] = {
            "Column": self._column,
            "Literal": self._literal,
            "Boolean": lambda node: Typed("TRUE" if node.this else "FALSE", _BOOL),
            "Null": lambda _: Typed("NULL", pa.null()),
            "Paren": lambda node: self.of(node.this),
            "Neg": self._negative,
            "Div": self._quotient,
            "And": lambda node: self._truths(node, "AND"),
            "Or": lambda node: self._truths(node, "OR"),
            "Not": lambda node: Typed(f"(NOT {self._truth(node.this)})", _BOOL),
            "Is": self._is_null,
            "In": self._among,
            "Between": self._between,
            "Case": self._case,
            "Coalesce": self._coalesce,
            "Nullif": self._null_if,
            "Abs": self._absolute,
            "DPipe": lambda node: self._joined([node.this, node.expression]),
            "Concat": lambda node: self._joined(node.expressions),
            "Upper": lambda node: Typed(f"UPPER({self._text(node.this)})", _TEXT),
            "Lower": lambda node: Typed(f"LOWER({self._text(node.this)})", _TEXT),
            "Trim": self._trimmed,
            "Substring": self._part_of_text,
            "Like": self._like,
            "Extract": lambda node: self._extract(node.name.upper(), node.expression),
            "Year": lambda node: self._extract("YEAR", node.this),
            "Month": lambda node: self._extract("MONTH", node.this),
            "Day": lambda node: self._extract("DAY", node.this),
            "Cast": self._cast,
            **dict.fromkeys(_COMPARED, self._comparison),
            **dict.fromkeys(_COMPUTED, self._computation),
        }

    def of(self, node: exp.Expr) -> Typed:
        """A part, typed."""
        rule = self._rules.get(type(node).__name__)
        if rule is None:
            raise self._refused(
                f"{node.sql()!r:.60} is not known to be the same on all engines: there are {_KNOWN}"
            )
        return rule(node)

    def _refused(self, reason: str) -> CatalogError:
        return CatalogError(f"{self._place}: {reason}")

    def _column(self, node: exp.Expr) -> Typed:
        name = node.name
        if node.args.get("table") is not None:
            raise self._refused(f"{node.sql()} has a dot: expected the bare name of a column")
        if name not in self._schema.names:
            there_are = ", ".join(self._schema.names)
            hint = did_you_mean(name, self._schema.names)
            raise self._refused(f"no stored column {name}: there are {there_are}{hint}")
        kind = plain_type(self._schema.field(name).type)
        sql = self._dialect.quote(name)
        types = pa.types
        if types.is_integer(kind) and kind != pa.uint64():
            return Typed(sql if kind == _INT else f"CAST({sql} AS BIGINT)", _INT)
        if types.is_float32(kind) or types.is_float64(kind):
            return Typed(sql if kind == _FLOAT else f"CAST({sql} AS DOUBLE)", _FLOAT)
        if types.is_timestamp(kind):
            return Typed(sql, pa.timestamp("us", kind.tz))
        return Typed(sql, kind)

    def _literal(self, node: exp.Expr) -> Typed:
        text = str(node.this)
        if node.is_string:
            return Typed(self._dialect.text(text), _TEXT)
        if text.isdecimal():
            if int(text) >= 2**63:
                raise self._refused(f"{text} is more than 64 bits hold")
            return Typed(text, _INT)
        whole, _, fraction = text.partition(".")
        digits = len(whole.lstrip("0")) + len(fraction)
        if not (whole + fraction).isdecimal() or digits > _DIGITS:
            raise self._refused(f"the number {text}: expected such as 0.05, of up to 38 digits")
        return self._as_decimal(Typed(f"'{text}'", _TEXT), max(digits, 1), len(fraction))

    def _as_decimal(self, typed: Typed, precision: int, scale: int) -> Typed:
        kind = pa.decimal128(precision, scale)
        if typed.type == kind:
            return typed
        return Typed(f"CAST({typed.sql} AS {self._dialect.type(kind)})", kind)

    def _as_float(self, typed: Typed) -> Typed:
        if typed.type == _FLOAT:
            return typed
        return Typed(f"CAST({typed.sql} AS DOUBLE)", _FLOAT)

    def _number(self, node: exp.Expr) -> Typed:
        typed = self.of(node)
        if typed.type in (_INT, _FLOAT) or pa.types.is_decimal128(typed.type):
            return typed
        raise self._refused(f"{node.sql()} is {_said(typed.type)}: expected a number")

    def _text(self, node: exp.Expr) -> str:
        typed = self.of(node)
        if typed.type != _TEXT:
            raise self._refused(f"{node.sql()} is {_said(typed.type)}: expected a text")
        return typed.sql

    def _truth(self, node: exp.Expr) -> str:
        typed = self.of(node)
        if typed.type != _BOOL:
            raise self._refused(f"{node.sql()} is {_said(typed.type)}: expected a condition")
        return typed.sql

    def _truths(self, node: exp.Expr, operator: str) -> Typed:
        sides = self._truth(node.this), self._truth(node.expression)
        return Typed(f"({sides[0]} {operator} {sides[1]})", _BOOL)

    def _decimals(self, parts: Sequence[Typed]) -> list[Typed]:
        """Numbers of which none is a float, the whole ones as decimals."""
        return [
            self._as_decimal(p, len(p.sql) if p.sql.isdecimal() else _INT_DIGITS, 0)
            if p.type == _INT
            else p
            for p in parts
        ]

    def _alike(self, nodes: Sequence[exp.Expr], *, what: str) -> tuple[list[Typed], pa.DataType]:
        """Parts as values of one type."""
        parts = [self.of(node) for node in nodes]
        kinds = {part.type for part in parts} - {pa.null()}
        if not kinds:
            return parts, pa.null()
        if len(kinds) == 1:
            return parts, kinds.pop()
        if not all(k in (_INT, _FLOAT) or pa.types.is_decimal128(k) for k in kinds):
            said = " and ".join(sorted(map(_said, kinds)))
            raise self._refused(f"{what} of {said}: expected one type, by CAST")
        if _FLOAT in kinds:
            return [p if pa.types.is_null(p.type) else self._as_float(p) for p in parts], _FLOAT
        decimals = self._decimals([p for p in parts if not pa.types.is_null(p.type)])
        scale = max(d.type.scale for d in decimals)
        whole = max(d.type.precision - d.type.scale for d in decimals)
        common = self._exact(whole + scale, scale)
        return [
            p if pa.types.is_null(p.type) else self._as_decimal(p, common.precision, scale)
            for p in parts
        ], common

    def _exact(self, precision: int, scale: int) -> pa.DataType:
        if precision > _DIGITS and scale > _KEPT_SCALE:
            raise self._refused(
                f"a result needs {precision} digits, {scale} of them after the point, and decimals "
                f"have 38: CAST to fewer, or to DOUBLE"
            )
        return pa.decimal128(min(precision, _DIGITS), scale)

    def _computation(self, node: exp.Expr) -> Typed:
        sides = [self._number(node.this), self._number(node.expression)]
        operator = _COMPUTED[type(node).__name__]
        kinds = {side.type for side in sides}
        if kinds == {_INT}:
            kind = _INT
        elif _FLOAT in kinds:
            sides, kind = [self._as_float(side) for side in sides], _FLOAT
        else:
            left, right = sides = self._decimals(sides)
            if operator == "*":
                precision = left.type.precision + right.type.precision + 1
                kind = self._exact(precision, left.type.scale + right.type.scale)
            else:
                scale = max(left.type.scale, right.type.scale)
                whole = max(s.type.precision - s.type.scale for s in sides)
                kind = self._exact(whole + scale + 1, scale)
            if self._dialect.narrows and kind.precision > _NARROW:
                wide = max(left.type.precision, _NARROW + 1)
                sides = [self._as_decimal(left, wide, left.type.scale), right]
        return Typed(f"({sides[0].sql} {operator} {sides[1].sql})", kind)

    def _quotient(self, node: exp.Expr) -> Typed:
        above, below = (self._as_float(self._number(n)).sql for n in (node.this, node.expression))
        zero = "CAST(0 AS DOUBLE)"
        return Typed(f"(CASE WHEN {below} = {zero} THEN NULL ELSE {above} / {below} END)", _FLOAT)

    def _negative(self, node: exp.Expr) -> Typed:
        if type(node.this).__name__ == "Literal" and str(node.this.this) == str(2**63):
            return Typed(
                f"(- {2**63 - 1} - 1)", _INT
            )  # no engine's literal has it without its sign
        typed = self._number(node.this)
        return Typed(f"(- {typed.sql})", typed.type)

    def _absolute(self, node: exp.Expr) -> Typed:
        typed = self._number(node.this)
        zero = self._zero(typed.type)
        return Typed(
            f"(CASE WHEN {typed.sql} < {zero} THEN - {typed.sql} ELSE {typed.sql} END)", typed.type
        )

    def _zero(self, kind: pa.DataType) -> str:
        return "0" if kind == _INT else f"CAST(0 AS {self._dialect.type(kind)})"

    def _comparison(self, node: exp.Expr) -> Typed:
        return self._compared(node.this, _COMPARED[type(node).__name__], node.expression)

    def _compared(self, left: exp.Expr, operator: str, right: exp.Expr) -> Typed:
        sides, kind = self._alike([left, right], what="a comparison")
        if any(pa.types.is_null(side.type) for side in sides):
            raise self._refused("a comparison with NULL is never true: say IS NULL")
        if pa.types.is_nested(kind) or pa.types.is_binary(kind):
            raise self._refused(f"{left.sql()} is {kind}, of which only IS NULL can be asked")
        return Typed(f"({sides[0].sql} {operator} {sides[1].sql})", _BOOL)

    def _is_null(self, node: exp.Expr) -> Typed:
        if type(node.expression).__name__ != "Null":
            raise self._refused(f"{node.sql()}: expected IS NULL, or IS NOT NULL")
        return Typed(f"({self.of(node.this).sql} IS NULL)", _BOOL)

    def _among(self, node: exp.Expr) -> Typed:
        if not node.expressions:
            raise self._refused(f"{node.sql()!r:.60}: expected IN with a list of values")
        found = [self._compared(node.this, "=", value).sql for value in node.expressions]
        return Typed(f"({' OR '.join(found)})", _BOOL)

    def _between(self, node: exp.Expr) -> Typed:
        low, high = (
            self._compared(node.this, operator, node.args[side]).sql
            for operator, side in ((">=", "low"), ("<=", "high"))
        )
        return Typed(f"({low} AND {high})", _BOOL)

    def _case(self, node: exp.Expr) -> Typed:
        subject, default = node.this, node.args.get("default")
        branches = node.args["ifs"]
        conditions = [
            self._truth(b.this) if subject is None else self._compared(subject, "=", b.this).sql
            for b in branches
        ]
        results = [branch.args["true"] for branch in branches]
        typed, kind = self._alike([*results, *([default] if default else [])], what="a CASE")
        whens = [
            f"WHEN {_certain(c)} THEN {t.sql}" for c, t in zip(conditions, typed, strict=False)
        ]
        otherwise = typed[-1].sql if default else "NULL"
        return Typed(f"(CASE {' '.join(whens)} ELSE {otherwise} END)", kind)

    def _coalesce(self, node: exp.Expr) -> Typed:
        typed, kind = self._alike([node.this, *node.expressions], what="a COALESCE")
        return Typed(f"COALESCE({', '.join(part.sql for part in typed)})", kind)

    def _null_if(self, node: exp.Expr) -> Typed:
        kept = self.of(node.this)
        equal = self._compared(node.this, "=", node.expression).sql
        return Typed(f"(CASE WHEN {_certain(equal)} THEN NULL ELSE {kept.sql} END)", kept.type)

    def _joined(self, nodes: Sequence[exp.Expr]) -> Typed:
        texts = [self._text(node) for node in nodes]
        if self._dialect.has_pipes:
            return Typed(f"({' || '.join(texts)})", _TEXT)
        return Typed(f"CONCAT({', '.join(texts)})", _TEXT)

    def _trimmed(self, node: exp.Expr) -> Typed:
        if node.expression is not None or node.args.get("position"):
            raise self._refused(f"{node.sql()}: expected TRIM of a text alone")
        return Typed(self._dialect.trim.replace("{}", self._text(node.this)), _TEXT)

    def _part_of_text(self, node: exp.Expr) -> Typed:
        numbers = []
        for name in ("start", "length"):
            number = node.args.get(name)
            text = "" if number is None else str(number.this)
            if not text.isdecimal() or (name == "start" and int(text) < 1):
                raise self._refused(f"{node.sql()}: expected SUBSTRING(text, start from 1, length)")
            numbers.append(text)
        text = self._text(node.this)
        part = f"SUBSTRING({text}, {', '.join(numbers)})"
        # Behind the end of a text Daft 0.7 finds no empty text but null
        return Typed(f"(CASE WHEN {text} IS NULL THEN NULL ELSE COALESCE({part}, '') END)", _TEXT)

    def _like(self, node: exp.Expr) -> Typed:
        pattern = node.expression
        if not pattern.is_string or "\\" in str(pattern.this):
            raise self._refused(f"{node.sql()}: expected LIKE with a text that has no backslash")
        found = f"{self._text(node.this)} LIKE {self._dialect.text(str(pattern.this))}"
        return Typed(f"({found})", _BOOL)

    def _extract(self, part: str, node: exp.Expr) -> Typed:
        typed = self.of(node)
        is_time = pa.types.is_timestamp(typed.type)
        if part not in _PARTS or not (is_time or pa.types.is_date(typed.type)):
            raise self._refused(
                f"EXTRACT({part} FROM {node.sql()}): expected {', '.join(_PARTS)} of a date or time"
            )
        if part in ("HOUR", "MINUTE") and not is_time:
            raise self._refused(f"a date has no {part}")
        return Typed(f"CAST(EXTRACT({part} FROM {typed.sql}) AS BIGINT)", _INT)

    def _cast(self, node: exp.Expr) -> Typed:
        wanted = self._wanted(node.args["to"])
        inner = node.this
        if inner.is_string and (wanted == pa.date32() or pa.types.is_timestamp(wanted)):
            return self._moment(str(inner.this), wanted)
        typed = self.of(inner)
        if not (pa.types.is_null(typed.type) or _casts(typed.type, wanted)):
            raise self._refused(
                f"a CAST of {_said(typed.type)} to {node.args['to'].sql()} is not known to be the "
                f"same on all engines"
            )
        return Typed(f"CAST({typed.sql} AS {self._dialect.type(wanted)})", wanted)

    def _wanted(self, node: exp.Expr) -> pa.DataType:
        name = node.this.name
        if name == "DECIMAL" and len(node.expressions) == 2:
            precision, scale = (int(e.name) for e in node.expressions)
            if 1 <= precision <= _DIGITS and 0 <= scale <= precision:
                return pa.decimal128(precision, scale)
        known = {
            "BIGINT": _INT,
            "DOUBLE": _FLOAT,
            "VARCHAR": _TEXT,
            "TEXT": _TEXT,
            "DATE": pa.date32(),
            "TIMESTAMP": pa.timestamp("us"),
        }
        if name not in known:
            raise self._refused(
                f"a CAST to {node.sql()}: expected BIGINT, DOUBLE, DECIMAL(p, s), VARCHAR, DATE or "
                f"TIMESTAMP"
            )
        return known[name]

    def _moment(self, text: str, wanted: pa.DataType) -> Typed:
        is_date = wanted == pa.date32()
        try:
            value = dt.date.fromisoformat(text) if is_date else dt.datetime.fromisoformat(text)
        except ValueError:
            value = None
        if value is None or getattr(value, "tzinfo", None) is not None:
            raise self._refused(f"{text!r} is no {'date' if is_date else 'time without a zone'}")
        plain = value.isoformat() if is_date else str(value)
        return Typed(f"CAST('{plain}' AS {self._dialect.type(wanted)})", wanted)
