"""Settings: what each variable does, and what production refuses."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from neuralake.config import (
    Environment,
    S3Settings,
    Settings,
    check_environment,
    is_remote,
    join_uri,
)
from neuralake.errors import ConfigError
from neuralake.measure.lock import machine_lock_path

ROOT = Path(__file__).parents[1]
PRODUCTION = {"NEURALAKE_ENV": "production", "NEURALAKE_STORAGE_ROOT": "s3://lake/root"}
KEYS = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI"}


def test_an_empty_environment_is_local_and_keeps_everything_near() -> None:
    settings = Settings.from_environ({"HOME": "/home/ada"})
    assert settings.environment is Environment.LOCAL
    assert settings.storage_root == "data"
    assert settings.results_root == Path("results")
    assert settings.cache_root == Path("/home/ada/.cache/neuralake")
    assert settings.s3 == S3Settings()


@pytest.mark.parametrize(
    ("variable", "value", "read"),
    [
        ("NEURALAKE_ENV", "local", lambda s: s.environment.value),
        ("NEURALAKE_STORAGE_ROOT", "/lake", lambda s: s.storage_root),
        ("NEURALAKE_STORAGE_ROOT", "s3://lake/root", lambda s: s.storage_root),
        ("NEURALAKE_RESULTS_ROOT", "/runs", lambda s: str(s.results_root)),
        ("NEURALAKE_CACHE_ROOT", "/jars", lambda s: str(s.cache_root)),
        ("AWS_ENDPOINT_URL", "https://s3.example", lambda s: s.s3.endpoint_url),
        ("AWS_ENDPOINT_URL_S3", "https://s3.example", lambda s: s.s3.endpoint_url),
        ("AWS_REGION", "eu-central-1", lambda s: s.s3.region),
        ("AWS_DEFAULT_REGION", "eu-central-1", lambda s: s.s3.region),
    ],
)
def test_each_variable_is_read(variable: str, value: str, read: Callable[[Settings], str]) -> None:
    assert read(Settings.from_environ({variable: value})) == value


def test_the_cache_follows_the_xdg_directory() -> None:
    settings = Settings.from_environ({"HOME": "/home/ada", "XDG_CACHE_HOME": "/var/cache/ada"})
    assert settings.cache_root == Path("/var/cache/ada/neuralake")


def test_an_empty_variable_is_as_one_that_is_not_set() -> None:
    names = ["NEURALAKE_ENV", "NEURALAKE_STORAGE_ROOT", "NEURALAKE_RESULTS_ROOT", "AWS_REGION"]
    assert Settings.from_environ(dict.fromkeys(names, "")) == Settings.from_environ({})


def test_the_more_specific_variable_goes_first() -> None:
    environ = {
        "AWS_ENDPOINT_URL": "https://all.example",
        "AWS_ENDPOINT_URL_S3": "https://s3.example",
        "AWS_REGION": "eu-central-1",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    s3 = Settings.from_environ(environ).s3
    assert (s3.endpoint_url, s3.region) == ("https://s3.example", "eu-central-1")


def test_credentials_reach_the_storage_options_of_remote_addresses_only() -> None:
    settings = Settings.from_environ({**KEYS, "AWS_SESSION_TOKEN": "FwoGZXIvYXdz"})
    assert settings.storage_options("s3://lake/orders") == {
        "aws_access_key_id": "AKIDEXAMPLE",
        "aws_secret_access_key": "wJalrXUtnFEMI",
        "aws_session_token": "FwoGZXIvYXdz",
        "aws_allow_http": "false",
    }
    assert settings.storage_options("/lake/orders") == {}


def test_no_credential_is_ever_shown() -> None:
    settings = Settings.from_environ({**KEYS, "AWS_SESSION_TOKEN": "FwoGZXIvYXdz"})
    for text in (repr(settings), str(settings), repr(settings.s3), f"{settings.s3}"):
        assert not any(secret in text for secret in [*KEYS.values(), "FwoGZXIvYXdz"])


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({"NEURALAKE_ENV": "staging"}, "'staging': expected local or production"),
        ({"NEURALAKE_STORAGE_ROOT": "gs://lake"}, "STORAGE_ROOT begins with gs://"),
        ({"NEURALAKE_STORAGE_ROOT": "s3://"}, "expected s3://bucket/path"),
        ({"NEURALAKE_RESULTS_ROOT": "s3://lake/runs"}, "expected a directory of this machine"),
        ({"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE"}, "AWS_SECRET_ACCESS_KEY is not set"),
        ({"AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI"}, "AWS_ACCESS_KEY_ID is not set"),
        ({"AWS_SESSION_TOKEN": "FwoGZXIvYXdz"}, "AWS_SESSION_TOKEN is set without"),
        ({"AWS_ENDPOINT_URL": "s3.example:9000"}, "AWS_ENDPOINT_URL is not a URL"),
        ({"AWS_ENDPOINT_URL": "http://"}, "AWS_ENDPOINT_URL is not a URL"),
        ({"AWS_ENDPOINT_URL": "http://[::1"}, "AWS_ENDPOINT_URL is not a URL"),
        ({"AWS_ENDPOINT_URL": "http://localhost:port"}, "AWS_ENDPOINT_URL is not a URL"),
        ({"AWS_ENDPOINT_URL_S3": "ftp://s3.example"}, "AWS_ENDPOINT_URL_S3 is not a URL"),
    ],
)
def test_an_impossible_value_is_one_line_that_names_the_variable(
    environ: dict[str, str], message: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        Settings.from_environ(environ)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "environ",
    [
        {"AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI"},
        {"AWS_SESSION_TOKEN": "wJalrXUtnFEMI"},
        {"AWS_ENDPOINT_URL": "https://ada:wJalrXUtnFEMI@s3.example"},
        {"AWS_ENDPOINT_URL": "ada:wJalrXUtnFEMI@s3.example"},
        {"NEURALAKE_STORAGE_ROOT": "s3://ada:wJalrXUtnFEMI@lake/root"},
        {"NEURALAKE_STORAGE_ROOT": "gs://ada:wJalrXUtnFEMI@lake/root"},
    ],
)
def test_an_error_does_not_repeat_a_secret(environ: dict[str, str]) -> None:
    with pytest.raises(ConfigError) as caught:
        Settings.from_environ(environ)
    assert "wJalrXUtnFEMI" not in str(caught.value)


class TestProduction:
    def test_has_no_default_location(self) -> None:
        with pytest.raises(ConfigError, match="production has no default location"):
            Settings.from_environ({"NEURALAKE_ENV": "production"})

    def test_has_no_default_credential(self) -> None:
        settings = Settings.from_environ(PRODUCTION)
        options = settings.storage_options("s3://lake/root")
        assert options == {"aws_allow_http": "false"}

    @pytest.mark.parametrize("allowed", ["", "other.internal", "minio.internal.evil", "*"])
    def test_refuses_plain_http_to_a_host_that_is_not_named(self, allowed: str) -> None:
        environ = {
            "AWS_ENDPOINT_URL": "http://minio.internal:9000",
            "NEURALAKE_ALLOW_HTTP": allowed,
        }
        with pytest.raises(ConfigError, match=r"plain HTTP to minio\.internal.*ALLOW_HTTP=minio"):
            Settings.from_environ({**PRODUCTION, **environ})

    @pytest.mark.parametrize("allowed", ["minio.internal", "a.example, MinIO.internal ,"])
    def test_takes_plain_http_to_a_host_that_is_named(self, allowed: str) -> None:
        environ = {
            "AWS_ENDPOINT_URL": "http://minio.internal:9000",
            "NEURALAKE_ALLOW_HTTP": allowed,
        }
        settings = Settings.from_environ({**PRODUCTION, **environ})
        assert settings.storage_options("s3://lake")["aws_allow_http"] == "true"

    def test_names_a_host_of_ipv6_without_its_brackets(self) -> None:
        environ = {"AWS_ENDPOINT_URL": "http://[::1]:9000", "NEURALAKE_ALLOW_HTTP": "::1"}
        assert Settings.from_environ({**PRODUCTION, **environ}).s3.allow_http

    def test_takes_https(self) -> None:
        settings = Settings.from_environ({**PRODUCTION, "AWS_ENDPOINT_URL": "https://s3.example"})
        assert settings.storage_options("s3://lake")["aws_allow_http"] == "false"


def test_local_takes_plain_http() -> None:
    assert Settings.from_environ({"AWS_ENDPOINT_URL": "http://127.0.0.1:8333"}).s3.allow_http


@pytest.mark.parametrize(
    ("root", "location", "uri"),
    [
        ("/lake", "shop/orders", "/lake/shop/orders"),
        ("/lake", "/elsewhere/orders", "/elsewhere/orders"),
        ("/lake", "file:///elsewhere/my%20orders", "/elsewhere/my orders"),
        ("/lake", "s3://bucket/orders", "s3://bucket/orders"),
        ("s3://bucket/root", "shop/orders", "s3://bucket/root/shop/orders"),
        ("s3://bucket/root/", "shop/orders/*.parquet", "s3://bucket/root/shop/orders/*.parquet"),
        ("s3a://bucket/root", "orders", "s3://bucket/root/orders"),
        ("s3://bucket/root", "/local/orders", "/local/orders"),
        ("/lake", "S3A://bucket/Orders", "s3://bucket/Orders"),
    ],
)
def test_a_location_becomes_absolute(root: str, location: str, uri: str) -> None:
    assert Settings.from_environ({"NEURALAKE_STORAGE_ROOT": root}).uri(location) == uri


def test_a_relative_root_is_under_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert Settings.from_environ({}).uri("orders") == str(tmp_path / "data/orders")


@pytest.mark.parametrize("location", ["gs://lake/orders", "http://host/x.parquet", "s3:///orders"])
def test_a_location_that_cannot_be_reached_is_refused(location: str) -> None:
    with pytest.raises(ConfigError, match="expected"):
        Settings.from_environ({}).uri(location)


def test_remote_is_object_storage_only() -> None:
    assert [is_remote(u) for u in ("s3://b/k", "S3A://b/k", "/s3://b", "data", "s3:/b")] == [
        True,
        True,
        False,
        False,
        False,
    ]


def test_joining_puts_one_slash_between() -> None:
    assert join_uri("s3://b/", "/a/", "b.parquet") == "s3://b/a/b.parquet"
    assert join_uri("/", "a") == "/a"
    assert join_uri("/") == "/"


def test_a_tilde_is_the_home_directory_where_no_shell_has_replaced_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    places = ("STORAGE_ROOT", "RESULTS_ROOT", "CACHE_ROOT", "LOCK_FILE")
    environ = {f"NEURALAKE_{name}": f"~/{name}" for name in places} | {"HOME": "/home/ada"}
    settings = Settings.from_environ(environ)
    monkeypatch.setenv("HOME", "/home/ada")
    found = (settings.storage_root, settings.results_root, settings.cache_root)
    assert [str(place) for place in (*found, machine_lock_path(environ))] == [
        f"/home/ada/{name}" for name in places
    ]
    caches = Settings.from_environ({"HOME": "/home/ada", "XDG_CACHE_HOME": "~/caches"}).cache_root
    assert str(caches) == "/home/ada/caches/neuralake"


def test_a_tilde_in_a_location_is_not_below_the_storage_root() -> None:
    settings = Settings.from_environ({"HOME": "/home/ada", "NEURALAKE_STORAGE_ROOT": "/lake"})
    assert settings.uri("~/orders") == "/home/ada/orders"
    assert settings.uri("./~/orders") == "/lake/~/orders"
    assert settings.uri("~backup") == "/lake/~backup"


NOBODY = """
import os, sys
from neuralake.config import Settings
from neuralake.errors import ConfigError
os.setuid(987654)  # a number that no user has, as a container may be given
settings = Settings.from_environ({})
print(settings.storage_root, settings.results_root)
for ask in (lambda: settings.cache_root, lambda: settings.uri("~/orders")):
    try:
        ask()
    except ConfigError as error:
        print(error)
print(Settings.from_environ({"NEURALAKE_CACHE_ROOT": "/jars"}).cache_root)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_without_a_home_directory_only_what_needs_one_is_refused() -> None:
    environ = {name: value for name, value in os.environ.items() if name != "HOME"}
    said = subprocess.check_output([sys.executable, "-c", NOBODY], text=True, env=environ)
    roots, cache, tilde, named = said.splitlines()
    assert roots == "data results"
    assert cache.endswith("set NEURALAKE_CACHE_ROOT to a directory")
    assert tilde.startswith("~/orders cannot be found: HOME is not set")
    assert named == "/jars"


def test_no_variable_that_the_pages_name_is_refused() -> None:
    pages = (ROOT / "docs").rglob("*.md")
    text = "".join(p.read_text() for p in pages if p.parent.name != "changelogs")
    named = set(re.findall(r"NEURALAKE_[A-Z_]+[A-Z]", text))
    assert len(named) > 8
    check_environment(dict.fromkeys(named - {"NEURALAKE_ENV"}, "x"))


@pytest.mark.parametrize(
    ("variable", "meant"),
    [
        ("NEURALAKE_STORAGE", "NEURALAKE_STORAGE_ROOT"),
        ("NEURALAKE_RESULT_ROOT", "NEURALAKE_RESULTS_ROOT"),
        ("NEURALAKE_EVN", "NEURALAKE_ENV"),
    ],
)
def test_a_variable_called_almost_as_one_of_ours_is_said(variable: str, meant: str) -> None:
    with pytest.raises(ConfigError, match=f"{variable} is no variable .* did you mean {meant}?"):
        check_environment({variable: "x"})


def test_a_variable_of_somebody_elses_is_passed_over() -> None:
    check_environment({"NEURALAKE_HELM_CHART": "x", "STORAGE_ROOT": "x"})
