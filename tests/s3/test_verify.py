"""`neuralake verify` on object storage as production has it: TLS, keys with rights, no default."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import deltalake
import pyarrow as pa
import pytest

from benchmarks.s3.server import DROP_BUCKET, PUBLIC_BUCKET, Server, make_bucket
from neuralake.delta.place import open_store
from neuralake.engines.spark.java import find_java
from tests.conftest import Cli, cli_environment
from tests.more import few
from tests.s3.conftest import Place
from tests.s3.proxy import Fault, Proxy
from tests.waiting import until

CATALOG = """
from datetime import timedelta

import pyarrow as pa

from neuralake.catalog import Column, DeltaTable, ForeignKey, table
from neuralake.catalog.about import About

customers = DeltaTable(
    name="customers",
    location="customers",
    columns=(Column("id", pa.int64()), Column("name", pa.string())),
    primary_key=("id",),
    about=About(freshness=timedelta({promised})),
)
orders = DeltaTable(
    name="orders",
    location="orders",
    columns=(Column("id", pa.int64()), Column("customer", pa.int64()), Column("price", {price})),
    primary_key=("id",),
    foreign_keys=(ForeignKey(("customer",), "customers", ("id",)),),
)


@table
def currencies():
    "What is paid in."
    return pa.table({{"code": ["EUR", "HUF"]}})
"""
CROOKED = """
from neuralake.engines.polars import PolarsEngine

class CrookedEngine(PolarsEngine):
    name = "crooked"

    def open(self, tables):
        session = super().open(tables)
        execute = session.execute

        def crooked(sql):
            answer = execute(sql)
            if "price" not in answer.column_names:
                return answer
            place = answer.column_names.index("price")
            return answer.set_column(place, "price", answer["price"].combine_chunks()[::-1])

        session.execute = crooked
        return session
"""


WITHOUT_ROWS = ("--skip", "engine,rows,primary_key,foreign_key,promise")
WITHOUT_ENGINES = ("--skip", "engine,rows")


@dataclass
class Platform:
    """A small platform in a place of its own, and how it is reached."""

    place: Place
    catalog: Path
    typed: Cli
    environ: dict[str, str] = field(default_factory=dict)

    def write(self, name: str, rows: pa.Table) -> None:
        options = self.place.options
        deltalake.write_deltalake(
            f"{self.place.uri}/{name}", rows, mode="overwrite", storage_options=options
        )

    def declare(self, promised: str = "days=1", price: str = "pa.int64()") -> None:
        text = CATALOG.format(promised=promised, price=price)
        self.catalog.write_text(text)

    def verify(
        self, *options: object, engines: str = "polars,duckdb"
    ) -> tuple[int, dict[str, tuple[str, str]]]:
        """Exit status, and by check how it ended and why."""
        done = self.typed(
            *("verify", "--catalog", self.catalog, "--engines", engines, "--json", *options),
            environment=self.environ,
        )
        assert done.stderr == ""
        for secret in (self.place.server.secret_access_key, "S" * 40):
            assert secret not in done.stdout
        results = json.loads(done.stdout)["results"]
        assert all(result["reason"] and "\n" not in result["reason"] for result in results)
        return done.returncode, {r["name"]: (r["status"], r["reason"]) for r in results}

    def failures(self, *options: object, engines: str = "duckdb") -> dict[str, str]:
        """The checks that failed, with their reasons; the status says that there are some."""
        status, results = self.verify(*options, engines=engines)
        assert not self.left()
        assert status == 1
        return {name: why for name, (how, why) in results.items() if how == "failed"}

    def left(self) -> list[str]:
        """What lies where only verify writes."""
        store = open_store(self.place.uri, self.place.options)
        return [s.path for s in store.list() if s.path.startswith(".neuralake-")]


ORDERS = pa.table({"id": [1, 2, 3], "customer": [1, 2, 2], "price": [10, 20, 30]})
CUSTOMERS = pa.table({"id": [1, 2], "name": ["Ada", "Bea"]})


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate of this machine's, and its key."""
    place = tmp_path_factory.mktemp("tls")
    paths = place / "certificate.pem", place / "key.pem"
    options = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    names = ["-nodes", "-days", "2", "-subj", "/CN=localhost"]
    names += ["-addext", "basicConstraints=critical,CA:FALSE"]
    names += ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    subprocess.run(
        ["openssl", *options, *names, "-out", paths[0], "-keyout", paths[1]],
        check=True,
        capture_output=True,
    )
    return paths


@pytest.fixture
def proxy(s3_server: Server, certificate: tuple[Path, Path]) -> Iterator[Proxy]:
    """The server as it is reached by HTTPS."""
    with Proxy(s3_server.endpoint_url, tls=certificate) as proxy:
        yield proxy


@pytest.fixture
def sound(
    s3: Place, proxy: Proxy, certificate: tuple[Path, Path], typed: Cli, tmp_path: Path
) -> Platform:
    """A platform on which nothing is wrong."""
    platform = Platform(s3, tmp_path / "shop.py", typed)
    platform.environ = s3.environ_through(proxy.endpoint_url) | {
        "NEURALAKE_ENV": "production",
        "NEURALAKE_READER_ACCESS_KEY_ID": s3.server.reader_access_key_id,
        "NEURALAKE_READER_SECRET_ACCESS_KEY": s3.server.reader_secret_access_key,
        "SSL_CERT_FILE": str(certificate[0]),
    }
    platform.write("customers", CUSTOMERS)
    platform.write("orders", ORDERS)
    platform.declare()
    return platform


def test_nothing_is_found_on_a_sound_platform(sound: Platform) -> None:
    status, results = sound.verify(engines="polars,duckdb")
    assert status == 0, results
    assert {name for name, (how, _) in results.items() if how == "skipped"} == {"api", "kafka"}
    assert list(results)[:2] == ["settings", "catalog"]
    assert {name.partition(".")[0] for name in results} == {
        *("settings", "storage", "catalog", "table", "engine", "rows"),
        *("primary_key", "foreign_key", "promise", "api", "kafka"),
    }
    assert "3 rows on polars, duckdb" in results["rows.shop.orders"][1]
    assert not sound.left()


# The faults that an environment has


def test_a_wrong_key(sound: Platform) -> None:
    sound.environ["AWS_SECRET_ACCESS_KEY"] = "S" * 40
    status, results = sound.verify(engines="polars")
    assert status == 1
    assert [name for name, (how, _) in results.items() if how == "failed"] == ["storage.reachable"]
    assert "refuses the access key" in results["storage.reachable"][1]
    for name in ("storage.private", "table.shop.orders", "rows.shop.orders"):
        assert results[name][0] == "skipped"
    assert "storage.reachable has not passed" in results["table.shop.orders"][1]
    assert results["rows.shop.currencies"][0] == "passed"  # it needs no storage


def test_a_bucket_that_is_read_only(sound: Platform) -> None:
    sound.environ["AWS_ACCESS_KEY_ID"] = sound.place.server.reader_access_key_id
    sound.environ["AWS_SECRET_ACCESS_KEY"] = sound.place.server.reader_secret_access_key
    found = sound.failures(*WITHOUT_ROWS)
    assert set(found) == {"storage.reader", "storage.round_trip", "storage.conditional_put"}
    assert all("AccessDenied" in reason for reason in found.values())


def test_a_table_that_is_missing(sound: Platform) -> None:
    store = open_store(f"{sound.place.uri}/orders", sound.place.options)
    store.delete([stored.path for stored in store.list()])
    found = sound.failures(*WITHOUT_ENGINES)
    assert set(found) == {"table.shop.orders"}
    assert "no Delta table at s3://" in found["table.shop.orders"]


def test_a_schema_that_has_drifted(sound: Platform) -> None:
    sound.declare(price="pa.string()")
    found = sound.failures(*WITHOUT_ENGINES)
    assert set(found) == {"table.shop.orders"}
    assert "column orders.price is int64, declared as string" in found["table.shop.orders"]


def test_a_table_that_is_stale(sound: Platform) -> None:
    sound.declare(promised="microseconds=1")
    found = sound.failures(*WITHOUT_ENGINES)
    assert set(found) == {"promise.shop.customers"}
    assert "promised are" in found["promise.shop.customers"]


def test_a_foreign_key_that_is_broken(sound: Platform) -> None:
    sound.write("orders", ORDERS.set_column(1, "customer", pa.array([1, 7, None], pa.int64())))
    found = sound.failures(*WITHOUT_ENGINES)
    assert set(found) == {"foreign_key.shop.orders.customer"}
    reason = found["foreign_key.shop.orders.customer"]
    assert reason == "1 values of customer are not in customers.id, such as customer 7"


def test_a_key_that_is_there_twice(sound: Platform) -> None:
    sound.write("orders", ORDERS.set_column(0, "id", pa.array([3, 2, 3], pa.int64())))
    found = sound.failures(*WITHOUT_ENGINES)
    assert set(found) == {"primary_key.shop.orders"}
    assert (
        "1 values of the primary key id are there more than once, such as id 3" in found.popitem()
    )


def test_an_engine_with_other_rows(
    sound: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packages = tmp_path / "site-packages"
    metadata = packages / "crooked-1.0.dist-info"
    metadata.mkdir(parents=True)
    (packages / "crooked.py").write_text(CROOKED)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: crooked\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(
        "[neuralake.engines]\ncrooked = crooked:CrookedEngine\n"
    )
    monkeypatch.syspath_prepend(packages)
    found = sound.failures("--only", "rows", engines="crooked,polars,duckdb")
    assert found == {
        "rows.shop.orders": "crooked has other values together in a row than polars, duckdb"
    }


def test_a_clock_that_is_off(sound: Platform, proxy: Proxy) -> None:
    proxy.clock_ahead_s = 300
    found = sound.failures(*WITHOUT_ROWS)
    assert set(found) == {"storage.clock"}
    assert " s ahead of this machine's: expected 5 s at most" in found["storage.clock"]
    proxy.clock_ahead_s = -300
    assert "behind" in sound.failures("--only", "storage.clock")["storage.clock"]
    status, _ = sound.verify("--only", "storage.clock", "--clock-skew", "10m")
    assert status == 0


def test_plain_http(sound: Platform) -> None:
    sound.environ["AWS_ENDPOINT_URL"] = sound.place.server.endpoint_url
    status, results = sound.verify()
    assert status == 1
    assert [name for name, (how, _) in results.items() if how == "failed"] == ["settings"]
    assert "plain HTTP to 127.0.0.1, which production refuses" in results["settings"][1]
    assert {how for name, (how, _) in results.items() if name != "settings"} == {"skipped"}


def test_a_port_that_is_closed(sound: Platform) -> None:
    sound.environ["AWS_ENDPOINT_URL"] = "https://127.0.0.1:9"
    status, results = sound.verify("--only", "settings,storage,table")
    assert status == 1
    assert [name for name, (how, _) in results.items() if how == "failed"] == ["storage.reachable"]
    assert "https://127.0.0.1:9 cannot be reached" in results["storage.reachable"][1]


@pytest.mark.parametrize(
    ("bucket", "faults"),
    [
        (PUBLIC_BUCKET, ("anybody may list s3://public", "anybody may read s3://public/")),
        (DROP_BUCKET, ("anybody may write to s3://drop",)),
    ],
)
def test_a_bucket_that_is_public(sound: Platform, bucket: str, faults: tuple[str, ...]) -> None:
    server = sound.place.server
    make_bucket(server, bucket)
    text = sound.catalog.read_text().replace('location="orders"', f'location="s3://{bucket}/o"')
    sound.catalog.write_text(text)
    deltalake.write_deltalake(
        f"s3://{bucket}/o", ORDERS, mode="overwrite", storage_options=sound.place.options
    )
    found = sound.failures(*WITHOUT_ROWS)
    assert set(found) == {"storage.private"}
    for fault in faults:
        assert fault in found["storage.private"]
    options = sound.place.options
    left = [s.path for s in open_store(f"s3://{bucket}", options).list() if "verify" in s.path]
    assert left == []
    if bucket == PUBLIC_BUCKET:  # meant to be read by all, and not to be written
        status, _ = sound.verify("--only", "storage.private", "--public", PUBLIC_BUCKET)
        assert status == 0


def test_a_reading_key_that_may_write(sound: Platform) -> None:
    server = sound.place.server
    sound.environ["NEURALAKE_READER_ACCESS_KEY_ID"] = server.access_key_id
    sound.environ["NEURALAKE_READER_SECRET_ACCESS_KEY"] = server.secret_access_key
    found = sound.failures("--only", "storage")
    assert set(found) == {"storage.reader"}
    assert "the reading key may write and overwrite and delete in s3://" in found["storage.reader"]


# Nothing is left


def test_nothing_is_left_where_a_check_fails_halfway(sound: Platform, proxy: Proxy) -> None:
    proxy.strike(
        Fault.ERROR, method="GET", path="-verify-", times=4, when=lambda r: "small" in r.path
    )
    found = sound.failures("--only", "storage")
    assert set(found) == {"storage.round_trip"}
    assert proxy.struck > 0


@pytest.mark.parametrize("number", few([signal.SIGINT, signal.SIGTERM]))
def test_nothing_is_left_by_one_that_is_interrupted(
    s3: Place, tmp_path: Path, number: signal.Signals
) -> None:
    with Proxy(s3.server.endpoint_url) as proxy:
        proxy.strike(Fault.SLOW, method="PUT", path="-verify-", delay_s=3.0, times=100)
        environ = cli_environment(tmp_path, tmp_path) | s3.environ_through(proxy.endpoint_url)
        process = subprocess.Popen(
            [sys.executable, "-m", "neuralake", "verify", "--only", "storage.round_trip"],
            env=environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            until(lambda: proxy.struck > 0)
            process.send_signal(number)
            _, said = process.communicate(timeout=120)
        finally:
            process.kill()
            process.wait()
    assert (process.returncode, said) == (130, "neuralake: interrupted\n")
    assert list(open_store(s3.uri, s3.options).list()) == []


@pytest.mark.more
def test_spark_reads_by_https_what_java_trusts(
    sound: Platform, certificate: tuple[Path, Path], tmp_path: Path
) -> None:
    """Java asks a store of its own, and not ``SSL_CERT_FILE``."""
    trusted = tmp_path / "trusted.p12"
    into = ["-keystore", str(trusted), "-storetype", "PKCS12", "-storepass", "changeit"]
    java = str(find_java(os.environ).executable)
    about = [java, "-XshowSettings:properties", "-version"]
    told = subprocess.run(about, check=True, capture_output=True, text=True).stderr
    home = next(line for line in told.splitlines() if "java.home = " in line).partition(" = ")[2]
    keytool = f"{home}/bin/keytool"
    subprocess.run(
        [keytool, "-importcert", "-noprompt", "-alias", "s3", "-file", certificate[0], *into],
        check=True,
        capture_output=True,
    )
    options = (
        f"-Djavax.net.ssl.trustStore={trusted}",
        "-Djavax.net.ssl.trustStorePassword=changeit",
    )
    status, results = sound.verify(
        *("--only", "settings,catalog,table,engine,rows"),
        *("--engine", f"spark:spark.driver.extraJavaOptions={' '.join(options)}"),
        engines="polars,spark",
    )
    assert status == 0, results
    assert "3 rows on polars, spark" in results["rows.shop.orders"][1]
