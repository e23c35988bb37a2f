"""From what became of requests to samples in a part file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa

from neuralake.results.parts import Part, PartWriter
from neuralake.results.serving.samples import REQUESTS, STATUSES
from neuralake.workloads.serving.expected import Verdict
from neuralake.workloads.serving.outcomes import NEVER, Ints, Outcomes
from neuralake.workloads.serving.requests import KINDS, Request

BEFORE, AFTER = "before", "after"


class Keeper:
    """Writes samples; requests are numbered over all that is kept.

    Parameters
    ----------
    directory
        Of part files.
    name
        Of the part.
    """

    def __init__(self, directory: Path, name: str) -> None:
        self._writer = PartWriter(directory, name, REQUESTS)
        self._count = 0

    def keep(
        self,
        outcomes: Outcomes,
        phase: str,
        verdicts: Mapping[tuple[Request, int], Verdict],
        load_ns: int | None = None,
    ) -> None:
        """Write the samples of one phase.

        Parameters
        ----------
        outcomes
            What became of its requests.
        phase
            ``warm-up``, ``search`` or ``load``.
        verdicts
            On each answer.
        load_ns
            End of the load, which is due from 0 on: what was due outside is of the phases
            ``before`` and ``after``.
        """
        intended = outcomes.column("intended")
        phases = np.full(len(outcomes), phase, dtype=object)
        if load_ns is not None:
            phases[intended < 0] = BEFORE
            phases[intended >= load_ns] = AFTER
        none = Verdict(None)
        rows = [
            verdicts.get(key, none).rows
            for key in zip(outcomes.requests, outcomes.digest, strict=True)
        ]
        sent_back = outcomes.column("http_status") > 0
        has_digest = outcomes.column("digest") != 0
        self._writer.write_table(
            pa.table(
                [
                    pa.array(np.arange(self._count, self._count + len(outcomes))),
                    pa.array(phases, pa.string()),
                    pa.array([KINDS[request.kind] for request in outcomes.requests], pa.string()),
                    pa.array([request.key for request in outcomes.requests], pa.int64()),
                    pa.array(intended),
                    _known(outcomes.column("started")),
                    _known(outcomes.column("done")),
                    pa.array([STATUSES[status] for status in outcomes.status], pa.string()),
                    pa.array(outcomes.column("http_status"), mask=~sent_back),
                    pa.array(outcomes.column("size"), mask=~sent_back),
                    pa.array(rows, pa.int64()),
                    pa.array(np.array(outcomes.digest, dtype=np.uint64), mask=~has_digest),
                    pa.array([outcomes.messages.get(n) for n in range(len(outcomes))], pa.string()),
                ],
                names=REQUESTS.names,
            )
        )
        self._count += len(outcomes)

    def finish(self) -> Part:
        """Make the part whole."""
        return self._writer.finish()


def _known(moments: Ints) -> pa.Array:
    return pa.array(moments, mask=moments == NEVER)
