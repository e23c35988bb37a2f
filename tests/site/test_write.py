"""The page is put in its place whole or not at all, and replaces nothing but an older one."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from neuralake.errors import ResultsError
from neuralake.report.run.report import write_run_report
from neuralake.site import write
from neuralake.site.write import write_site
from tests.conftest import Cli
from tests.report.run.make import made_run
from tests.site.test_browser import synthetic

CATALOG = """
from neuralake.catalog import ParquetTable

orders = ParquetTable(name="orders", location="orders.parquet")
gone = ParquetTable(name="gone", location="gone.parquet")
"""


def test_an_older_page_is_replaced_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    first = write_site(synthetic(10), tmp_path / "a/site").read_bytes()
    second = write_site(synthetic(20), tmp_path / "a/site").read_bytes()
    assert first != second
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["site"]
    assert [path.name for path in (tmp_path / "a/site").iterdir()] == ["index.html"]


def test_the_same_facts_give_the_same_page(tmp_path: Path) -> None:
    pages = [write_site(synthetic(10), tmp_path / name).read_bytes() for name in "ab"]
    assert pages[0] == pages[1]


def test_what_is_no_page_of_a_catalog_stays(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site/index.html").write_text("mine")
    with pytest.raises(ResultsError, match=r"holds index.html, which is no part of a site"):
        write_site(synthetic(10), tmp_path / "site")
    assert (tmp_path / "site/index.html").read_text() == "mine"
    write_run_report(made_run(), tmp_path / "report")
    with pytest.raises(ResultsError, match="no part of a site of Neuralake"):
        write_site(synthetic(10), tmp_path / "report")
    write_site(synthetic(10), tmp_path / "catalog")
    with pytest.raises(ResultsError, match="no part of a report of Neuralake"):
        write_run_report(made_run(), tmp_path / "catalog")


def test_a_page_that_cannot_be_made_leaves_the_older_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = write_site(synthetic(10), tmp_path / "site")
    before = page.read_bytes()
    broken = synthetic(10)
    object.__setattr__(broken, "databases", None)
    with pytest.raises(TypeError):
        write_site(broken, tmp_path / "site")
    assert page.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["site"]


def test_without_its_package_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("neuralake.report.placing.find_spec", lambda name: None)
    with pytest.raises(ResultsError, match=r"a site needs htpy: pip install 'neuralake-bench"):
        write.write_site(synthetic(10), tmp_path / "site")


def test_the_commands(tmp_path: Path, typed: Cli) -> None:
    pq.write_table(pa.table({"id": [1, 2]}), tmp_path / "orders.parquet")
    (tmp_path / "catalog.py").write_text(CATALOG)
    environment = {"NEURALAKE_STORAGE_ROOT": str(tmp_path)}
    own = ("--catalog", "catalog.py")
    made = typed("catalog", "site", *own, "--to", "site", environment=environment)
    assert (made.returncode, made.stdout) == (0, "site: site/index.html\n")
    database = f"{tmp_path.name}".replace("-", "_")
    assert made.stderr.startswith("neuralake: 1 tables cannot be read: ")
    assert made.stderr.endswith(".gone\n"), database
    page = (tmp_path / "site/index.html").read_text()
    assert "orders.parquet" in page
    exported = typed("catalog", "export", "json", *own, environment=environment)
    tables = {t["name"]: t for t in json.loads(exported.stdout)["databases"][0]["tables"]}
    assert (tables["orders"]["rows"], tables["orders"]["sample"]) == (2, None)
    typed("catalog", "export", "json", *own, "--to", "catalog.json", environment=environment)
    assert json.loads((tmp_path / "catalog.json").read_text())["format_version"] == 1


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["catalog", "site", "--catalog", "none.py", "--to", "site"], "no catalog at none.py"),
        (["catalog", "site", "--catalog", "catalog.py"], "Missing option '--to'"),
        (["catalog", "site", "--catalog", "catalog.py", "--to", "."], "is the working directory"),
        (
            ["catalog", "site", "--catalog", "catalog.py", "--to", "s", "--sample-rows", "101"],
            "--sample-rows",
        ),
        (
            ["catalog", "site", "--catalog", "catalog.py", "--to", "catalog.py"],
            "the site cannot be written to catalog.py",
        ),
        (
            ["catalog", "export", "json", "--catalog", "catalog.py", "--to", "."],
            "it is a directory",
        ),
    ],
)
def test_bad_input_is_one_line(tmp_path: Path, typed: Cli, words: list[str], told: str) -> None:
    (tmp_path / "catalog.py").write_text(CATALOG)
    refused = typed(*words, environment={"NEURALAKE_STORAGE_ROOT": str(tmp_path)})
    assert refused.returncode == 2, refused.stderr
    assert told in refused.stderr.splitlines()[-1]
