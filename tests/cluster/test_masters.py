"""Where Spark is told to work: what may be written, and what is said of the rest."""

from __future__ import annotations

import socket

import pytest

from neuralake.engines.registry import EngineSpec, parse_options
from neuralake.engines.spark import SparkOptions
from neuralake.engines.spark.masters import Master, own_address, parse_master, require_reachable
from neuralake.errors import EngineError
from tests.conftest import Cli


@pytest.mark.parametrize(
    ("text", "kind", "addresses"),
    [
        ("local", "local", ()),
        ("spark://host:7077", "cluster", (("host", 7077),)),
        ("spark://a:7077,b:7078", "cluster", (("a", 7077), ("b", 7078))),
        ("spark://[::1]:7077", "cluster", (("[::1]", 7077),)),
        ("sc://host", "connect", (("host", 15002),)),
        ("sc://host:1", "connect", (("host", 1),)),
        ("sc://host:1/;token=secret;use_ssl=true", "connect", (("host", 1),)),
    ],
)
def test_a_master_is_read(text: str, kind: str, addresses: tuple[tuple[str, int], ...]) -> None:
    master = parse_master(text)
    assert (master.kind, master.addresses) == (kind, addresses)
    assert "secret" not in master.shown


@pytest.mark.parametrize(
    "text",
    [
        *("", "yarn", "local[2]", "spark://", "spark://host", "spark://host:", "spark://host:x"),
        *(
            "spark://host:0",
            "spark://host:65536",
            "spark://a:1,",
            "spark://a b:1",
            "sc://",
            "sc://:1",
        ),
        *("sc://host:99999", "http://host:1", "SPARK://host:1"),
    ],
)
def test_what_is_no_master_is_refused(text: str) -> None:
    with pytest.raises(EngineError, match=r"expected local, spark://HOST:PORT or sc://HOST:PORT"):
        SparkOptions(master=text)


def test_a_secret_of_a_connection_string_is_not_repeated() -> None:
    with pytest.raises(EngineError) as caught:
        SparkOptions(master="sc://host:x/;token=hunter2")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"executor_memory": "1g"}, "executor_memory is a cluster's"),
        ({"master": "sc://h:1", "cores": "2"}, "cores is the server's own"),
        ({"master": "sc://h:1", "memory": "2g"}, "memory is the server's own"),
        ({"master": "spark://h:1", "executor_memory": "1m"}, "expected 512m or more"),
        ({"master": "spark://h:1", "executor_memory": "much"}, "executor_memory is 'much'"),
        ({"master": "spark://h:1", "spark.master": "local"}, "both given"),
    ],
)
def test_options_without_effect_are_refused(options: dict[str, str], message: str) -> None:
    with pytest.raises(EngineError, match=message):
        parse_options(EngineSpec("spark", options))


def test_the_driver_names_the_address_that_executors_reach() -> None:
    assert own_address(parse_master("local")) == "127.0.0.1"
    assert own_address(parse_master("spark://127.0.0.1:7077")) == "127.0.0.1"


def test_one_of_several_masters_is_enough() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening, socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        addresses = (deaf.getsockname(), listening.getsockname())
        require_reachable(Master("cluster", "spark://…", addresses))


@pytest.mark.parametrize(
    ("scheme", "what"), [("spark", "master of a Spark cluster"), ("sc", "Spark Connect server")]
)
def test_a_run_is_refused_where_nobody_listens(typed: Cli, scheme: str, what: str) -> None:
    with socket.socket() as deaf:  # bound and not listening: nobody else gets the port
        deaf.bind(("127.0.0.1", 0))
        address = f"{scheme}://127.0.0.1:{deaf.getsockname()[1]}"
        done = typed(
            *("bench", "--scale-factor", 0.01, "--engines", "spark"),
            *("--engine", f"spark:master={address}"),
        )
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert f"no {what} answers at {address}" in line
    assert not done.stdout
