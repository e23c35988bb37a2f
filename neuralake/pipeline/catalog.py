"""The table that the pipeline makes where none is named: a catalog as any other, in code."""

from __future__ import annotations

from neuralake.broker.events import event_schema
from neuralake.catalog import Column, DeltaTable

_WORDS = {
    "id": "Number of the event, from 0 in each run of its producer",
    "moment_ns": "When it was meant to happen, in nanoseconds since 1970",
    "at": "The same as a time",
    "device": "Which of a thousand devices sent it",
    "kind": "What happened",
    "amount": "In euros",
    "quantity": "How many pieces",
    "price": "Of one, as a device measures it",
    "is_valid": "Whether the device trusts itself",
    "note": "What the device says",
}

events = DeltaTable(
    name="events",
    location="pipeline/events",
    description="Events of devices, as the producer of the pipeline makes them",
    columns=tuple(
        Column(field.name, field.type, _WORDS[field.name], nullable=field.nullable)
        for field in event_schema()
    ),
)
