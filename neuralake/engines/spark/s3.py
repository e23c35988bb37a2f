"""How Hadoop is told what reaches a bucket: in the JVM's memory, and in no file or plan."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_PROVIDERS = "org.apache.hadoop.fs.s3a"


def set_buckets(spark: SparkSession, buckets: Mapping[str, Mapping[str, str]]) -> None:
    """Set the options of each bucket.

    Parameters
    ----------
    spark
        A session of the JVM.
    buckets
        Storage options by bucket, under object_store's names.
    """
    if not buckets:
        return
    configuration = spark._jsc.hadoopConfiguration()
    configuration.set("fs.s3.impl", f"{_PROVIDERS}.S3AFileSystem")  # the scheme in Delta logs
    for bucket, options in buckets.items():
        for key, value in bucket_settings(options).items():
            configuration.set(f"fs.s3a.bucket.{bucket}.{key}", value)


def bucket_settings(options: Mapping[str, str]) -> dict[str, str]:
    """Hadoop's settings of one bucket (hadoop-aws, "Configuring different S3 buckets").

    Parameters
    ----------
    options
        Under object_store's names. Without keys Hadoop looks for some itself.
    """
    settings = {}
    if (endpoint := options.get("aws_endpoint_url")) is not None:
        is_secure = not endpoint.startswith("http://")
        settings = {
            "endpoint": endpoint,
            "path.style.access": "true",
            "connection.ssl.enabled": "true" if is_secure else "false",
        }
    named = {
        "endpoint.region": options.get("aws_region"),
        "access.key": options.get("aws_access_key_id"),
        "secret.key": options.get("aws_secret_access_key"),
        "session.token": options.get("aws_session_token"),
    }
    settings |= {key: value for key, value in named.items() if value is not None}
    if "access.key" in settings:
        kind = "Temporary" if "session.token" in settings else "Simple"
        settings["aws.credentials.provider"] = f"{_PROVIDERS}.{kind}AWSCredentialsProvider"
    return settings
