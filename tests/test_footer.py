"""Footers of any length, and those of files of which parts are encrypted."""

from __future__ import annotations

import base64
from contextlib import closing
from pathlib import Path

import deltalake
import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.parquet.encryption as pe
import pytest
from pyarrow.fs import LocalFileSystem

from neuralake.catalog import DeltaTable, ParquetTable
from neuralake.engines.registry import EngineSpec, start
from neuralake.errors import NeuralakeError
from neuralake.footer import read_footer

ROWS = pa.table({"k": [1, 2], "v": [1.0, 2.0]})


class NoSecret(pe.KmsClient):  # type: ignore[misc]
    """Wraps keys in nothing."""

    def wrap_key(self, key: bytes, _: str) -> bytes:
        return base64.b64encode(key)

    def unwrap_key(self, wrapped: bytes, _: str) -> bytes:
        return base64.b64decode(wrapped)


def write_encrypted(path: Path, *, plaintext_footer: bool) -> None:
    config = pe.EncryptionConfiguration(
        footer_key="f", column_keys={"c": ["v"]}, plaintext_footer=plaintext_footer
    )
    factory = pe.CryptoFactory(lambda _: NoSecret())
    properties = factory.file_encryption_properties(pe.KmsConnectionConfig(), config)
    with pq.ParquetWriter(path, ROWS.schema, encryption_properties=properties) as writer:
        writer.write_table(ROWS)


@pytest.mark.parametrize("columns", [1, 2_000])
def test_a_footer_of_any_length(columns: int, tmp_path: Path) -> None:
    """As Arrow reads it from the whole file."""
    path = tmp_path / "file.parquet"
    pq.write_table(pa.table({f"column {i}": [i] for i in range(columns)}), path)
    footer = read_footer(LocalFileSystem(), str(path))
    assert footer.equals(pq.read_metadata(path))
    assert (footer.serialized_size > 64 << 10) == (columns > 1)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "0 bytes"),
        (b"PAR1", "4 bytes"),
        (b"no Parquet " * 10, "magic bytes"),
        (b"PAR1" + b"\xff\xff\xff\x7fPAR1", "size reported by footer"),
    ],
)
def test_what_has_no_footer(content: bytes, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "file.parquet"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=reason):
        read_footer(LocalFileSystem(), str(path))
    with pytest.raises(FileNotFoundError):
        read_footer(LocalFileSystem(), str(tmp_path / "absent"))


@pytest.mark.parametrize("engine", ["polars", "datafusion", "duckdb"])
@pytest.mark.parametrize("plaintext_footer", [True, False])
@pytest.mark.parametrize("is_delta", [True, False])
def test_encrypted_columns_end_no_process(
    engine: str, plaintext_footer: bool, is_delta: bool, tmp_path: Path
) -> None:
    """Arrow throws through C, and all is over, when it is asked for statistics of such a column."""
    uri = tmp_path / "t"
    if is_delta:
        deltalake.write_deltalake(uri, ROWS)
        (file,) = uri.glob("*.parquet")
        write_encrypted(file, plaintext_footer=plaintext_footer)
        table: DeltaTable | ParquetTable = DeltaTable(name="t", location=str(uri))
    else:
        uri.mkdir()
        write_encrypted(uri / "1.parquet", plaintext_footer=plaintext_footer)
        table = ParquetTable(name="t", location=str(uri))
    reason = "it has encrypted columns" if plaintext_footer else "encrypted metadata"
    with (
        closing(start(EngineSpec(engine, {}))) as started,
        pytest.raises(NeuralakeError, match=f"^table t: .*{reason}"),
    ):
        started.open({"t": table}).execute("SELECT k, v FROM t")
