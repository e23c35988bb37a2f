"""Mistakes of a first hour, typed into the command itself: one line, status 2, nothing written.

The line says what was wrong, the value, and what would be right.
"""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.conftest import Cli

CATALOG = """
import pyarrow as pa
from neuralake.catalog.columns import Column
from neuralake.catalog.tables import DeltaTable, table
"""
# What a user has in his directory. A catalog of one line goes after CATALOG.
FILES = {
    "afile": "",
    "emptydir/": "",
    "wl/a.sql": "SELECT 1 AS one",
    "lake_syntax.py": "def f(:",
    "lake_absent.py": "import nothing_of_that_name",
    "lake_leaves.py": "import sys; sys.exit(3)",
    "lake_raises.py": "raise ValueError('first\\n\\nsecond')",
    "lake_notables.py": "catalog = 'hello'",
    "lake_type.py": CATALOG
    + "t = DeltaTable(name='t', location='t', columns=(Column('id', int),))",
    "lake_text.py": CATALOG
    + "t = DeltaTable(name='t', location='t', columns=(Column('id', 'int64'),))",
    "lake_names.py": CATALOG + "t = DeltaTable(name='t', location='t', columns=['id'])",
    "lake_key.py": CATALOG + "t = DeltaTable(name='t', location='t', primary_key='id')",
    "lake_name.py": CATALOG + "t = DeltaTable(name=3, location='t')",
    "lake_nowhere.py": CATALOG + "t = DeltaTable(name='t', location=None)",
    "lake_keyword.py": CATALOG + "t = DeltaTable(name='t', location='t', colums=())",
    "lake_gone.py": CATALOG + "gone = DeltaTable(name='gone', location='/nowhere')\n"
    "@table\ndef good():\n    return pa.table({'a': [1]})",
    "lake_good.py": CATALOG + "@table\ndef good():\n    return pa.table({'a': [1]})",
    "lake_functions.py": CATALOG
    + "@table\ndef boom():\n    return 1 / 0\n"
    + "@table\ndef leave():\n    raise SystemExit('no access')\n"
    + "@table\ndef nothing():\n    pass",
}
SQL = "query 'SELECT 1'"

MISTAKES = {
    # commands, options and arguments
    "benhc": "No such command 'benhc'. Did you mean 'bench'? (see neuralake --help)",
    "catalog lst": "Did you mean 'list'? (see neuralake catalog --help)",
    "--versoin": "No such option '--versoin'. Did you mean '--version'?",
    "query 'SELECT 1' --engines polars": "Did you mean '--engine'? (see neuralake query --help)",
    "bench --engines polars datafusion": "unexpected extra argument (datafusion): lists are",
    "bench --engines": "Option '--engines' requires an argument",
    "catalog show": "Missing argument 'TABLE' (see neuralake catalog show --help)",
    "compare main": "Missing argument 'CANDIDATE' (see neuralake compare --help)",
    # streams of TPC-H
    "tpch params --stream 0": "Missing option '--seed' (see neuralake tpch params --help)",
    "tpch params --seed many --stream 0": "many is no whole number: expected one such as 1",
    "tpch params --seed 0 --stream 0": "seed 0 is out of range: expected a whole number from 1 to",
    "tpch params --seed=-1 --stream 0": "seed -1 is out of range: expected a whole number from 1",
    "tpch params --seed 1 --stream 41": "stream 41 has no ordering: expected 0, the power stream",
    "tpch params --seed 1 --stream 0 -s 0": "scale factor 0 is out of range: expected a number",
    "tpch ordering --stream=-1": "stream -1 has no ordering: expected 0, the power stream, or 1 to",
    "tpch refresh --set 0 --to out": "refresh set 0 does not exist: expected 1 to 999",
    "tpch refresh --set 1000 --to out": "refresh set 1000 does not exist: expected 1 to 999",
    "tpch refresh --set 2,2 --to out": "refresh set 2 is named twice: expected each once",
    "tpch refresh --set 1,x --to out": "'x' is no refresh set: expected numbers and ranges such as",
    "tpch refresh --set 1 --dataset nowhere --to out": "no dataset at",
    "tpch refresh --set 1 --to ''": "'--to': it is empty: expected DIR",
    "generate 1": "unexpected extra argument (1)",
    "query SELECT 1": "the SQL is in 2 arguments: expected one, in quotes",
    "query absent.sql": "'absent.sql' is the name of a file: expected SQL",
    # an empty value, which a shell makes of a variable that is not set
    f"{SQL} --dataset ''": "'--dataset': it is empty: expected URI",
    "generate --to ''": "'--to': it is empty: expected URI",
    "report --to ''": "'--to': it is empty: expected DIR",
    "results export --to ' '": "'--to': it is empty: expected FILE",
    "bench --engines ''": "unknown engine '': expected one of",
    "bench --queries ''": "'--queries': it is empty",
    # engines and their options
    "bench --engines Polars": "; did you mean polars?",
    # a list names each once, whatever it is a list of
    "bench --engines polars,polars": "engine polars is named twice: expected each once",
    "compare main main --engines polars,polars": "engine polars is named twice: expected each",
    "compare main main --engine polars:threads=1 --engine polars:threads=2": "engine option polars:"
    "threads is named twice",
    "compare main 'main[polars:threads=1,polars:threads=2]'": "polars:threads is named twice: exp",
    f"{SQL} --set threads=1 --set threads=2": "engine option polars:threads is named twice",
    "bench --workload wl --catalog lake_good.py --queries a,a": "query a is named twice",
    "catalog check good lake_good.good --catalog lake_good.py": "table lake_good.good is named twi",
    "serve --catalog lake_good.py --table good --table good": "table good is named twice",
    "verify --only storage,storage": "--only storage is named twice",
    "writer t --from kafka://a:1,a:1/topic": "broker a:1 is named twice",
    "generate --on spark://a:1 --engine spark:master=spark://b:1": "spark:master is named twice",
    "bench --engines polars,,duckdb": "unknown engine ''",
    "bench --engine polars": "expected NAME:KEY=VALUE; --engines names the engines",
    f"{SQL} --engine polar": "unknown engine 'polar': expected one of",
    f"{SQL} --set threads": "'threads': expected KEY=VALUE",
    f"{SQL} --set thread=2": "no option 'thread': it has delta_reader, engine, memory, ",
    f"{SQL} --set threads=two": "option threads is 'two': expected a whole number",
    f"{SQL} --set engine=fast": "option engine is 'fast': expected one of streaming, in-memory",
    f"{SQL} --engine datafusion --set memory=8": "memory: '8' has no unit",
    # numbers
    "bench --runs 1e3": "1e3 is no whole number from 1 to",
    "bench --runs 99999999999999999999": "99999999999999999999 is no whole number from 1 to",
    "bench --cold-runs -1": "-1 is no whole number from 1 to",
    "query --tpch q6": "q6 is no whole number from 1 to 22",
    "bench -s 0,01": "'0,01' is no number: expected one such as 0.01",
    "bench -s 0": "scale factor 0 is out of range: expected a number from 0.001",
    "bench -s 1e9": "scale factor 1e+09 is out of range",
    "history --min-change 2%": "'2%' is no number: expected one from 0 to 10",
    "history --min-change nan": "nan is out of range: expected a number from 0 to 10",
    "history --confidence 99": "99 is out of range: expected a number from 0.5 to 0.9999",
    "compare main main --effect nan": "nan is no effect: expected a fraction above 0 and below 1",
    "bench --timeout 5x": "'5x' is no duration: expected seconds such as 90, or 5m, 2h",
    "bench --timeout 1000000h": "'1000000h' is too long a duration: expected at most 576h",
    "compare main main --max-time 0": "'0' is no duration",
    "bench --memory-limit 8": "'8' has no unit: expected such as 8g",
    "bench --memory-limit 999999t": "'999999t' is too large a size",
    "generate --row-group-bytes 8m": "8m is no whole number",
    "generate --compression zip": "compression 'ZIP' is unknown: expected one of",
    # queries
    "bench --queries 0": "unknown query '0': there are q01 to q22; expected such as 1,6,9-12",
    "bench --queries 5-3": "unknown query '5-3'",
    "bench --queries a-b": "unknown query 'a-b'",
    "bench --queries 1;2": "unknown query '1;2'",
    "bench --workload wl --catalog lake_good.py --queries b": "unknown query 'b': there are a;",
    # datasets and workloads
    f"{SQL} --dataset afile": "/afile is a file: a dataset is a directory",
    f"{SQL} --dataset emptydir": "no dataset at",
    f"{SQL} --dataset http://host/x": "begins with http://: expected a path or an s3:// URI",
    "bench --workload nodir": "no workload at nodir: it does not exist",
    "bench --workload afile": "no workload at afile: it is a file; expected a directory",
    "bench --workload emptydir": "no *.sql file in emptydir",
    "bench --workload wl": "no catalog for the workload at wl",
    "bench --catalog lake_gone.py": "--catalog goes with --workload",
    "catalog list -s 1 --dataset x": "expected either --scale-factor or --dataset",
    "bench --resume nothing": "no run 'nothing' in",
    # catalogs
    f"{SQL} --catalog lake_syntax.py": "SyntaxError: invalid syntax (lake_syntax.py, line 1)",
    f"{SQL} --catalog lake_absent.py": "line 1: ModuleNotFoundError: No module named",
    f"{SQL} --catalog lake_leaves.py": "line 1: SystemExit: 3",
    f"{SQL} --catalog lake_raises.py": "catalog lake_raises.py, line 1: ValueError: first",
    f"{SQL} --catalog lake_notables.py": "holds no table: expected a DeltaTable",
    f"{SQL} --catalog emptydir": "emptydir holds no table",
    f"{SQL} --catalog afile": "no catalog at afile: it is no .py file",
    f"{SQL} --catalog lake_type.py": "line 5: column id has the type int: expected a type of py",
    f"{SQL} --catalog lake_text.py": "column id has the type 'int64': expected a type of",
    f"{SQL} --catalog lake_names.py": "table t: columns is ['id']: expected (Column('id', pa.int64",
    f"{SQL} --catalog lake_key.py": "table t: primary_key is 'id': expected ('id',)",
    f"{SQL} --catalog lake_name.py": "table name 3 is not usable",
    f"{SQL} --catalog lake_nowhere.py": "table t has the location None: expected a path or a URI",
    f"{SQL} --catalog lake_keyword.py": "unexpected keyword argument 'colums'",
    # tables that a query names
    "query 'SELECT * FROM gone' --catalog lake_gone.py": "table gone: no Delta table at /nowhere",
    "query 'SELECT * FROM goood' --catalog lake_gone.py": "; did you mean good?",
    "query 'SELECT * FROM other' --catalog lake_gone.py --engine duckdb": "; there are gone, good",
    "query 'SELECT * FROM boom' --catalog lake_functions.py": "failed with ZeroDivisionError: di",
    "query 'SELECT * FROM leave' --catalog lake_functions.py": "failed with SystemExit: no access",
    "query 'SELECT * FROM nothing' --catalog lake_functions.py": "its function returned NoneType",
    "catalog show linitem": "; did you mean lineitem?",
    # where answers go
    f"{SQL} --to x.xlsx": "the suffix of x.xlsx is of no format: expected one of .csv, .json,",
    f"{SQL} --to x.csv --format json": "--format json clashes with the suffix of x.csv",
    f"{SQL} --to x --format table": "--format table goes without --to",
    f"{SQL} -s 0.01 --to .": ". cannot be written: it is a directory; expected a file",
    f"{SQL} -s 0.01 --to nodir/x.csv": "nodir/x.csv cannot be written: No such file or directory",
    "results export --to x.json": "the suffix of x.json is of no format",
    "results show nothing": "no run 'nothing' in",
    "generate -s 0.001 --to afile": "afile is a file: a dataset is a directory",
}

VARIABLES = [
    ({"NEURALAKE_ENV": "prod"}, "NEURALAKE_ENV is 'prod': expected local or production"),
    ({"NEURALAKE_EVN": "production"}, "NEURALAKE_EVN is no variable of Neuralake's: did you mean"),
    ({"NEURALAKE_STORAGE": "/x"}, "did you mean NEURALAKE_STORAGE_ROOT?"),
    ({"NEURALAKE_STORAGE_ROOT": "https://host/x"}, "NEURALAKE_STORAGE_ROOT begins with https://"),
    ({"NEURALAKE_RESULTS_ROOT": "s3://b/x"}, "expected a directory of this machine"),
    ({"AWS_ENDPOINT_URL": "localhost:9000"}, "AWS_ENDPOINT_URL is not a URL: expected http(s)://"),
    ({"AWS_ACCESS_KEY_ID": "x"}, "AWS_SECRET_ACCESS_KEY is not set, but its partner is"),
]


def files(directory: Path) -> list[str]:
    found = directory.rglob("*")
    return sorted(str(p.relative_to(directory)) for p in found if p.suffix != ".pyc")


def refused(done: subprocess.CompletedProcess[str]) -> str:
    """The one line in which a mistake is refused."""
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith("neuralake: ")
    return line


@pytest.mark.parametrize("command", MISTAKES)
def test_a_mistake_is_one_line_that_says_what_would_be_right(
    typed: Cli, tmp_path: Path, command: str
) -> None:
    for name, text in FILES.items():
        path = tmp_path / name
        if name.endswith("/"):
            path.mkdir()
        else:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
    before = files(tmp_path)
    line = refused(typed(*shlex.split(command), environment={"PYTHONDONTWRITEBYTECODE": "1"}))
    assert MISTAKES[command] in line
    assert len(line) < 500
    assert [f for f in files(tmp_path) if f != "tmp"] == before


@pytest.mark.parametrize(("variables", "said"), VARIABLES, ids=lambda v: "".join(v)[:30])
def test_a_mistake_in_the_environment_is_said(
    typed: Cli, variables: Mapping[str, str], said: str
) -> None:
    assert said in refused(typed("catalog", "list", environment=variables))


def test_a_table_that_is_absent_costs_no_query_that_does_not_name_it(
    cli: Cli, tmp_path: Path
) -> None:
    (tmp_path / "lake_gone.py").write_text(FILES["lake_gone.py"])
    for engine in ("polars", "datafusion", "duckdb"):
        query = ("query", "SELECT a FROM good", "--catalog", "lake_gone.py", "--format", "csv")
        done = cli(*query, "--engine", engine)
        assert (done.returncode, done.stdout) == (0, '"a"\n1\n'), done.stderr
