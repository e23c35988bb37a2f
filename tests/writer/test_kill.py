"""Exactly once, whatever is killed and whenever: each process, the supervisor, or all of them."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from pathlib import Path

import deltalake
import pyarrow as pa
import pyarrow.compute as pc

from neuralake.writer.vacuum import vacuum
from tests.more import often
from tests.waiting import until
from tests.writer.running import Keeper, Sender, free_port

KILLS = int(os.environ.get("KILLS", often(5, by_day=2)))  # make kill has 200
SEED = int(os.environ.get("SEED", "0")) or random.SystemRandom().randrange(1, 2**32)
ROWS = 20
SCHEMA = pa.schema([("id", pa.int64()), ("sender", pa.string())])
VICTIMS = ("append", "compact", "vacuum", "supervisor", "everything")


def batch(sender: str) -> Callable[[int], pa.RecordBatch]:
    def make(sequence: int) -> pa.RecordBatch:
        ids = range((sequence - 1) * ROWS, sequence * ROWS)
        return pa.record_batch({"id": list(ids), "sender": [sender] * ROWS}, SCHEMA)

    return make


def test_nothing_is_lost_or_doubled_whoever_is_killed(
    make_table: Callable[..., str], tmp_path: Path
) -> None:
    print(f"SEED={SEED}")  # shown where it fails
    table = make_table(SCHEMA)
    port = free_port()
    keeper = Keeper(
        (
            *(table, "--from", f"flight://127.0.0.1:{port}", "--restarts", 10_000),
            *("--compact-every", "50ms", "--vacuum-every", "200ms", "--batch-age", "5ms"),
            *("--retention", "1s", "--force-short-retention"),
        ),
        tmp_path,
    )
    senders = [Sender(f"grpc://127.0.0.1:{port}", name, batch(name)) for name in ("rig-1", "rig-2")]
    chance = random.Random(SEED)
    for thread in (keeper, *senders):
        thread.start()
    killed = dict.fromkeys(VICTIMS, 0)
    try:
        while sum(killed.values()) < KILLS:
            more = sum(sender.acknowledged for sender in senders) + 5
            victim = chance.choice(VICTIMS)
            # mostly at work, now and then while it starts or stops
            if chance.random() < 0.8:
                until(lambda more=more: sum(s.acknowledged for s in senders) > more)  # type: ignore[misc]
            time.sleep(chance.random() * 0.3)
            killed[victim] += keeper.kill(victim)
        for sender in senders:
            sender.end()
        until(lambda: not any(sender.is_alive() for sender in senders))
    finally:
        for sender in senders:
            sender.end()
        status = keeper.end()
    assert status == 0, keeper.told()
    assert all(killed.values()) or KILLS < 100, killed

    rows = deltalake.DeltaTable(table).to_pyarrow_table()
    for sender in senders:
        assert sender.acknowledged == sender.sent > 0
        mine = rows.filter(pc.field("sender") == sender.application).column("id").to_pylist()
        assert sorted(mine) == list(range(sender.sent * ROWS))
    _check_log(table)
    _check_files(table)


def _check_log(table: str) -> None:
    """The log has no gap, and every version that is left of it can be opened."""
    snapshot = deltalake.DeltaTable(table)
    found = sorted(
        int(p.stem) for p in Path(table, "_delta_log").glob("0*.json") if p.stem.isdigit()
    )
    assert found == list(range(found[0], snapshot.version() + 1))


def _check_files(table: str) -> None:
    """What was left half done is removed by a vacuum, once it is old enough to be nobody's."""
    old = time.time() - 24 * 3600
    for path in Path(table).rglob("*"):
        if path.is_file() and "_delta_log" not in path.parts:
            os.utime(path, (old, old))
    vacuum(table, retention_s=0, is_forced=True)
    left = {p.name for p in Path(table).rglob("*") if p.is_file() and "_delta_log" not in p.parts}
    live = {Path(uri).name for uri in deltalake.DeltaTable(table).file_uris()}
    assert left == live
