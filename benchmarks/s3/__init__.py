"""A real S3 server on this machine, for tests, for measurements, and to play with (``make s3``)."""
