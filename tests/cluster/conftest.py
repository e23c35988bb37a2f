"""The S3 server of the room of S3, for datasets that a cluster makes there."""

from tests.s3.conftest import lent_server, s3, s3_server

__all__ = ["lent_server", "s3", "s3_server"]
