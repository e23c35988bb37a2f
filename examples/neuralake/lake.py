"""The tables of a small laboratory: what its implants recorded, in code."""

import datetime as dt

import pyarrow as pa

from neuralake.catalog import About, Column, DeltaTable, ForeignKey, ParquetTable, table

implants = ParquetTable(
    name="implants",
    location="implants.parquet",
    description="An implant a row.",
    columns=(
        Column("implant_id", pa.int64(), "Number of the implant.", nullable=False),
        Column("model", pa.string(), "Letter of its model.", nullable=False),
        Column("implanted_on", pa.date32(), nullable=False),
    ),
    primary_key=("implant_id",),
    about=About(owner="surgery", source="the list of the surgery room"),
)

_OF_AN_IMPLANT = ForeignKey(("implant_id",), "implants", ("implant_id",))

recordings = DeltaTable(
    name="recordings",
    location="recordings",
    description="What an implant recorded in a second; by the writer.",
    columns=(
        Column("recording_id", pa.int64(), nullable=False),
        Column("implant_id", pa.int64(), nullable=False),
        Column("recorded_at", pa.timestamp("us", "UTC"), nullable=False),
        Column("spikes", pa.int64(), "How many neurons fired.", nullable=False),
    ),
    primary_key=("recording_id",),
    foreign_keys=(_OF_AN_IMPLANT,),
    about=About(owner="acquisition", source="the rigs", freshness=dt.timedelta(days=1)),
)

sessions = DeltaTable(
    name="sessions",
    location="sessions",
    description="An implant's recordings of an hour; by Polars.",
    columns=(
        Column("implant_id", pa.int64()),
        Column("hour", pa.timestamp("us", "UTC")),
        Column("seconds", pa.int64(), "How many seconds were recorded."),
        Column("spikes", pa.int64()),
    ),
    primary_key=("implant_id", "hour"),
    foreign_keys=(_OF_AN_IMPLANT,),
    about=About(owner="analysis", source="recordings"),
)

days = DeltaTable(
    name="days",
    location="days",
    description="An implant's sessions of a day; by Spark.",
    columns=(
        Column("implant_id", pa.int64()),
        Column("day", pa.date32()),
        Column("seconds", pa.int64()),
        Column("spikes", pa.int64()),
    ),
    primary_key=("implant_id", "day"),
    foreign_keys=(_OF_AN_IMPLANT,),
    about=About(owner="analysis", source="sessions"),
)


@table(
    columns=(
        Column("model", pa.string(), "Letter of the model.", nullable=False),
        Column("channels", pa.int64(), "Electrodes of an implant of it.", nullable=False),
    ),
    primary_key=("model",),
)
def models() -> pa.Table:
    """What the maker says of each model: a table that a function makes."""
    return pa.table({"model": ["A", "B", "C"], "channels": [256, 512, 1024]})
