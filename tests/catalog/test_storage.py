"""Storage options: one name for each, the rules of the environment, and no secret in a message."""

import re

import pytest

from neuralake.catalog import DeltaTable, ParquetTable
from neuralake.catalog.storage import canonical_options
from neuralake.config import Settings
from neuralake.errors import CatalogError
from neuralake.storage import one_line

SECRETS = {
    "aws_access_key_id": "AKIDEXAMPLE",
    "aws_secret_access_key": "wJalrXUtnFEMI",
    "aws_session_token": "FwoGZXIvYXdz",
}
PRODUCTION = Settings.from_environ(
    {"NEURALAKE_ENV": "production", "NEURALAKE_STORAGE_ROOT": "s3://lake"}
)


@pytest.mark.parametrize(
    "name", ["aws_endpoint_url", "AWS_ENDPOINT_URL", "endpoint", "endpoint_url", "aws_endpoint"]
)
def test_an_option_has_one_name(name: str) -> None:
    assert canonical_options({name: "https://s3.example"}) == {
        "aws_endpoint_url": "https://s3.example"
    }


def test_an_option_that_is_not_known_is_passed_on() -> None:
    assert canonical_options({"AWS_UNSIGNED_PAYLOAD": "true"}) == {"aws_unsigned_payload": "true"}


def test_a_tables_own_options_go_before_those_of_the_environment() -> None:
    settings = Settings.from_environ({"AWS_REGION": "eu-central-1"})
    orders = DeltaTable(name="orders", location="s3://b/o", storage_options={"REGION": "us-east-1"})
    assert orders.resolve(settings).storage_options["aws_region"] == "us-east-1"


@pytest.mark.parametrize("make", [DeltaTable, ParquetTable])
def test_a_table_cannot_get_around_the_rule_of_production(make: type[DeltaTable]) -> None:
    options = {"endpoint": "http://minio.internal:9000", "allow_http": "true"}
    orders = make(name="orders", location="orders", storage_options=options)
    with pytest.raises(CatalogError, match=r"table orders: .*plain HTTP to minio\.internal"):
        orders.resolve(PRODUCTION)
    only_allowed = make(name="o", location="o", storage_options={"allow_http": "true"})
    assert only_allowed.resolve(PRODUCTION).storage_options["aws_allow_http"] == "false"


def test_a_location_with_a_password_is_refused_without_repeating_it() -> None:
    orders = DeltaTable(name="orders", location="s3://ada:wJalrXUtnFEMI@lake/orders")
    with pytest.raises(CatalogError, match="table orders: the location holds credentials") as error:
        orders.resolve(PRODUCTION)
    assert "wJalrXUtnFEMI" not in str(error.value)


@pytest.mark.parametrize(
    ("key", "odd"),
    [
        ("a%20b", "%20"),
        ("a#b", "#"),
        ("a?b", "?"),
        ("a\\b", "\\"),
        ("a//b", "//"),
        ("./a", "."),
        ("a/..", ".."),
    ],
)
def test_a_key_that_deltalake_takes_for_another_is_refused(key: str, odd: str) -> None:
    reason = f"table t: the location s3://b/{key} has {odd!r}, by which"
    with pytest.raises(CatalogError, match=re.escape(reason)):
        DeltaTable(name="t", location=f"s3://b/{key}").resolve(PRODUCTION)


@pytest.mark.parametrize("key", ["a b", "a+b", "é", "a%", "a=1/b..c/.d", "x/"])
def test_a_key_that_all_take_for_the_same_is_as_it_is(key: str) -> None:
    assert DeltaTable(name="t", location=f"s3://b/{key}").resolve(PRODUCTION).uri == f"s3://b/{key}"


def test_a_message_is_one_short_line_without_colours_backtrace_and_secrets() -> None:
    error = OSError(
        "Generic S3 error\n  \x1b[31m↳\x1b[0m GET ?key=AKIDEXAMPLE&t=FwoGZXIvYXdz failed: "
        "wJalrXUtnFEMI\n   0: <unknown>\n   1: <unknown>\n             at ./pthread.c:442"
    )
    assert one_line(error, SECRETS) == "Generic S3 error ↳ GET ?key=***&t=*** failed: ***"
    assert len(one_line(OSError("x" * 10_000), {})) < 400
    assert one_line(OSError(), {}) == "OSError"


@pytest.mark.parametrize("make", [DeltaTable, ParquetTable])
def test_a_service_that_does_not_answer_is_one_line_without_secrets(
    make: type[DeltaTable],
) -> None:
    options = {**SECRETS, "aws_endpoint_url": "https://127.0.0.1:1", "max_retries": "0"}
    settings = Settings.from_environ({})
    orders = make(name="orders", location="s3://lake/orders", storage_options=options)
    with pytest.raises(CatalogError, match="s3://lake/orders") as caught:
        orders.resolve(settings).files()
    assert str(caught.value).isprintable()
    assert not any(secret in str(caught.value) for secret in SECRETS.values())
