"""What both arms of a comparison have: found out before anything is measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from neuralake.arms.processes import ArmProcess, Place
from neuralake.arms.request import Request
from neuralake.arms.tables import require_same_tables
from neuralake.arms.timed import SidedQuery
from neuralake.catalog.about import warn
from neuralake.errors import CompareError
from neuralake.queries.answers import require_columns
from neuralake.queries.query import Allowance, Query, SortKey
from neuralake.queries.shape import Tolerance
from neuralake.queries.workload import select_queries
from neuralake.results.comparison import SIDES, Side
from neuralake.tpch.parameters import parameters, stream_seed

_SEED = 1  # of the streams' parameters: the same in both arms, and in every comparison


def probe(request: Request, places: Mapping[Side, Place]) -> dict[Side, dict[str, Any]]:
    """What each arm has loaded: its tables, its queries, and what it asks in streams.

    Raises
    ------
    CompareError
        If an arm cannot run what is asked, or the two do not read the same data.
    """
    loaded = {}
    for side, place in places.items():
        process = ArmProcess(replace(place, counting=None))
        try:
            loaded[side] = process.load()
            for engine in request.engines:
                reason = process.unavailable(engine.name)
                if reason is not None:
                    raise CompareError(f"{side} {place.name} lacks {engine.name}: {reason}")
            if request.streams is not None:
                loaded[side]["streams"] = _stream_texts(process, request, request.streams)
        finally:
            process.close()
    require_same_tables(
        loaded["candidate"]["tables"], loaded["base"]["tables"], places["candidate"]
    )
    warn(dict.fromkeys(line for side in loaded.values() for line in side["deprecations"]))
    return loaded


def _stream_texts(process: ArmProcess, request: Request, streams: int) -> list[dict[str, str]]:
    """What an arm asks in streams that run at once, if it can run them."""
    place = process.place
    for engine in request.engines:
        reason = process.no_streams(engine.name)
        if reason is not None:
            raise CompareError(f"{place.side} {place.name} cannot run streams: {reason}")
    scale_factor = (request.workload.scale_factor if request.workload else None) or 1.0
    drawn = [
        parameters(stream_seed(_SEED, stream), stream, scale_factor)
        for stream in range(1, streams + 1)
    ]
    asked = [[(query.query, query.values) for query in stream] for stream in drawn]
    return process.stream_texts(asked)


def common_queries(
    loaded: Mapping[Side, Mapping[str, Any]], selection: str | None
) -> tuple[tuple[SidedQuery, ...], dict[Side, tuple[str, ...]]]:
    """The queries that both arms have, and the names of those that only one has.

    Parameters
    ----------
    loaded
        Of both arms.
    selection
        Which of them, or None for all.

    Raises
    ------
    CompareError
        If there is none.
    QueryError
        If one that is selected is not among them.
    """
    texts: dict[Side, dict[str, Any]] = {side: loaded[side]["queries"] for side in SIDES}
    both = [name for name in texts["candidate"] if name in texts["base"]]
    if not both:
        raise CompareError("the arms have no query in common: expected the same names in both")
    queries = select_queries([_query(name, texts["candidate"][name]) for name in both], selection)
    for query in queries:
        require_columns(query)
    sided = tuple(
        SidedQuery(query, {side: texts[side][query.name]["sql"] for side in SIDES})
        for query in queries
    )
    only: dict[Side, tuple[str, ...]] = {
        side: tuple(name for name in texts[side] if name not in both) for side in SIDES
    }
    return sided, only


def all_tables(loaded: Mapping[Side, Mapping[str, Any]]) -> dict[str, Any]:
    """What identifies the data of each table that either arm's queries name."""
    return {**loaded["candidate"]["tables"], **loaded["base"]["tables"]}


def _query(name: str, facts: Mapping[str, Any]) -> Query:
    return Query(
        name,
        name,
        facts["sql"],
        order_by=tuple(SortKey(*key) for key in facts["order_by"]),
        limit=facts["limit"],
        offset=facts["offset"],
        allowances=tuple(
            Allowance(Tolerance(relative, absolute), column)
            for relative, absolute, column in facts["allowances"]
        ),
    )
