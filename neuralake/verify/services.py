"""What stands beside the tables: the API that serves them, and the topic that they are fed from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from neuralake.config import Environment, Settings
from neuralake.verify.check import Check, CheckFailedError, CheckSkippedError
from neuralake.verify.http import Answer, request

_ANSWER_S = 20.0
_ASK = "SELECT 1 AS one"


@dataclass(frozen=True)
class ServicesRoom:
    """Checks of what the settings name.

    Attributes
    ----------
    settings
        Of the environment.
    token
        What a client of the API shows.
    environ
        Has what lets in at Kafka's brokers.
    tables
        Names of the tables that the API is to serve.
    """

    settings: Settings
    token: str | None = field(repr=False)
    environ: Mapping[str, str] = field(repr=False)
    tables: tuple[str, ...]

    def checks(self) -> list[Check]:
        """Both of them."""
        return [Check("api", self._api), Check("kafka", self._kafka)]

    def _api(self) -> str:
        url = self.settings.serve_url
        if url is None:
            raise CheckSkippedError("NEURALAKE_SERVE_URL is not set")
        url = url.rstrip("/")
        for path in ("/healthz", "/readyz"):
            _expect_200(f"{url}{path}", request("GET", url + path, timeout_s=_ANSWER_S))
        stranger = self._ask(url, {})
        if self.token is None and self.settings.environment is Environment.PRODUCTION:
            raise CheckFailedError("NEURALAKE_SERVE_TOKEN is not set: anybody may ask the API")
        if self.token is not None and stranger.status != 401:
            raise CheckFailedError(
                f"{url} answers {stranger.status} to who shows no token: expected 401"
            )
        shown = {} if self.token is None else {"authorization": f"Bearer {self.token}"}
        _expect_200(f"{url}/api/sql", self._ask(url, shown))
        answer = request("GET", f"{url}/api/schema", headers=shown, timeout_s=_ANSWER_S)
        served = _names(_expect_200(f"{url}/api/schema", answer))
        lacking = sorted({*self.tables} - served)
        if lacking:
            raise CheckFailedError(f"{url} does not serve {', '.join(lacking)}")
        return f"{url} answers, and serves {len(served)} tables"

    def _ask(self, url: str, shown: Mapping[str, str]) -> Answer:
        headers = {"content-type": "application/sql", **shown}
        body = _ASK.encode()
        return request("POST", f"{url}/api/sql", headers=headers, body=body, timeout_s=_ANSWER_S)

    def _kafka(self) -> str:
        if self.settings.topic_url is None:
            raise CheckSkippedError("NEURALAKE_TOPIC_URL is not set")
        from neuralake.sources.kafka.cluster import Cluster
        from neuralake.sources.kafka.options import KafkaOptions, Security, TopicAddress

        address = TopicAddress.parse(self.settings.topic_url)
        security = Security.from_environ(self.environ)
        cluster = Cluster(KafkaOptions(address), security, "neuralake-verify", lambda _: None)
        try:
            topic = cluster.topic()
            marks = [cluster.watermarks(partition) for partition in topic.partitions]
        finally:
            cluster.consumer.close()
        messages = sum(mark.high - mark.low for mark in marks)
        return f"{address}: {len(marks)} partitions, {messages:,} messages"


def _expect_200(where: str, answer: Answer) -> Answer:
    if answer.status != 200:
        raise CheckFailedError(f"{where} answers {answer.status}: expected 200")
    return answer


def _names(answer: Answer) -> set[str]:
    """Names of the tables in an answer of ``/api/schema``."""
    try:
        return {str(table["name"]) for table in msgspec.json.decode(answer.body)["tables"]}
    except (msgspec.DecodeError, KeyError, TypeError) as error:
        raise CheckFailedError("/api/schema is no description of tables") from error
