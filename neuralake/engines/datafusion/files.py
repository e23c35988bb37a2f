"""Which reader gives a table's rows to DataFusion, and frames of data files by each of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, Literal
from urllib.parse import quote

import pyarrow as pa

from neuralake.delta.contents import Contents
from neuralake.delta.snapshot import Snapshot
from neuralake.engines.readers import ARROW, by_partition
from neuralake.identifiers import quoted
from neuralake.measure.scratch import Scratch

if TYPE_CHECKING:
    from datafusion import DataFrame, SessionContext

    from neuralake.delta.rows import Source

DeltaReader = Literal["snapshot-files", "table-provider", "arrow"]
SNAPSHOT_FILES: Final = "snapshot-files"
TABLE_PROVIDER: Final = "table-provider"

# Reader features that the provider of deltalake 1.6 reads rightly through DataFusion 55
_PROVIDER_FEATURES = frozenset({"columnMapping", "deletionVectors", "timestampNtz", "v2Checkpoint"})
# Up to which a query of a union of them takes less than one by deltalake's provider: of 100 a fifth
# of its time where one is asked for, half of it where all are; of 1,000 half, and twice
_MOST_PARTITIONS = 100


def arrow_frame(context: SessionContext, source: Source) -> DataFrame:
    """The rows of data files by Neuralake's reader.

    A filter of a number with a fraction stays in DataFusion: pyarrow, to which it would be handed
    down, finds NaN greater than nothing, and DataFusion greater than everything.
    """
    from datafusion import col, udf

    from neuralake.delta.rows import FilesDataset  # with pyarrow.dataset, which is slow to load

    frame = context.read_table(FilesDataset(source))
    columns = []
    for column_name, kind in zip(source.schema.names, source.schema.types, strict=True):
        column = col(quoted(column_name))
        if pa.types.is_floating(kind):
            as_it_is = udf(lambda values: values, [kind], kind, "immutable", name="as_it_is")
            column = as_it_is(column).alias(column_name)
        columns.append(column)
    return frame.select(*columns)


def linked_frame(
    context: SessionContext, links: Links, files: Sequence[str], schema: pa.Schema
) -> DataFrame:
    """The rows of local Parquet files by DataFusion's reader, as one listing of links to them.

    Parameters
    ----------
    context, links
        Whose; the links are needed for as long as the frame is.
    files
        Absolute paths.
    schema
        Columns that are taken from each file by their names, and are null where it lacks one.
    """
    return context.read_parquet(as_url(links.directory_of(files)), schema=schema)


def choose_reader(contents: Contents, preferred: DeltaReader = SNAPSHOT_FILES) -> DeltaReader:
    """The preferred reader, or the fastest other one, that gives a snapshot's rows as they are.

    deltalake's provider fails on deletion vectors under DataFusion 55, and refuses some features
    of which Neuralake knows that they change nothing. Both readers of DataFusion believe statistics
    that leave out a NaN, whatever the settings, and it gives the only other value in its place.
    """
    snapshot = contents.snapshot
    if not snapshot.files or contents.has_other_types or contents.hides_nan:
        return ARROW
    if contents.has_other_case:
        return ARROW
    suited: dict[DeltaReader, bool] = {
        preferred: False,  # to be asked first
        SNAPSHOT_FILES: snapshot.beyond_partitions is None and _are_few(snapshot),
        TABLE_PROVIDER: (
            snapshot.features <= _PROVIDER_FEATURES
            and snapshot.mapping != "id"  # it looks for columns by their names alone
            and not snapshot.has_deletions
            and not snapshot.has_variants
            and not snapshot.has_absolute_paths
            and not snapshot.has_empty_partition_values
        ),
    }
    return next((reader for reader, suits in suited.items() if suits), ARROW)


def union(frames: Sequence[DataFrame]) -> DataFrame:
    """The rows of all frames, of one after the other.

    As pairs of pairs: in a row, each with all before it, 3,000 take 17 s.
    """
    while len(frames) > 1:
        pairs = (frames[place : place + 2] for place in range(0, len(frames), 2))
        frames = [pair[0].union(pair[1]) if len(pair) > 1 else pair[0] for pair in pairs]
    return frames[0]


def _are_few(snapshot: Snapshot) -> bool:
    """Whether the partitions are few enough for a union of them."""
    return len(by_partition(placed_files(snapshot))) <= _MOST_PARTITIONS


def placed_files(snapshot: Snapshot) -> list[tuple[str, Mapping[str, pa.Scalar]]]:
    """Files of a snapshot, each with the values of the partition columns by their names."""
    return [(file.uri, file.partition) for file in snapshot.files]


class Links:
    """Directories of links, each of just the files of one table.

    A table's own directory may hold more than them at any moment, and of a list of files
    DataFusion's Python package takes none.
    """

    def __init__(self) -> None:
        self._scratch: Scratch | None = None  # which goes with the process, if that is killed
        self._count = 0

    def directory_of(self, files: Sequence[str]) -> str:
        """A new directory with a link to each file."""
        if self._scratch is None:
            self._scratch = Scratch()
        directory = self._scratch.directory / str(self._count)
        directory.mkdir()
        self._count += 1
        for number, file in enumerate(files):
            (directory / f"{number:08d}.parquet").symlink_to(file)
        return f"{directory}/"

    def remove(self) -> None:
        """Remove all of them."""
        if self._scratch is not None:
            self._scratch.remove()
            self._scratch = None


def register_bucket(context: SessionContext, bucket: str, options: Mapping[str, str]) -> None:
    """Let DataFusion reach a bucket."""
    from datafusion.object_store import AmazonS3

    store = AmazonS3(
        bucket_name=bucket,
        region=options.get("aws_region"),
        access_key_id=options.get("aws_access_key_id"),
        secret_access_key=options.get("aws_secret_access_key"),
        session_token=options.get("aws_session_token"),
        endpoint=options.get("aws_endpoint_url"),
        allow_http=options.get("aws_allow_http") == "true",
    )
    context.register_object_store("s3://", store)


def as_remote_url(uri: str) -> str:
    """The URI of an object or a prefix, whose every character means itself."""
    return f"s3://{quote(uri.removeprefix('s3://'))}"


def as_url(path: str) -> str:
    """A path whose every character means itself: in one without a scheme some make a pattern."""
    return f"file://{quote(path)}"
