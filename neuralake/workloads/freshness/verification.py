"""Whether a table holds each record once, as it was sent: by an engine that is not the reader.

Runs in a worker.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

import pyarrow as pa

from neuralake.delta.live import LiveFiles
from neuralake.delta.place import open_store
from neuralake.results.freshness.records import Key, RoundVerification
from neuralake.storage import one_line
from neuralake.workloads.engine_reader import EngineReader
from neuralake.workloads.freshness.events import TABLE, Events
from neuralake.workloads.places import Target

QUESTION = f"""
    SELECT producer, COUNT(*) AS n, COUNT(DISTINCT number) AS numbers, MIN(number) AS least,
           MAX(number) AS most, SUM(number) AS total, SUM(amount) AS amount,
           SUM(CAST(code AS BIGINT)) AS code
    FROM {TABLE} GROUP BY producer ORDER BY producer
"""  # noqa: S608 (our own)
_COLUMNS = ("producer", "n", "numbers", "least", "most", "total", "amount", "code")


class VerifyingProcess:
    """The object in the worker."""

    def verify(
        self,
        key: Key,
        engine: str,
        target: Target,
        seed: int,
        sent: Sequence[int],
        acknowledged: Sequence[int],
    ) -> RoundVerification:
        """Compare a table with what was sent to it.

        Parameters
        ----------
        key
            Of the round.
        engine
            That reads.
        target
            The table.
        seed
            Of the records.
        sent, acknowledged
            How many records each producer has sent, and of how many it knows that they are durable.
        """
        try:
            reader = EngineReader(engine, TABLE, target)
            try:
                answer = reader.ask(QUESTION)
            finally:
                reader.close()
            live = LiveFiles(open_store(target.uri, target.options))
        except Exception as error:  # noqa: BLE001 (whatever the table makes a reader raise)
            reason = one_line(error, target.options)
            return RoundVerification(key, "wrong", engine, f"it cannot be read: {reason}")
        wrong = list(differences(answer, Events(seed), sent, acknowledged))
        rows = sum(answer[_by_name(answer)["n"]].to_pylist())
        told = sum(file.rows or 0 for file in live.files.values())
        if told != rows:
            wrong.append(f"{engine} counts {rows:,} records, the log of the table {told:,}")
        return RoundVerification(
            key,
            verdict="wrong" if wrong else "verified",
            against=engine,
            detail="; ".join(wrong) or None,
            records=rows,
            version=live.state.version,
            files=len(live.files),
        )


def differences(
    answer: pa.Table, events: Events, sent: Sequence[int], acknowledged: Sequence[int]
) -> Iterator[str]:
    """What a table lacks, has twice, or has otherwise than it was sent; nothing where it is right.

    Of what was sent and not acknowledged the first so many may be there, and nothing else.
    """
    names = _by_name(answer)
    rows = zip(*(answer[names[name]].to_pylist() for name in _COLUMNS), strict=True)
    by_producer = {row[0]: row[1:] for row in rows}
    for stranger in sorted(by_producer.keys() - set(range(len(sent)))):
        yield f"records of producer {stranger}, who does not exist"
    for producer, (most_sent, durable) in enumerate(zip(sent, acknowledged, strict=True)):
        n, numbers, least, most, total, amount, code = by_producer.get(
            producer, (0, 0, 0, -1, 0, Decimal(0), 0)
        )
        who = f"producer {producer}"
        if not durable <= n <= most_sent or (n, least, most) != (numbers, 0, n - 1):
            yield (
                f"{who}: {n:,} records with {numbers:,} different numbers from {least:,} to "
                f"{most:,}: {most_sent:,} were sent and {durable:,} acknowledged"
            )
            continue
        right = events.sums(n)
        if (int(total), Decimal(amount or 0), int(code or 0)) != (
            *(right.number, right.amount, right.code),
        ):
            yield (
                f"{who}: the records add up to {total}, {amount} and {code}: {right.number}, "
                f"{right.amount} and {right.code} were sent"
            )


def _by_name(answer: pa.Table) -> dict[str, str]:
    return {name.lower(): name for name in answer.column_names}
