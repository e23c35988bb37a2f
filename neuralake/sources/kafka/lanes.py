"""Partitions on their way into the table: what was handed out of each, and what is durable.

Of one partition batches are committed in their order. Where one fails, those after it are void, and
the partition is read again from where the table stands: that is a new generation of it.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from neuralake.errors import NeuralakeError
from neuralake.sources.source import Committed, Delivery

_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 5.0


@dataclass(eq=False)
class Lane:
    """One partition.

    Attributes
    ----------
    partition, application
        Its number, and its name in the table.
    generation
        Of its reading.
    position
        The offset that follows what was handed out.
    durable
        The offset that follows what the table has.
    outstanding
        Deliveries that were handed out and are neither durable nor have failed.
    is_assigned
        Whether it is ours to read.
    error
        Why a delivery of this generation has failed.
    failures
        How often in a row.
    careful_until
        Up to this offset each message is a delivery of its own: one of them has been refused.
    refused
        Messages that the table has refused, by offset, and why.
    """

    partition: int
    application: str
    generation: int = 0
    position: int = 0
    durable: int = 0
    outstanding: int = 0
    is_assigned: bool = False
    error: Exception | None = None
    failures: int = 0
    careful_until: int = 0
    refused: dict[int, str] = field(default_factory=dict)

    @property
    def pause_s(self) -> float:
        """How long to wait before it is read again."""
        if getattr(self.error, "remedy", None) != "later":
            return 0.0
        return min(_FIRST_PAUSE_S * 2.0 ** min(self.failures - 1, 10), _LONGEST_PAUSE_S)


class Lanes:
    """All partitions of a topic; safe for many threads."""

    def __init__(self) -> None:
        self._lanes: dict[int, Lane] = {}
        self._changed = threading.Condition()

    def begin(self, partition: int, application: str, position: int, *, is_assigned: bool) -> Lane:
        """Read a partition from an offset on, in a new generation."""
        with self._changed:
            lane = self._lanes.setdefault(partition, Lane(partition, application))
            lane.generation += 1
            lane.position = lane.durable = position
            lane.is_assigned = is_assigned
            lane.error = None
            lane.refused = {o: why for o, why in lane.refused.items() if o >= position}
            return lane

    def release(self, partitions: Iterable[int]) -> None:
        """Nothing more of some partitions is handed out."""
        with self._changed:
            for partition in partitions:
                if partition in self._lanes:
                    self._lanes[partition].is_assigned = False

    def assigned(self) -> list[Lane]:
        """Those that are ours to read."""
        with self._changed:
            return [lane for lane in self._lanes.values() if lane.is_assigned]

    def is_current(self, partition: int, generation: int) -> bool:
        """Whether what was read in a generation is to be handed out still."""
        lane = self._lanes.get(partition)
        return lane is not None and lane.is_assigned and lane.generation == generation

    def has(self, partition: int) -> bool:
        """Whether a partition was begun."""
        return partition in self._lanes

    def generation(self, partition: int | None) -> int:
        """Of a partition's reading; 0 if it was not begun."""
        lane = None if partition is None else self._lanes.get(partition)
        return 0 if lane is None else lane.generation

    def lane(self, partition: int) -> Lane:
        """Of a partition that was begun."""
        return self._lanes[partition]

    def hand_out(
        self, lane: Lane, generation: int, position: int, batch: Delivery
    ) -> Delivery | None:
        """A delivery with its place in the partition; None if it is void.

        Parameters
        ----------
        lane, generation
            Whose, and of which reading.
        position
            The offset that follows it.
        batch
            Its rows.
        """
        with self._changed:
            is_current = lane.is_assigned and lane.generation == generation
            if not is_current or lane.error is not None:
                return None
            after, lane.position = lane.position, position
            lane.outstanding += 1

        def acknowledge(_: Committed) -> None:
            with self._changed:
                lane.outstanding -= 1
                lane.durable = max(lane.durable, position)
                lane.failures = 0
                self._changed.notify_all()

        def fail(error: Exception) -> None:
            with self._changed:
                lane.outstanding -= 1
                if lane.generation == generation and lane.error is None:
                    _note(lane, error, position)
                self._changed.notify_all()

        return Delivery(
            batch.batch,
            acknowledge=acknowledge,
            fail=fail,
            application=lane.application,
            sequence=position,
            after=after,
            is_void=lambda: lane.generation != generation or lane.error is not None,
            received_ns=batch.received_ns,
            begun_ns=batch.begun_ns,
            decoded_ns=batch.decoded_ns,
        )

    def failed(self) -> list[Lane]:
        """Those of which a delivery has failed, and nothing is under way any more."""
        with self._changed:
            return [
                lane
                for lane in self._lanes.values()
                if lane.is_assigned and lane.error is not None and not lane.outstanding
            ]

    def wait_until_settled(self, longest_s: float, of: Collection[int] | None = None) -> bool:
        """Wait until nothing is under way, of some partitions or all; False if it takes longer."""
        with self._changed:
            return self._changed.wait_for(
                lambda: (
                    not any(
                        lane.outstanding
                        for lane in self._lanes.values()
                        if of is None or lane.partition in of
                    )
                ),
                longest_s,
            )

    def known(self) -> dict[str, int]:
        """Where each partition stands, or will begin, by its name in the table."""
        with self._changed:
            return {lane.application: lane.durable for lane in self._lanes.values()}

    def durable_offsets(self) -> Mapping[int, int]:
        """Of each partition that is ours, the offset that follows what the table has."""
        with self._changed:
            return {
                lane.partition: lane.durable for lane in self._lanes.values() if lane.is_assigned
            }


def _note(lane: Lane, error: Exception, position: int) -> None:
    """What follows from a failure, for the next reading."""
    lane.error = error
    lane.failures += 1
    if isinstance(error, NeuralakeError) and error.remedy == "other rows":
        if position <= lane.careful_until:  # it was a message by itself
            lane.refused[position - 1] = str(error)
        else:
            lane.careful_until = position
