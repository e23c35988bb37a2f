"""Make the shop's data under data/shop/ of the working directory: a Parquet file, a Delta table."""

import datetime as dt
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import write_deltalake

SHOP = Path("data/shop")
CUSTOMERS = ["Ada", "Bela", "Chidi", "Dana", "Emil", "Fatou", "Goro", "Hana"]
COUNTRIES = ["DE", "HU", "NG", "US"]
CURRENCIES = ["EUR", "HUF", "USD"]


def orders(count: int) -> pa.Table:
    """Orders by a rule, so that they are the same on every machine."""
    numbers = range(1, count + 1)
    return pa.table(
        {
            "order_id": pa.array(numbers, pa.int64()),
            "customer_id": pa.array([n * 5 % len(CUSTOMERS) + 1 for n in numbers], pa.int64()),
            "ordered_on": [dt.date(2026, 1, 1) + dt.timedelta(days=n % 300) for n in numbers],
            "currency": [CURRENCIES[n % len(CURRENCIES)] for n in numbers],
            "amount": pa.array(
                [Decimal(n * 7919 % 100_000) / 100 for n in numbers], pa.decimal128(15, 2)
            ),
        }
    )


def customers() -> pa.Table:
    """One customer a name."""
    return pa.table(
        {
            "customer_id": pa.array(range(1, len(CUSTOMERS) + 1), pa.int64()),
            "name": CUSTOMERS,
            "country": [COUNTRIES[n % len(COUNTRIES)] for n in range(len(CUSTOMERS))],
        }
    )


if __name__ == "__main__":
    SHOP.mkdir(parents=True, exist_ok=True)
    pq.write_table(orders(1_000), SHOP / "orders.parquet")
    write_deltalake(SHOP / "customers", customers(), mode="overwrite")
    print(f"made {SHOP}/orders.parquet and {SHOP}/customers")
