"""Neuralake's reader of data files as a data source of Sail, for what it does not read rightly.

Sail runs a data source of PySpark's in the server's process. It asks for one partition a file, for
all columns, whichever a query names, and filters for itself. A time with a zone it refuses in the
schema of such a source: it is given one of UTC without, and is told the zone behind it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pyspark.sql.datasource import DataSource, DataSourceReader, InputPartition

from neuralake.arrow import with_times
from neuralake.delta.rows import FilesDataset, PlainFiles, Source
from neuralake.identifiers import backticked

if TYPE_CHECKING:
    from pyspark.sql.connect.session import SparkSession


def rows_frame(spark: SparkSession, name: str, source: Source, schema: pa.Schema) -> Any:
    """The rows of data files, read anew by each query.

    Parameters
    ----------
    spark
        The session that will read them.
    name
        Of the table.
    source
        The files.
    schema
        The table's columns, in types that Sail has.
    """
    from pyspark.sql.connect.functions import col
    from pyspark.sql.pandas.types import from_arrow_schema, to_arrow_schema

    files = PlainFiles(source.schema, source.files, source.storage_options, source.mapping)
    given = pa.schema([f.with_type(with_times(f.type, pa.timestamp("us"))) for f in schema])
    wanted, source_type = (
        from_arrow_schema(kind, prefer_timestamp_ntz=True) for kind in (schema, given)
    )

    promised = to_arrow_schema(source_type)  # fields within lists and maps by PySpark's names

    class Rows(DataSource):
        """Sail is sent the class: it holds what the reader needs."""

        @classmethod
        def name(cls) -> str:
            return f"neuralake {name}"

        def schema(self) -> Any:
            return source_type

        def reader(self, schema: Any) -> DataSourceReader:
            del schema
            return FilesReader(files, promised)

    spark.dataSource.register(Rows)
    frame = spark.read.format(Rows.name()).load()
    if source_type == wanted:
        return frame
    columns = [col(backticked(f.name)).cast(f.dataType).alias(f.name) for f in wanted]
    return frame.select(*columns)


class FilesReader(DataSourceReader):
    """Reads the files, one a partition."""

    def __init__(self, files: PlainFiles, schema: pa.Schema) -> None:
        self._files = files
        self._schema = schema

    def partitions(self) -> Sequence[InputPartition]:
        """One a file."""
        return [InputPartition(number) for number in range(len(self._files.files))]

    def read(self, partition: InputPartition) -> Iterator[pa.RecordBatch]:
        """The rows of a file, in the types that were promised."""
        fragments = list(FilesDataset(self._files).get_fragments())
        for batch in fragments[partition.value].batches(self._schema.names):
            rows = pa.Table.from_batches([batch]).cast(self._schema)
            yield from rows.combine_chunks().to_batches()
