"""A pipeline from its first process to its last: started in order, shown, checked, and ended."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from neuralake.broker.producer import EventProducer, Produced
from neuralake.broker.server import Broker
from neuralake.broker.topics import make_topic
from neuralake.errors import NeuralakeError, PipelineError
from neuralake.pipeline.check import Content, read_content, wait_for
from neuralake.pipeline.figures import Counted, Figures, Window
from neuralake.pipeline.parts import Places, Plan
from neuralake.pipeline.probe import Api, Probe, Question
from neuralake.pipeline.server import ServerProcess
from neuralake.serving.http.server import TOKEN_VARIABLE
from neuralake.sources.bearer import token_of
from neuralake.writer.destination import check_destination, create_destination
from neuralake.writer.metrics import Totals
from neuralake.writer.run import Ending, in_words, run_writer
from neuralake.writer.stopping import Stopping
from neuralake.writer.supervise import Patience
from neuralake.writer.task import Letters, SourceSpec, Task

if TYPE_CHECKING:
    from neuralake.writer.events import Event

TOPIC = "events"
_SHOW_S = 0.5
_ASK_S = 0.2
_CATCH_UP_S = 60.0
_COMPACT_S = 1.0
_VACUUM_S = 3600.0


@dataclass(frozen=True)
class Outcome:
    """What became of a pipeline.

    Attributes
    ----------
    status
        Exit status: 0, 1 if events were lost or doubled, or that of the part that ended it.
    reason
        Why, in a line; empty where all is well.
    figures
        The last.
    produced
        What its producer has sent, or None without one.
    before, found
        What the API answered before the first event and after the last; None where nobody knows
        what is to be expected.
    """

    status: int
    reason: str
    figures: Figures | None = None
    produced: Produced | None = None
    before: Content | None = None
    found: Content | None = None


@dataclass
class _Producing:
    """A producer in its thread."""

    producer: EventProducer
    seconds: float | None
    produced: Produced | None = None
    failure: str = ""
    is_done: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        try:
            self.produced = self.producer.run(seconds=self.seconds)
        except NeuralakeError as error:
            self.failure = str(error)
        finally:
            self.is_done.set()


@dataclass
class _Writing:
    """A writer's supervisor in its thread."""

    ending: Ending | None = None
    failure: BaseException | None = None


def run_pipeline(
    plan: Plan,
    stopping: Stopping,
    show: Callable[[Figures, Places], None],
    say: Callable[[str], None],
    presences: Path | None = None,
) -> Outcome:
    """Run until the time is over, somebody asks to stop, or a part cannot go on.

    What was sent until then is written, and answered by the API, before anything is ended.

    Parameters
    ----------
    plan
        What is run.
    stopping
        When to stop.
    show
        Shown the figures twice a second.
    say
        Told in a line what happens.
    presences
        Directory in which ``neuralake writer status`` finds the writer, or None.

    Raises
    ------
    NeuralakeError
        If a part cannot be started; whatever was started before it has been ended.
    """
    with ExitStack() as stack:
        source = plan.source
        broker = None
        if source is None:
            say("starting a broker")
            broker = stack.enter_context(Broker())
            make_topic(broker.address, TOPIC, plan.partitions)
            source = f"kafka://{broker.address}/{TOPIC}"
        if plan.destination.columns:
            create_destination(plan.destination)
        check_destination(plan.destination)
        server = ServerProcess(plan.catalog, plan.listen, say)
        stack.callback(server.stop)
        server.start()
        say(f"the API answers at {server.url}")
        token = token_of(os.environ, TOKEN_VARIABLE)
        api = Api(server.url, token)
        stack.callback(api.close)
        table = plan.destination.name
        before = None if broker is None else read_content(api, table)
        running = _Running(plan, source, server, say)
        stack.callback(running.stop)
        running.start_writer(presences)
        if broker is not None:
            producer = EventProducer(broker.address, TOPIC, rate=plan.rate)
            running.start_producer(producer, plan.duration_s)
        probe = Probe(server.url, Question(table, plan.moment), every_s=_ASK_S, token=token)
        probe.start()
        stack.callback(probe.stop)
        say("ready")
        figures = running.watch(stopping, probe, show)
        produced = running.end_producer()
        found = None
        if before is not None and produced is not None and not running.reason():
            expected = before.with_run(produced.sent)
            found = wait_for(api, table, expected, _CATCH_UP_S, lambda: bool(running.reason()))
            figures = running.figures(probe)
        return _outcome(running.status(), running.reason(), figures, produced, before, found)


class _Running:
    """The parts that run."""

    def __init__(
        self, plan: Plan, source: str, server: ServerProcess, say: Callable[[str], None]
    ) -> None:
        self._plan = plan
        self._source = source
        self._server = server
        self._say = say
        self._totals = Totals(plan.destination.name)
        self._stopping = Stopping()
        self._writing = _Writing()
        self._is_ready = threading.Event()
        self._writer: threading.Thread | None = None
        self._producing: _Producing | None = None
        self._window = Window(time.monotonic())
        self._places = Places(
            source, f"{plan.destination.name} ({plan.destination.uri})", server.url
        )

    def start_writer(self, presences: Path | None) -> None:
        """Start it, and return when it reads the topic."""
        self._writer = threading.Thread(target=self._write, args=(presences,))
        self._writer.start()
        while not self._is_ready.wait(0.05):
            if not self._writer.is_alive():
                self._raise()
        self._window = Window(time.monotonic())

    def start_producer(self, producer: EventProducer, seconds: float | None) -> None:
        """Begin to send events."""
        self._producing = _Producing(producer, seconds)
        threading.Thread(target=self._producing.run, daemon=True).start()

    def watch(
        self, stopping: Stopping, probe: Probe, show: Callable[[Figures, Places], None]
    ) -> Figures:
        """Show the figures until it is to stop, or a part cannot go on."""
        end_s = None
        if self._producing is None and self._plan.duration_s is not None:
            end_s = time.monotonic() + self._plan.duration_s
        while True:
            figures = self.figures(probe)
            show(figures, self._places)
            is_over = end_s is not None and time.monotonic() >= end_s
            is_sent = self._producing is not None and self._producing.is_done.is_set()
            if is_over or is_sent or self.reason() or stopping.wait(_SHOW_S):
                return figures

    def figures(self, probe: Probe) -> Figures:
        """How things stand."""
        totals = self._totals.copy()
        producer = None if self._producing is None else self._producing.producer
        return self._window.figures(
            Counted(
                at_s=time.monotonic(),
                counters=totals.figures.counters,
                gauges=totals.figures.gauges,
                durations=totals.figures.steps.get("total"),
                sent=None if producer is None else producer.handed_over,
                late=None if producer is None else producer.late,
                restarts=sum(totals.restarts.values()) + self._server.restarts,
            ),
            probe.readings,
        )

    def end_producer(self) -> Produced | None:
        """Send nothing more; what was sent, once the broker has all of it."""
        if self._producing is None:
            return None
        self._producing.producer.stop()
        self._producing.is_done.wait()
        return self._producing.produced

    def reason(self) -> str:
        """Why it cannot go on; empty if it can."""
        if self._producing is not None and self._producing.failure:
            return self._producing.failure
        if self._server.failure:
            return self._server.failure
        if self._writer is not None and not self._writer.is_alive():
            ending = self._writing.ending
            return (ending.reason if ending else "") or "the writer has ended"
        return ""

    def status(self) -> int:
        """The exit status of the part that ended it."""
        if not self.reason():
            return 0
        ending = self._writing.ending
        return 70 if ending is None else ending.status or 70

    def stop(self) -> None:
        """End the producer and the writer, who commits what it has read."""
        self.end_producer()
        self._stopping.request()
        if self._writer is not None:
            self._writer.join()

    def _write(self, presences: Path | None) -> None:
        destination = self._plan.destination
        place = destination.name, destination.uri, destination.storage_options
        tasks = (
            Task("append", *place, source=self._spec()),
            Task("compact", *place, every_s=_COMPACT_S),
            Task("vacuum", *place, every_s=_VACUUM_S),
        )
        try:
            self._writing.ending = run_writer(
                tasks,
                self._hear,
                self._stopping,
                totals=self._totals,
                patience=Patience(),
                places=presences,
            )
        except BaseException as error:  # noqa: BLE001 - raised by whoever waits for it
            self._writing.failure = error

    def _spec(self) -> SourceSpec:
        destination, spec = self._plan.destination, SourceSpec.parse(self._source)
        assert spec.kafka is not None  # noqa: S101 - a plan has no other source
        letters = Letters.beside(destination.uri, destination.storage_options)
        # The topic of a broker of its own is a new one each time
        kafka = replace(
            spec.kafka, start="beginning", is_accepting_new_topic=self._plan.source is None
        )
        return replace(spec, kafka=kafka, letters=letters)

    def _hear(self, event: Event) -> None:
        if event.role == "append" and event.kind == "ready":
            self._is_ready.set()
        if event.kind in ("died", "trouble"):
            self._say(in_words(event))

    def _raise(self) -> None:
        if self._writing.failure is not None:
            raise self._writing.failure
        raise PipelineError(self.reason())


def _outcome(
    status: int,
    reason: str,
    figures: Figures,
    produced: Produced | None,
    before: Content | None,
    found: Content | None,
) -> Outcome:
    """What is to be said of it in the end."""
    if not reason and produced is not None and produced.failed:
        status, reason = 1, f"the broker has not acknowledged {produced.failed:,} events"
    if not reason and produced is not None and before is not None:
        expected = before.with_run(produced.sent)
        if found != expected:
            assert found is not None  # noqa: S101 - it was asked, as nothing had failed
            status, reason = (
                1,
                (
                    f"the API answers {found.rows:,} rows (sum of id {found.ids}), of "
                    f"{expected.rows:,} ({expected.ids}) that were sent"
                ),
            )
    return Outcome(status, reason, figures, produced, before, found)
