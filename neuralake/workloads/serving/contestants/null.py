"""The null server: what the same HTTP stack takes that has nothing to do.

It answers every request with the same row as JSON, through the same server (uvicorn) and framework
(starlette) as Neuralake's own. No server of these can be faster, and no driver measures less.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from neuralake.workloads.serving.contestants.messages import JSON, ask_by_post, post
from neuralake.workloads.serving.contestants.protocol import HOST, Site

if TYPE_CHECKING:
    from starlette.applications import Starlette

# As long as the answer to a point query
CONSTANT = (
    b'[{"id":4711,"account":-1311768467463790320,"happened_at":"2023-11-14T22:13:20.000000Z",'
    b'"device":"device-0001","message":"0123456789abcdef0123456789abcdef","amount":"1234567.89",'
    b'"temperature":20.123456789012345,"share":0.12345678,"is_valid":true,"code":123}]'
)
_PATH = "/api/sql"


class NullServer:
    """A constant answer."""

    name = "null"

    def __init__(self, site: Site) -> None:
        self.address = (HOST, site.ports[0])

    @classmethod
    def unavailable(cls) -> str | None:
        """What is missing."""
        missing = [name for name in ("starlette", "uvicorn", "httptools") if not find_spec(name)]
        return f"{missing[0]} is not installed: install neuralake-bench[serve]" if missing else None

    def versions(self) -> dict[str, str]:
        """Of the HTTP stack."""
        return {name: version(name) for name in ("starlette", "uvicorn", "httptools")}

    def command(self) -> Sequence[str]:
        """The module itself, as a program."""
        return (sys.executable, "-P", "-m", __name__, *map(str, self.address))

    @property
    def settings(self) -> Mapping[str, Any]:
        """Nothing of note."""
        return {"answer": f"{len(CONSTANT)} bytes of JSON"}

    @property
    def constant(self) -> bytes:
        """What it answers."""
        return CONSTANT

    def message(self, sql: str) -> bytes:
        """As to any other server; it reads the body, and forgets it."""
        return post(self.address, _PATH, sql.encode(), {"Accept": JSON})

    def ask(self, sql: str) -> pa.Table:
        """A table with the answer's bytes."""
        return pa.table({"body": [ask_by_post(self.address, _PATH, sql.encode(), {})]})

    def read(self, body: bytes, schema: pa.Schema) -> pa.Table:  # noqa: ARG002
        """No table: bytes are compared."""
        raise ValueError("a constant answer is no table")


def application() -> Starlette:
    """The server's application."""
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    async def answer(request: Request) -> Response:
        await request.body()
        return Response(CONSTANT, media_type=JSON)

    return Starlette(routes=[Route(_PATH, answer, methods=["POST"])])


def main(host: str, port: int) -> None:
    """Serve until the process ends."""
    import uvicorn

    uvicorn.run(application(), host=host, port=port, log_level="warning", access_log=False)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
