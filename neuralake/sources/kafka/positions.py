"""From where each partition is read: the table says it, and the broker has it or has not.

The table remembers of each partition the offset that is read next (``txn``), as Kafka's own
committed offsets are. A topic that is deleted and made anew has another id, and so another name in
the table: its offsets, which begin anew, cannot be taken for those of the one before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from neuralake.errors import SourceError
from neuralake.sources.kafka.options import KafkaOptions

_PREFIX = "kafka"


@dataclass(frozen=True)
class Watermarks:
    """The offsets that a partition has: from ``low`` on, all below ``high``."""

    low: int
    high: int


@dataclass(frozen=True)
class TopicFacts:
    """A topic as its brokers tell it.

    Attributes
    ----------
    name
        Its name.
    id
        That of this making of it.
    partitions
        Their numbers.
    """

    name: str
    id: str
    partitions: tuple[int, ...]

    def application(self, partition: int) -> str:
        """The name under which a table remembers a partition."""
        return f"{_PREFIX}/{self.name}/{self.id}/{partition}"


@dataclass(frozen=True)
class Beginning:
    """Where a partition is read from.

    Attributes
    ----------
    position
        The first offset.
    is_new
        Whether the table is to remember it now, having nothing of the partition.
    skipped
        Offsets before it that were deleted, and are passed over as was asked.
    """

    position: int
    is_new: bool = False
    skipped: int = 0


class Positions:
    """Finds where partitions begin.

    Parameters
    ----------
    topic
        Whose.
    options
        Where it begins if the table has nothing of it, and what may be passed over.
    watermarks
        Of a partition, now.
    at_time
        The first offset of a partition at or after a moment in milliseconds; None if there is none.
    """

    def __init__(
        self,
        topic: TopicFacts,
        options: KafkaOptions,
        watermarks: Callable[[int], Watermarks],
        at_time: Callable[[int, int], int | None],
    ) -> None:
        self._topic = topic
        self._options = options
        self._watermarks = watermarks
        self._at_time = at_time

    def find(self, partitions: Sequence[int], known: Mapping[str, int]) -> dict[int, Beginning]:
        """Where some partitions begin, and all others too if the table has nothing of the topic.

        One that is new in a topic of which the table has others is read from its beginning: what
        came before it was noticed is not lost.

        Parameters
        ----------
        partitions
            Those that are read.
        known
            What the table remembers.

        Raises
        ------
        SourceError
            If messages are gone that the table does not have, or the topic was made anew.
        """
        application = self._topic.application
        is_known = any(application(partition) in known for partition in self._topic.partitions)
        if not is_known:
            self._check_not_made_anew(known)
            return {
                partition: Beginning(self._start(partition), is_new=True)
                for partition in sorted({*self._topic.partitions, *partitions})
            }
        return {
            partition: self.follow(partition, known[application(partition)])
            if application(partition) in known
            else Beginning(self._watermarks(partition).low, is_new=True)
            for partition in partitions
        }

    def follow(self, partition: int, position: int) -> Beginning:
        """Where a partition goes on.

        Raises
        ------
        SourceError
            If the messages from there on are gone.
        """
        marks = self._watermarks(partition)
        where = f"{self._topic.name}, partition {partition}"
        if position > marks.high:
            raise SourceError(
                f"{where}: the broker has messages below offset {marks.high} and the table those "
                f"below {position}: the broker has lost some, and gives their offsets to others; "
                "write into a new table"
            )
        if position < marks.low:
            count = marks.low - position
            if not self._options.is_skipping_deleted:
                raise SourceError(
                    f"{where}: the messages from offset {position} to {marks.low - 1} were deleted "
                    "before they were read (retention): --skip-deleted goes on after them"
                )
            return Beginning(marks.low, skipped=count)
        return Beginning(position)

    def _start(self, partition: int) -> int:
        marks, start = self._watermarks(partition), self._options.start
        if start == "beginning":
            return marks.low
        if start == "end":
            return marks.high
        found = self._at_time(partition, start)
        return marks.high if found is None else found

    def _check_not_made_anew(self, known: Mapping[str, int]) -> None:
        before = [name for name in known if name.startswith(f"{_PREFIX}/{self._topic.name}/")]
        if before and not self._options.is_accepting_new_topic:
            ids = {name.split("/")[2] for name in before}
            raise SourceError(
                f"topic {self._topic.name} is not the one that the table has messages of (its id "
                f"is {self._topic.id}, and was {', '.join(sorted(ids))}): it was made anew, or is "
                "another cluster's; --accept-new-topic writes its messages besides those, with "
                "--from-beginning all of them"
            )
