"""A table on S3: exclusive by a conditional put, and patient with a service that stumbles.

What is retried, how long and how often stands in :class:`Patience`, and nowhere else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast
from urllib.parse import urlsplit

from neuralake.delta.store import Stored
from neuralake.errors import StorageError, StorageRefusedError
from neuralake.storage import one_line

if TYPE_CHECKING:
    from obstore.store import S3Config, S3Store

# A multipart upload holds so many parts of this size in memory; S3 allows 10,000 parts an object.
PART_BYTES: Final = 16 * 2**20
PARTS_AT_ONCE: Final = 2

_CODE = re.compile(r"<Code>(\w+)</Code>")
_WORDS = re.compile(r"<Message>([^<]*)</Message>")
_STATUS = re.compile(r"status code: (\d{3}(?: [A-Z][a-z]+)*)")
# Where a machine of Amazon's is asked for its credentials when none are given
_METADATA_SERVICE = "169.254.169.254"
_REFUSED = frozenset({"401", "403"})
_DENIED = (
    "AccessDenied"  # also of one object among those of a request, which as a whole is answered 200
)
_VERSION = re.compile(r"\d+")
_LISTED_AT_ONCE = 1000


@dataclass(frozen=True, kw_only=True)
class Patience:
    """Time-outs and retries of one request to S3, all in seconds.

    What is retried: answers 5xx, connections that are refused or break, and time-outs of requests
    that read. Between two attempts there is a pause of random length, whose bound doubles.

    Attributes
    ----------
    connect_timeout_s
        Until a connection stands.
    request_timeout_s
        Until an answer is complete.
    retries
        Attempts after the first.
    first_backoff_s, longest_backoff_s
        Bounds of the first pause, and of any.
    retry_timeout_s
        After which no further attempt begins.
    """

    connect_timeout_s: float = 5.0
    request_timeout_s: float = 30.0
    retries: int = 6
    first_backoff_s: float = 0.1
    longest_backoff_s: float = 5.0
    retry_timeout_s: float = 60.0


DEFAULT_PATIENCE: Final = Patience()


class ObjectStore:
    """The objects below an ``s3://`` URI; may be used by many threads.

    Parameters
    ----------
    uri
        Of the table, under the canonical scheme ``s3://``.
    options
        What reaches it, under object_store's names (:mod:`neuralake.catalog.storage`).
    patience
        Time-outs and retries.

    Raises
    ------
    StorageError
        If an option is impossible, or the package is missing.
    """

    def __init__(
        self, uri: str, options: Mapping[str, str], patience: Patience = DEFAULT_PATIENCE
    ) -> None:
        self._uri = uri.rstrip("/")
        self._options = dict(options)
        self._bucket, _, prefix = self._uri.removeprefix("s3://").partition("/")
        self._store = self._open(prefix, patience)

    @property
    def uri(self) -> str:
        """Of the table."""
        return self._uri

    @property
    def is_remote(self) -> bool:
        """An answer may be lost on the way."""
        return True

    def exists(self, path: str) -> bool:
        """Whether there is an object; none is in a bucket that is not there either."""
        import obstore

        try:
            with self._errors(path):
                obstore.head(self._store, path)
        except FileNotFoundError:
            return False
        return True

    def read(self, path: str) -> bytes:
        """The whole content of an object.

        Raises
        ------
        FileNotFoundError
            If there is none.
        StorageError
            If the service does not give it.
        """
        import obstore

        with self._errors(path):
            return obstore.get(self._store, path).bytes().to_bytes()

    def chunks(self, path: str, least_bytes: int = PART_BYTES) -> Iterator[bytes]:
        """The content of an object in pieces of at least so many bytes, but for the last."""
        import obstore

        with self._errors(path):
            for chunk in obstore.get(self._store, path).stream(min_chunk_size=least_bytes):
                yield bytes(chunk)

    def create(self, path: str, content: bytes, ready: Callable[[], None] | None = None) -> None:
        """Put an object that nobody else has put, by a condition that the service checks.

        Parameters
        ----------
        path, content, ready
            As of :meth:`~neuralake.delta.store.Store.create`; it is asked before anything is sent.

        Raises
        ------
        FileExistsError
            If there is one: it may be the one that this call has put, if the answer was lost and
            the request repeated.
        StorageError
            If the service did not confirm it; the object may be there all the same.
        """
        import obstore

        if ready is not None:
            ready()
        with self._errors(path):
            obstore.put(self._store, path, content, mode="create", use_multipart=False)

    def begin(self, path: str, content: bytes) -> Callable[[], None]:
        """Put an object when that is waited for: there is no half of a put."""
        return lambda: self.write(path, content)

    def write(self, path: str, content: bytes) -> None:
        """Put an object under a name that is its own; a large one in parts."""
        self._put(path, content)

    def replace(self, path: str, content: bytes) -> None:
        """Put an object in place of another, or of none."""
        self._put(path, content)

    def upload(self, path: str, file: Path) -> None:
        """Put a file of this machine, of which two parts at a time are in memory.

        It is there once this returns, and not before. Parts of an upload that was killed stay
        hidden in the bucket until its life cycle removes them.
        """
        self._put(path, file)

    def list(self, prefix: str = "", after: str = "") -> Iterator[Stored]:
        """Objects below a prefix, in the order of their paths, after one of them."""
        import obstore

        # A server that keeps directories (SeaweedFS) lists `a/x` before `a.b`, and leaves it out
        # after `a-b`: so it is asked only for what follows a version, which has no such characters.
        last = after.rpartition("/")[2]
        offset = after if _VERSION.fullmatch(last) else None
        found: list[Stored] = []
        with self._errors(prefix):
            stream = obstore.list(
                self._store, prefix or None, offset=offset, chunk_size=_LISTED_AT_ONCE
            )
            for chunk in stream:
                for meta in chunk:
                    if meta["path"] > after:
                        modified_ms = round(meta["last_modified"].timestamp() * 1000)
                        found.append(Stored(meta["path"], meta["size"], modified_ms))
        found.sort(key=lambda stored: stored.path)
        yield from found

    def first(self) -> str | None:
        """The path of some object, by one request; None if there is none."""
        import obstore

        with self._errors(""):
            chunk = next(iter(obstore.list(self._store, chunk_size=1)), None)
        return chunk[0]["path"] if chunk else None

    def delete(self, paths: Sequence[str]) -> None:
        """Delete objects, up to a thousand in a request; one that is not there is no error."""
        import obstore

        if paths:
            with self._errors(paths[0]):
                obstore.delete(self._store, list(paths))

    def _put(self, path: str, content: bytes | Path) -> None:
        import obstore

        if not isinstance(content, bytes | Path):  # an Arrow buffer, of signed bytes
            content = obstore.Bytes(memoryview(content).cast("B"))
        with self._errors(path):
            obstore.put(
                self._store, path, content, chunk_size=PART_BYTES, max_concurrency=PARTS_AT_ONCE
            )

    def _open(self, prefix: str, patience: Patience) -> S3Store:
        try:
            from obstore.store import S3Store
        except ImportError:
            raise StorageError(
                f"{self._uri} needs a package: pip install 'neuralake-bench[s3]'"
            ) from None
        options = {k: v for k, v in self._options.items() if k != "aws_allow_http"}
        with self._errors(prefix):
            return S3Store(
                self._bucket,
                prefix=prefix or None,
                config=cast("S3Config", options),
                client_options={
                    "allow_http": self._options.get("aws_allow_http") == "true",
                    "connect_timeout": timedelta(seconds=patience.connect_timeout_s),
                    "timeout": timedelta(seconds=patience.request_timeout_s),
                },
                retry_config={
                    "max_retries": patience.retries,
                    "retry_timeout": timedelta(seconds=patience.retry_timeout_s),
                    "backoff": {
                        "init_backoff": timedelta(seconds=patience.first_backoff_s),
                        "max_backoff": timedelta(seconds=patience.longest_backoff_s),
                        "base": 2,
                    },
                },
            )

    @contextmanager
    def _errors(self, path: str) -> Iterator[None]:
        """What the service or its client says, as one line without a credential."""
        from obstore.exceptions import AlreadyExistsError, BaseError

        where = f"{self._uri}/{path}" if path else self._uri
        try:
            yield
        except AlreadyExistsError as error:
            raise FileExistsError(f"{where} is there already") from error
        except FileNotFoundError as error:
            if "NoSuchBucket" in str(error):
                raise self._failure(where, error) from error
            raise FileNotFoundError(f"{where} is not there") from error
        except (BaseError, ValueError) as error:
            raise self._failure(where, error) from error

    def _failure(self, where: str, error: BaseException) -> StorageError:
        text = str(error)
        code = found[1] if (found := _CODE.search(text)) else ""
        words = found[1] if (found := _WORDS.search(text)) else ""
        status = found[1] if (found := _STATUS.search(text)) else ""
        service = self._service
        if code == "NoSuchBucket":
            return StorageError(f"there is no bucket {self._bucket} at {service}: make it first")
        if _METADATA_SERVICE in text:
            return StorageError(
                f"{where} cannot be reached without credentials: set AWS_ACCESS_KEY_ID and "
                "AWS_SECRET_ACCESS_KEY"
            )
        if status[:3] in _REFUSED or (not status and _DENIED in text):
            reason = one_line(
                ValueError(f"{code}: {words}" if code else status or _DENIED), self._options
            )
            return StorageRefusedError(
                f"{service} refuses the access key for {where} ({reason.rstrip('.')}): check "
                "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
            )
        if status:
            reason = one_line(ValueError(f"{status}: {code} {words}".strip(": ")), self._options)
            return StorageError(f"{service} answers for {where}: {reason}")
        if "HTTP error" in text:
            return StorageError(
                f"{service} cannot be reached for {where}: is AWS_ENDPOINT_URL right?"
            )
        return StorageError(f"{where}: {one_line(error, self._options)}")

    @property
    def _service(self) -> str:
        """Scheme, host and port of the service, or its name where that is Amazon's."""
        endpoint = self._options.get("aws_endpoint_url")
        if endpoint is None:
            return "Amazon S3"
        parts = urlsplit(endpoint)
        return f"{parts.scheme}://{parts.netloc}"
