"""A plan from what was asked for, checked before anything is started."""

from __future__ import annotations

from neuralake.catalog.load import load_catalog
from neuralake.config import Settings
from neuralake.errors import PipelineError
from neuralake.pipeline.parts import Plan
from neuralake.serving.run import check_serve_extra
from neuralake.sources.address import Address
from neuralake.sources.kafka.source import check_kafka_extra
from neuralake.writer.destination import find_destination
from neuralake.writer.task import SourceSpec

_MOST_A_SECOND = 10_000_000


def make_plan(
    settings: Settings,
    *,
    table: str,
    catalog: str,
    source: str | None,
    rate: float,
    partitions: int,
    duration_s: float | None,
    listen: str,
    moment: str | None,
) -> Plan:
    """The plan of a pipeline.

    Parameters
    ----------
    settings
        The environment's.
    table, catalog
        A table by its name, and the file or module in which it is declared.
    source
        ``kafka://broker/topic``, or None for a broker and events of its own.
    rate
        Events a second.
    partitions
        Of the topic that is made.
    duration_s
        How long, or None.
    listen
        ``host:port`` of the API.
    moment
        Timestamp column by which the age of an answer is told, or None.

    Raises
    ------
    NeuralakeError
        If one of them is not what it should be.
    """
    check_serve_extra()
    check_kafka_extra()
    if not 0 < rate <= _MOST_A_SECOND:
        raise PipelineError(f"--rate is {rate:g}: expected more than 0, at most {_MOST_A_SECOND:,}")
    address = Address.parse(listen)
    if not address.is_loopback():
        raise PipelineError(
            f"--listen is {listen}: expected an address of this machine alone, such as "
            "127.0.0.1:8080; for others there is neuralake serve"
        )
    address.check_free()
    if source is not None and SourceSpec.parse(source).kind != "kafka":
        raise PipelineError(f"--from is {source}: expected kafka://HOST:PORT/TOPIC")
    destination = find_destination(table, load_catalog(catalog, settings), settings)
    if moment is not None and destination.columns:
        names = [column.name for column in destination.columns]
        if moment not in names:
            raise PipelineError(
                f"--moment is {moment}: table {table} has no such column; it has {', '.join(names)}"
            )
    return Plan(
        destination=destination,
        catalog=catalog,
        listen=address,
        source=source,
        rate=rate,
        partitions=partitions,
        duration_s=duration_s,
        moment=moment,
    )
