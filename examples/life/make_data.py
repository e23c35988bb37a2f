"""Make the sensors' data under data/life/ of the working directory: two Delta tables."""

import datetime as dt
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
from deltalake import write_deltalake

LIFE = Path("data/life")
SENSORS = 200
READINGS = 50_000


def sensors() -> pa.Table:
    """Sensors by a rule, so that they are the same on every machine."""
    numbers = range(1, SENSORS + 1)
    return pa.table(
        {
            "sensor_id": pa.array(numbers, pa.int64()),
            "place": [f"room {n % 40}" for n in numbers],
            "is_outside": [n % 7 == 0 for n in numbers],
        }
    )


def readings() -> pa.Table:
    """What they have measured in 500 days."""
    numbers = range(1, READINGS + 1)
    return pa.table(
        {
            "reading_id": pa.array(numbers, pa.int64()),
            "sensor_id": pa.array([n * 7 % SENSORS + 1 for n in numbers], pa.int64()),
            "day": [dt.date(2025, 1, 1) + dt.timedelta(days=n // 100) for n in numbers],
            "celsius": pa.array(
                [Decimal(n * 7919 % 4_000 - 500) / 100 for n in numbers], pa.decimal128(6, 2)
            ),
        }
    )


if __name__ == "__main__":
    write_deltalake(LIFE / "sensors", sensors(), mode="overwrite")
    write_deltalake(LIFE / "readings", readings(), mode="overwrite")
    print(f"made {LIFE}/sensors and {LIFE}/readings")
