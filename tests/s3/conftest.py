"""A real S3 server for all tests of this room, whichever processes they run in."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path

import pytest
from pyarrow import fs

from benchmarks.s3.server import Server
from benchmarks.s3.shared import shared
from neuralake.config import Settings
from neuralake.storage import filesystem
from tests.conftest import Lend
from tests.lent import Lent, may_ask, meeting_place


@dataclass(frozen=True)
class Place:
    """A prefix of the server's bucket that is one test's own.

    Attributes
    ----------
    server
        Where it is.
    prefix
        Within the bucket, without a slash at its end.
    """

    server: Server
    prefix: str

    @property
    def uri(self) -> str:
        """The prefix as a location."""
        return f"s3://{self.server.bucket}/{self.prefix}"

    @property
    def environ(self) -> dict[str, str]:
        """Variables under which it is the storage root."""
        return {**self.server.environ, "NEURALAKE_STORAGE_ROOT": self.uri}

    def environ_through(self, endpoint_url: str) -> dict[str, str]:
        """The same variables, by way of a proxy."""
        return {**self.environ, "AWS_ENDPOINT_URL": endpoint_url}

    @property
    def options(self) -> dict[str, str]:
        """Storage options that reach it."""
        return Settings.from_environ(self.environ).storage_options(self.uri)

    def names(self, uri: str) -> set[str]:
        """Of the objects below a location."""
        objects, path = filesystem(uri, self.options)
        found = objects.get_file_info(fs.FileSelector(path, allow_not_found=True, recursive=True))
        return {info.path.removeprefix(path) for info in found if info.type == fs.FileType.File}


@pytest.fixture(scope="session")
def lent_server(lend: Lend, tmp_path_factory: pytest.TempPathFactory) -> Lent[Server]:
    """One server for all workers of the run; it is gone after the last of them, in any case."""
    place = meeting_place(tmp_path_factory, "s3")
    return lend(lambda: shared(place), may_ask("s3_server", Path(__file__).parent))


@pytest.fixture(scope="module")
def s3_server(lent_server: Lent[Server]) -> Server:
    """The server, which is another one where no worker has had a test of this room for a while."""
    return lent_server.get()


@pytest.fixture
def s3(s3_server: Server) -> Place:
    """A place on the server that nobody else uses."""
    return Place(s3_server, f"test-{secrets.token_hex(6)}")
