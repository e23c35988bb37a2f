"""The S3 server of the room of S3, for datasets that a cluster makes there."""

from tests.s3.conftest import s3, s3_server

__all__ = ["s3", "s3_server"]
