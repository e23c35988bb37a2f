"""The Spark that tests share reads tables on S3 as those on disk, and says by what; no key is told.

A run on it, with a JVM of its own, is of ``make test-all`` (``test_engines.py``).
"""

from __future__ import annotations

from contextlib import closing
from importlib.metadata import version

from benchmarks.s3.server import Server
from neuralake.engines.spark.s3_jars import HADOOP_VERSION
from tests.conftest import Spark
from tests.s3.conftest import Place
from tests.s3.tables import COUNTED, counting, write_tables


def test_it_reads_the_same_rows_of_ones_own_tables(shared_spark: Spark, s3_server: Server) -> None:
    engine = shared_spark.engine()
    with closing(engine.open(write_tables(Place(s3_server, "spark")))) as session:
        found = {name: session.execute(counting(name)).to_pylist() for name in COUNTED}
        plan = session.explain("SELECT k FROM parts")
    assert found == {name: [row] for name, row in COUNTED.items()}
    versions = engine.versions()
    assert (versions["hadoop-aws"], versions["pyspark"]) == (HADOOP_VERSION, version("pyspark"))
    told = f"{plan} {dict(engine.settings)} {versions}"
    assert s3_server.secret_access_key not in told
    assert s3_server.access_key_id not in told
