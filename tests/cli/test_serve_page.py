"""The page that tells how to serve a catalog: what a reader types is done here, in its order."""

from __future__ import annotations

import contextlib
import io
import re
import signal
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import deltalake
import pyarrow as pa
import pytest

from tests.conftest import cli_environment
from tests.sources.test_flight import certificate as make_certificate

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "serve-a-catalog.md").read_text()
_BLOCK = re.compile(r"^```(?P<kind>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCKS = [(m["kind"], m["text"]) for m in _BLOCK.finditer(PAGE)]
CATALOG, CLIENT = (text for kind, text in BLOCKS if kind == "python")
SERVE, *ASKED, BEYOND = (text for kind, text in BLOCKS if kind == "console")
ROWS = pa.table(
    {
        "id": pa.array([1, 2], pa.int64()),
        "device": ["rig-7", "rig-7"],
        "amount": pa.array([Decimal("19.99"), Decimal("0.10")], pa.decimal128(12, 2)),
    },
    pa.schema(
        [
            pa.field("id", pa.int64(), nullable=False),
            ("device", pa.string()),
            ("amount", pa.decimal128(12, 2)),
        ]
    ),
)
certificate = make_certificate


def typed(session: str) -> str:
    """The last command of a session."""
    return session.rsplit("$ ", maxsplit=1)[-1].splitlines()[0]


class Served:
    """The server of the page, on a free port."""

    def __init__(self, command: str, directory: Path, **environment: str) -> None:
        words = command.split()
        assert words[0] == "neuralake"
        listen = [] if "--listen" in words else ["--listen", "127.0.0.1:0"]
        self.process = subprocess.Popen(
            [sys.executable, "-m", *words, *listen],
            cwd=directory,
            env=cli_environment(directory / "data", directory) | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.said = self.process.stdout.readline().strip()
        assert self.said, self.process.communicate()[1]
        self.port = self.said.rpartition(":")[2]

    def end(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate(timeout=60)
        return self.process.returncode


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "catalog.py").write_text(CATALOG)
    deltalake.write_deltalake(tmp_path / "data" / "events", ROWS)
    return tmp_path


def test_the_page_can_be_followed(directory: Path) -> None:
    served = Served(typed(SERVE), directory)
    try:
        assert SERVE.splitlines()[1].rpartition(":")[0] == served.said.rpartition(":")[0]
        assert len(ASKED) == 4
        for session in ASKED:
            command = typed(session).replace(":8080", f":{served.port}")
            done = subprocess.run(
                ["bash", "-c", command], capture_output=True, text=True, check=True, timeout=60
            )
            assert done.stdout.splitlines() == session.splitlines()[1:]
        space: dict[str, pa.Table] = {}
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            exec(CLIENT.replace(":8080", f":{served.port}"), space)
        assert f"  # {printed.getvalue().strip()}\n" in CLIENT
        assert space["table"].equals(ROWS)
    finally:
        assert served.end() == 0


def test_beyond_this_machine(directory: Path, certificate: tuple[Path, Path]) -> None:
    assert {path.name for path in certificate} == {"cert.pem", "key.pem"}
    command = typed(BEYOND).replace("0.0.0.0:8443", "0.0.0.0:0")
    served = Served(command, certificate[0].parent, NEURALAKE_SERVE_TOKEN="a-token")
    try:
        assert served.said.startswith("serving on https://0.0.0.0:")
    finally:
        assert served.end() == 0
