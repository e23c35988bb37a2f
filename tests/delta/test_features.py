from __future__ import annotations

import json

import pyarrow as pa
import pytest

from neuralake.delta.actions import Format, Metadata, Protocol
from neuralake.delta.features import (
    RefusedFeatureError,
    check_appendable,
    column_metadata,
    supported,
)
from neuralake.delta.state import TableState
from tests.delta.make import schema_string

# Every name in the protocol's appendix "Valid Feature Names in Table Features"
KEPT = (
    *("appendOnly", "invariants", "checkConstraints", "changeDataFeed", "columnMapping"),
    *("deletionVectors", "domainMetadata", "inCommitTimestamp", "timestampNtz", "typeWidening"),
    *("v2Checkpoint", "vacuumProtocolCheck"),
)
REFUSED = (
    *("clustering", "variantType", "variantShredding", "catalogManaged", "checkpointProtection"),
    *("collations", "materializePartitionColumns", "a feature to come"),
)
DORMANT = {
    "icebergCompatV1": "delta.enableIcebergCompatV1",
    "icebergCompatV2": "delta.enableIcebergCompatV2",
}
BY_COLUMN = {
    "generatedColumns": ("delta.generationExpression", "id + 1"),
    "identityColumns": ("delta.identity.start", 1),
    "allowColumnDefaults": ("CURRENT_DEFAULT", "7"),
}


def state(
    protocol: Protocol,
    configuration: dict[str, str] | None = None,
    column: dict[str, object] | None = None,
) -> TableState:
    schema = json.loads(schema_string(pa.schema([("id", pa.int64())])))
    schema["fields"][0]["metadata"] = column or {}
    metadata = Metadata(
        id="t",
        format=Format(provider="parquet"),
        schema_string=json.dumps(schema),
        partition_columns=[],
        configuration=configuration or {},
    )
    return TableState(0, protocol, metadata)


def listed(*features: str) -> Protocol:
    return Protocol(
        min_reader_version=3, min_writer_version=7, reader_features=[], writer_features=[*features]
    )


@pytest.mark.parametrize("feature", KEPT)
def test_what_is_kept(feature: str) -> None:
    check_appendable(state(listed(feature)))


@pytest.mark.parametrize("feature", REFUSED)
def test_what_is_refused_by_name(feature: str) -> None:
    with pytest.raises(RefusedFeatureError, match=f"the feature {feature}, which"):
        check_appendable(state(listed("appendOnly", feature)))


@pytest.mark.parametrize("feature", DORMANT)
def test_a_feature_that_is_not_enabled_asks_nothing(feature: str) -> None:
    check_appendable(state(listed(feature)))
    with pytest.raises(RefusedFeatureError, match=feature):
        check_appendable(state(listed(feature), {DORMANT[feature]: "true"}))


def test_row_tracking_is_refused_unless_it_is_suspended() -> None:
    with pytest.raises(RefusedFeatureError, match="rowTracking"):
        check_appendable(state(listed("rowTracking")))
    check_appendable(state(listed("rowTracking"), {"delta.rowTrackingSuspended": "true"}))


@pytest.mark.parametrize("feature", BY_COLUMN)
def test_a_feature_that_no_column_uses_asks_nothing(feature: str) -> None:
    check_appendable(state(listed(feature)))
    marker, value = BY_COLUMN[feature]
    with pytest.raises(RefusedFeatureError, match=feature):
        check_appendable(state(listed(feature), column={marker: value}))


@pytest.mark.parametrize(("version", "count"), [(1, 0), (2, 2), (3, 3), (4, 5), (5, 6), (6, 7)])
def test_a_version_without_a_list_supports_what_came_before_it(version: int, count: int) -> None:
    old = Protocol(min_reader_version=1, min_writer_version=version)
    assert len(supported(state(old))) == count
    check_appendable(state(old))


def test_a_generated_column_of_an_old_version_is_refused() -> None:
    old = Protocol(min_reader_version=1, min_writer_version=4)
    with pytest.raises(RefusedFeatureError, match="generatedColumns"):
        check_appendable(state(old, column={"delta.generationExpression": "id + 1"}))


@pytest.mark.parametrize(("reader", "writer"), [(4, 7), (3, 8)])
def test_versions_to_come_are_refused(reader: int, writer: int) -> None:
    with pytest.raises(RefusedFeatureError, match="version"):
        check_appendable(state(Protocol(min_reader_version=reader, min_writer_version=writer)))


def test_nested_columns_are_seen() -> None:
    inner = pa.struct([("b", pa.int64())])
    kinds = pa.schema([("a", inner), ("l", pa.list_(inner)), ("m", pa.map_(pa.string(), inner))])
    metadata = Metadata(
        id="t",
        format=Format(provider="parquet"),
        schema_string=schema_string(kinds),
        partition_columns=[],
    )
    assert [name for name, _ in column_metadata(metadata)] == [
        *("a", "a.b", "l", "l.element.b", "m", "m.value.b"),
    ]
