"""Functions that Spark's executors run, each call a task of its own.

By DataFrames and not by RDDs, so that it is the same on a cluster and behind Spark Connect. Source:
Apache Spark, "Apache Arrow in PySpark", ``DataFrame.mapInArrow``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from typing import TYPE_CHECKING

import pyarrow as pa

from neuralake.engines.spark.engine import SparkEngine
from neuralake.errors import EngineError, telling_part

if TYPE_CHECKING:
    from collections.abc import Iterable

    from neuralake.engines.spark.options import SparkOptions
    from neuralake.tpch.spread import Hands

# The last line of what a Python of an executor raised
_RAISED = re.compile(
    r"^(?:[A-Za-z_][\w.]*\.)?(?P<kind>[A-Za-z_]\w*(?:Error|Exception)): (?P<words>.*)", re.MULTILINE
)


@contextmanager
def spark_tasks(options: SparkOptions) -> Iterator[Hands]:
    """Calls on the executors of a Spark, which the first call starts and the block ends.

    Parameters
    ----------
    options
        Which Spark; its executors' Python must have Neuralake installed.

    Raises
    ------
    EngineError
        If it can be told at once that this Spark is not to be had.
    """
    SparkEngine.prepare(options)
    with ExitStack() as stack:

        def call(function: Callable[[bytes], bytes], jobs: Sequence[bytes]) -> Iterator[bytes]:
            engine = stack.enter_context(closing(SparkEngine(options)))
            return SparkTasks(engine)(function, jobs)

        yield call


class SparkTasks:
    """Calls of a function on the executors of a Spark.

    Parameters
    ----------
    engine
        That was started; its executors' Python must have Neuralake installed.
    """

    def __init__(self, engine: SparkEngine) -> None:
        self._engine = engine

    def __call__(
        self, function: Callable[[bytes], bytes], jobs: Sequence[bytes]
    ) -> Iterator[bytes]:
        """Call a function with each job, each in a task; one that fails is tried again by Spark.

        Raises
        ------
        EngineError
            If a task fails for good: the message has its last error.
        """
        given = tuple(jobs)

        def call(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            for batch in batches:
                answers = [function(given[number]) for number in batch["id"].to_pylist()]
                yield pa.record_batch({"answer": pa.array(answers, pa.binary())})

        session = self._engine.new_session()
        try:
            numbers = session.range(0, len(given), 1, len(given))
            answers = numbers.mapInArrow(call, "answer binary").toArrow()
        except Exception as error:
            raise EngineError(f"spark: {_reason(str(error))}") from error
        yield from answers["answer"].to_pylist()


def _reason(text: str) -> str:
    """What a task raised, without the stacks of two languages around it."""
    found = [match for match in _RAISED.finditer(text) if match["kind"] != "PythonException"]
    if not found:
        return telling_part(text) or text.partition("\n")[0]
    kind, words = found[0]["kind"], found[0]["words"]
    if kind == "ModuleNotFoundError" and "neuralake" in words:
        return (
            "the executors' Python has no neuralake: install neuralake-bench there, and name that "
            "Python (spark:python=/path/to/python)"
        )
    return words
