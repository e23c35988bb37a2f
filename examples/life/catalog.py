"""What sensors measure."""

import pyarrow as pa

from neuralake.catalog import Column, DeltaTable, ForeignKey

sensors = DeltaTable(
    name="sensors",
    location="life/sensors",
    description="A sensor a row.",
    columns=(
        Column("sensor_id", pa.int64(), "Number of the sensor."),
        Column("place", pa.string(), "Where it hangs."),
        Column("is_outside", pa.bool_()),
    ),
    primary_key=("sensor_id",),
)

readings = DeltaTable(
    name="readings",
    location="life/readings",
    description="What a sensor has measured once, a row.",
    columns=(
        Column("reading_id", pa.int64(), "Number of the reading."),
        Column("sensor_id", pa.int64(), "Who measured."),
        Column("day", pa.date32(), "When."),
        Column("celsius", pa.decimal128(6, 2), "What."),
    ),
    primary_key=("reading_id",),
    foreign_keys=(ForeignKey(("sensor_id",), "sensors", ("sensor_id",)),),
)
