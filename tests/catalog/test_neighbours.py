"""Modules that lie beside a catalog are its own, whatever else has been imported."""

import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from neuralake.catalog import load_catalog
from neuralake.catalog.tables import Table
from neuralake.config import Settings

Run = Callable[..., str]
CATALOG = """
import polars as pl
from neuralake.catalog import table
from places import PLACE
from lib.deep import DEEP

@table
def where():
    import later
    return pl.DataFrame({"place": [f"{PLACE} {DEEP} {later.LATER}"]})
"""


def said(source: str) -> Table:
    return load_catalog(source, Settings.from_environ({})).table("where")


def row(table: Table) -> str:
    place: str = table.lazy().collect().item()
    return place


def write(root: Path, place: str, catalog: str = "catalog.py", text: str = CATALOG) -> Path:
    (root / "lib").mkdir(parents=True)
    (root / catalog).write_text(text)
    for file, name in [("places.py", "PLACE"), ("later.py", "LATER"), ("lib/deep.py", "DEEP")]:
        (root / file).write_text(f"{name} = {place!r}\n")
    return root


@pytest.fixture
def run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Run]:
    """Run a script of the user's, that lies in a directory, and see what it prints."""
    before = {*sys.modules}
    monkeypatch.chdir(tmp_path)

    def run(code: str, beside: Path = tmp_path) -> str:
        monkeypatch.setattr(sys, "path", [str(beside), *sys.path])
        exec(textwrap.dedent(code), {"said": said, "row": row})
        return capsys.readouterr().out

    yield run
    for name in {*sys.modules} - before:
        file = getattr(sys.modules[name], "__file__", None) or name
        if name == "lib" or file.startswith((str(tmp_path), "_neuralake_catalog_")):
            del sys.modules[name]


def test_two_catalogs_have_each_its_own(tmp_path: Path, run: Run) -> None:
    write(tmp_path / "a", "a")
    write(tmp_path / "b", "b")
    code = """
    a, b = said("a/catalog.py"), said("b/catalog.py")
    print(row(a), row(b), row(a), row(said("a/catalog.py")), sep=", ")
    """
    assert run(code) == "a a a, b b b, a a a, a a a\n"


def test_neither_is_mistaken_for_what_lies_beside_the_script(tmp_path: Path, run: Run) -> None:
    write(tmp_path / "a", "a")
    write(tmp_path / "own", "own")
    code = """
    import places
    a = said("a/catalog.py")
    import later
    print(row(a), places.PLACE, later.LATER, places is __import__("places"), sep=", ")
    """
    assert run(code, tmp_path / "own") == "a a a, own, own, True\n"


def test_the_script_of_the_same_directory_shares_them(tmp_path: Path, run: Run) -> None:
    write(tmp_path / "a", "a")
    code = """
    import places
    places.PLACE = "mended"
    a = said("a/catalog.py")
    import lib.deep
    lib.deep.DEEP = "known"
    print(row(a))
    """
    assert run(code, tmp_path / "a") == "mended a a\n"


def test_a_name_is_the_working_directorys(tmp_path: Path, run: Run) -> None:
    write(tmp_path / "elsewhere", "elsewhere", "shop.py")
    write(tmp_path / "here", "here", "shop.py")
    write(tmp_path / "there", "there", "shop.py")
    code = """
    import os
    first = said("elsewhere/shop.py")
    os.chdir("here")
    second = said("shop")
    os.chdir("../there")
    third = said("shop")
    print(row(first), row(second), row(third), sep=", ")
    """
    expected = "elsewhere elsewhere elsewhere, here here here, there there there\n"
    assert run(code) == expected


def test_what_changed_is_imported_again(tmp_path: Path, run: Run) -> None:
    write(tmp_path / "a", "one")
    code = """
    from pathlib import Path
    print(row(said("a/catalog.py")))
    Path("a/places.py").write_text("PLACE = 'another'")
    print(row(said("a/catalog.py")))
    file = Path("a/catalog.py")
    file.write_text(file.read_text().replace("DEEP}", "'ae'}"))
    print(row(said("a/catalog.py")))
    """
    assert run(code) == "one one one\nanother one one\nanother ae one\n"


def test_what_is_installed_goes_before(tmp_path: Path, run: Run) -> None:
    write(tmp_path / "a", "a", text=CATALOG.replace("import later", "import json as later"))
    for name in ("json", "polars", "queue"):
        (tmp_path / "a" / f"{name}.py").write_text("raise SystemExit('taken for another')")
    code = """
    import json
    json.LATER = "json"
    try: print(row(said("a/catalog.py")))
    finally: del json.LATER
    """
    assert run(code) == "a a json\n"


def test_functions_find_theirs_in_another_process(tmp_path: Path, run: Run) -> None:
    for name in "ab":
        write(tmp_path / name, name, "shop.py")
        (tmp_path / name / "tables.py").write_text(CATALOG)
        (tmp_path / name / "catalog.py").write_text("from tables import where\n")
    code = """
    import os, pickle, subprocess, sys
    tables = [said(f"{name}/catalog.py") for name in "ab"]
    os.chdir("b")
    tables.append(said("shop"))
    code = "import pickle, sys; tables = pickle.load(sys.stdin.buffer)\\n"
    code += "for t in tables: print(t.lazy().collect().item())"
    command = [sys.executable, "-P", "-c", code]
    done = subprocess.run(command, input=pickle.dumps(tables), cwd="/", stdout=subprocess.PIPE)
    print(done.stdout.decode())
    """
    assert run(code).split("\n") == ["a a a", "b b b", "b b b", "", ""]


def test_threads_and_functions_that_ask_other_catalogs(tmp_path: Path, run: Run) -> None:
    write(tmp_path / "b", "b")
    code = CATALOG.replace("    import later\n", "    import meeting as m, later\n    m.meet()\n")
    write(tmp_path / "a", "a", text=code.replace("LATER}", "LATER} {m.row(m.b)} {m.later()}"))
    code = """
    import sys, threading
    from types import SimpleNamespace
    a, b = said("a/catalog.py"), said("b/catalog.py")
    barrier = threading.Barrier(2)
    def meet(): barrier.wait(60)
    def later():
        import later
        return later.LATER
    sys.modules["meeting"] = SimpleNamespace(meet=meet, row=row, b=b, later=later)
    found = []
    threads = [threading.Thread(target=lambda: found.append(row(a))) for _ in range(2)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    del sys.modules["meeting"]
    print(*found, sep=", ")
    """
    assert run(code) == "a a a b b b a, a a a b b b a\n"
