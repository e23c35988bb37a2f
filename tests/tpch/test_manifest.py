from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import deltalake
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuralake.errors import DatasetError
from neuralake.tpch.existing import load_manifest
from neuralake.tpch.generate import generate
from neuralake.tpch.layout import Layout
from neuralake.tpch.manifest import (
    FORMAT,
    SCHEMA_VERSION,
    DataFile,
    GeneratedTable,
    Manifest,
)
from neuralake.tpch.scale import TABLE_NAMES, row_count
from tests.tpch.conftest import Generated

digests = st.text("0123456789abcdef", min_size=64, max_size=64)
layouts = st.builds(
    Layout,
    row_group_bytes=st.integers(2**20, 128 * 2**20),
    compression=st.sampled_from(["SNAPPY", "zstd(22)", "Gzip(0)", "LZ4_RAW"]),
    files_per_table=st.integers(50, 10_000),
)


@st.composite
def manifests(draw: st.DrawFn) -> Manifest:
    scale_factor = draw(st.floats(0.001, 100))
    tables = {}
    for name in TABLE_NAMES:
        files = tuple(
            DataFile(path=f"{name}/{i}.parquet", size_bytes=draw(st.integers(0)), sha256="0" * 64)
            for i in range(draw(st.integers(1, 3)))
        )
        tables[name] = GeneratedTable(
            rows=draw(st.sampled_from(row_count(name, scale_factor))),
            size_bytes=sum(file.size_bytes for file in files),
            schema=draw(st.text()),
            delta_version=0,
            log=DataFile(path=f"{name}/_delta_log/0.json", size_bytes=1, sha256=draw(digests)),
            files=files,
        )
    return Manifest(
        format=FORMAT,
        schema_version=SCHEMA_VERSION,
        generator=draw(st.text()),
        scale_factor=scale_factor,
        layout=draw(layouts),
        tables=tables,
        checksum=draw(st.sampled_from(["content", "blocks"])),
    )


@given(manifests())
def test_what_is_written_is_read(manifest: Manifest) -> None:
    assert Manifest.from_json(manifest.to_json()) == manifest


@given(manifests(), st.data())
def test_a_damaged_document_is_refused_or_understood(
    manifest: Manifest, data: st.DataObject
) -> None:
    document = bytearray(manifest.to_json())
    position = data.draw(st.integers(0, len(document) - 2))
    if data.draw(st.booleans()):
        del document[position:]
    else:
        document[position] = data.draw(st.integers(0, 255))
    try:
        read = Manifest.from_json(bytes(document))
    except DatasetError as error:
        assert "\n" not in str(error)
    else:
        assert isinstance(read, Manifest)


def test_a_whole_dataset_is_accepted(generated: Generated) -> None:
    found = load_manifest(str(generated.path), scale_factor=0.01, verify=True)
    assert found == generated.manifest
    assert {name: table.rows for name, table in found.tables.items()} == {
        "region": 5,
        "nation": 25,
        "supplier": 100,
        "customer": 1500,
        "part": 2000,
        "partsupp": 8000,
        "orders": 15_000,
        "lineitem": 60_175,
    }
    assert found.generator == "tpchgen-cli 4.0.0"
    assert json.loads(json.dumps(found.facts()))["layout"]["files_per_table"] == 3


def test_an_absent_dataset_is_told_with_the_command_that_makes_it(tmp_path: Path) -> None:
    absent = tmp_path / "sf1"
    command = f"neuralake generate --scale-factor 1 --to {absent}"
    with pytest.raises(DatasetError, match=f"no dataset at {absent}: make it with {command}"):
        load_manifest(str(absent), scale_factor=1)
    absent.mkdir()
    with pytest.raises(DatasetError, match="--scale-factor S"):
        load_manifest(str(absent))


def test_other_places_are_told_for_what_they_are(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").touch()
    with pytest.raises(DatasetError, match=r"holds 'photo\.jpg' and no manifest\.json"):
        load_manifest(str(tmp_path))
    with pytest.raises(DatasetError, match=r"photo\.jpg is a file: a dataset is a directory"):
        load_manifest(str(tmp_path / "photo.jpg"))


def test_another_scale_factor_or_layout_than_asked_is_refused(generated: Generated) -> None:
    uri = str(generated.path)
    with pytest.raises(DatasetError, match=r"has scale factor 0\.01, not 0\.1: choose another"):
        load_manifest(uri, scale_factor=0.1)
    layout = Layout(row_group_bytes=2**20, compression="ZSTD(1)")
    difference = r"compression SNAPPY and not ZSTD\(1\), files per table 3 and not 1: choose"
    with pytest.raises(DatasetError, match=difference):
        load_manifest(uri, layout=layout)


@pytest.fixture
def dataset(generated: Generated, tmp_path: Path) -> Path:
    """A copy that may be damaged."""
    return Path(shutil.copytree(generated.path, tmp_path / "sf0.01"))


def _edit(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], None]:
    def damage(dataset: Path) -> None:
        document = json.loads((dataset / "manifest.json").read_bytes())
        change(document)
        (dataset / "manifest.json").write_text(json.dumps(document))

    return damage


def _truncate(dataset: Path) -> None:
    document = (dataset / "manifest.json").read_bytes()
    (dataset / "manifest.json").write_bytes(document[: len(document) // 2])


def _append(dataset: Path) -> None:
    region = deltalake.DeltaTable(dataset / "region")
    deltalake.write_deltalake(region, region.to_pyarrow_table(), mode="append")


DAMAGE: dict[str, Callable[[Path], object]] = {
    "it is corrupt: Input data was truncated": _truncate,
    "it is corrupt: JSON is malformed": lambda d: (d / "manifest.json").write_text("{no}"),
    "it is corrupt: .*utf-8": lambda d: (d / "manifest.json").write_bytes(b'{"format": "\xff"}'),
    "its schema version is 2: expected 1": _edit(lambda m: m.update(schema_version=2)),
    "its format is 'other': expected 'neuralake-tpch'": _edit(lambda m: m.update(format="other")),
    "it was made by tpchgen-cli 3.1.0, and tpchgen-cli 4.0.0 is installed": _edit(
        lambda m: m.update(generator="tpchgen-cli 3.1.0")
    ),
    r"it is corrupt: .*missing required field `rows` - at `\$.tables": _edit(
        lambda m: m["tables"]["part"].pop("rows")
    ),
    "its manifest must have the tables": _edit(lambda m: m["tables"].pop("part")),
    "2001 rows of part, which scale factor 0.01 cannot have": _edit(
        lambda m: m["tables"]["part"].update(rows=2001)
    ),
    "its manifest contradicts itself about the bytes of part": _edit(
        lambda m: m["tables"]["part"].update(size_bytes=1)
    ),
    "its manifest has the file '/etc/passwd' under part": _edit(
        lambda m: m["tables"]["part"]["log"].update(path="/etc/passwd")
    ),
    "its manifest has no checksum of": _edit(
        lambda m: m["tables"]["part"]["log"].update(sha256="0")
    ),
    "its table part was made with other columns than are declared": _edit(
        lambda m: m["tables"]["part"].update(schema="0")
    ),
    "its manifest does not say how many files": _edit(
        lambda m: m["layout"].update(files_per_table=None)
    ),
    "it is corrupt: Invalid enum value 'crc' - at .*checksum": _edit(
        lambda m: m.update(checksum="crc")
    ),
    "compression 'LZO' is unknown": _edit(lambda m: m["layout"].update(compression="LZO")),
    "orders/orders.2.parquet: No such file": lambda d: (d / "orders/orders.2.parquet").unlink(),
    "nation/_delta_log/0+.json: No such file": lambda d: shutil.rmtree(d / "nation/_delta_log"),
    "lineitem/lineitem.1.parquet has 0 bytes, not": lambda d: (
        d / "lineitem/lineitem.1.parquet"
    ).write_bytes(b""),
    "table region was changed after it was generated": _append,
}


@pytest.mark.parametrize("message", DAMAGE)
def test_a_damaged_dataset_is_refused_in_one_line(dataset: Path, message: str) -> None:
    DAMAGE[message](dataset)
    with pytest.raises(DatasetError, match=message) as caught:
        load_manifest(str(dataset))
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(f"the dataset at {dataset} cannot be used: ")
    assert str(caught.value).endswith("; remove the directory and generate it again")


def test_a_changed_byte_is_found_by_its_checksum(dataset: Path) -> None:
    file = dataset / "supplier" / "supplier.1.parquet"
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    load_manifest(str(dataset))
    with pytest.raises(DatasetError, match=r"supplier/supplier\.1\.parquet has the checksum"):
        load_manifest(str(dataset), verify=True)


def _as_older_versions_wrote_it(dataset: Path) -> None:
    """The manifest with SHA-256 of each file's content, and without a word on that."""
    path = dataset / "manifest.json"
    document = json.loads(path.read_bytes())
    del document["checksum"]
    for table in document["tables"].values():
        for file in (table["log"], *table["files"]):
            content = (dataset / file["path"]).read_bytes()
            file["sha256"] = hashlib.sha256(content).hexdigest()
    path.write_text(json.dumps(document))


def test_a_dataset_of_an_older_version_is_read_and_verified(dataset: Path) -> None:
    _as_older_versions_wrote_it(dataset)
    found = load_manifest(str(dataset), verify=True)
    assert found.checksum == "content"
    lines = [f"{f.sha256} {f.path}\n" for name in TABLE_NAMES for f in found.tables[name].files]
    assert found.digest == hashlib.sha256("".join(lines).encode()).hexdigest()
    assert generate(0.01, str(dataset), verify=True) == found
    file = dataset / "supplier" / "supplier.1.parquet"
    file.write_bytes(file.read_bytes()[:-1] + b"?")
    with pytest.raises(DatasetError, match=r"supplier/supplier\.1\.parquet has the checksum"):
        load_manifest(str(dataset), verify=True)


def test_older_versions_read_what_this_one_writes(generated: Generated) -> None:
    """They ask for these fields, 64 digits, and version 1; of others they take no notice."""
    document = json.loads((generated.path / "manifest.json").read_bytes())
    assert (document["format"], document["schema_version"]) == ("neuralake-tpch", 1)
    assert {"generator", "scale_factor", "layout", "tables"} <= document.keys()
    for table in document["tables"].values():
        assert {"rows", "size_bytes", "schema", "delta_version"} <= table.keys()
        for file in (table["log"], *table["files"]):
            assert {"path", "size_bytes"} <= file.keys()
            assert re.fullmatch("[0-9a-f]{64}", file["sha256"])
