"""Measure the shop's queries from Python: examples/shop/make_data.py has made its tables."""

from pathlib import Path

from neuralake import bench, open_catalog

SHOP = Path(__file__).parent

catalog = open_catalog(SHOP / "catalog.py")
print(catalog.sql("SELECT COUNT(*) AS orders FROM orders", engine="datafusion"))

run = bench(SHOP, engines=["polars", "datafusion"])
print(run)
print(run.table("polars").select("query", "engine", "verdict", "median_s"))
print(run.report("shop-report").html)
