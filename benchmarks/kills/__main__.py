"""Kill runs of lifecycle or streams at random moments, let them go on, and look at them.

    python -m benchmarks.kills lifecycle [--kills 30] [--seed 0]
    python -m benchmarks.kills streams [--kills 30] [--seed 0]

A first run, which nobody kills, says how long one takes and what it consists of. Then others
are begun, each killed by SIGKILL at a moment within that time: all its processes, or
the one that was started alone. What is there of it then must be whole phases. It goes on, at once
or after later ones, and may be killed once more meanwhile; in the end it must be what the first one
was, with each answer verified and each table right, and nothing may be left. Exit status 1 if not.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.kills.faults import Seen, Shape, faults_of_finished, faults_of_killed, see
from benchmarks.kills.places import Ended, Site
from neuralake.errors import DatasetError
from neuralake.tpch.existing import load_manifest

_PLAN = Path(__file__).with_name("plan.toml").resolve()
_COMMANDS = {
    "lifecycle": ["--plan", _PLAN, "--engines", "polars,datafusion", "--repetitions", 1],
    "streams": ["--engines", "polars", "--streams", 1],
}
_KILLED_AGAIN = 0.3  # of those that go on
_SOONER = 0.9  # is a kill tried, where a run ended before it
_LEFT_ALONE = 0.2  # that go on only after all others


@dataclass
class Killer:
    """Kills runs of one kind in one place.

    Attributes
    ----------
    kind
        ``lifecycle`` or ``streams``.
    site
        The place.
    chance
        Draws moments, and whom to kill.
    scale_factor
        Of the dataset.
    whole, whole_s
        The tasks of a run that nobody killed, and about how many seconds it takes.
    kills
        How many there were.
    """

    kind: str
    site: Site
    chance: random.Random
    scale_factor: float = 0.01
    whole: Shape = field(default_factory=dict)
    whole_s: float = 0.0
    kills: int = 0

    def begin(self) -> Iterator[str]:
        """Make the dataset, and run once without a kill; yields what is wrong."""
        self.site.make()
        made = self.site.run("generate", "-s", self.scale_factor, "--to", self.dataset)
        begin = time.monotonic()
        ran = self.site.run(*self._words)
        for ended in (made, ran):
            if ended.status != 0:
                raise SystemExit(_status(ended))
        self.whole_s = time.monotonic() - begin
        first = self._see(self.site.store.ids()[-1])
        self.whole = first.shape
        yield from faults_of_finished(first, self.whole)

    @property
    def dataset(self) -> Path:
        """Of which runs have copies."""
        return self.site.lake / "tpch" / "fresh"

    def kill(self) -> tuple[str, list[str]]:
        """Begin a run, kill it, and let it go on: what became of it, and what is wrong with it."""
        known = set(self.site.store.ids())
        how, faults = self._killed(self._words)
        new = sorted(set(self.site.store.ids()) - known)
        if not how:
            faults += faults_of_finished(self._see(new[0]), self.whole)
            return "ended before", faults
        if not new or not (self.site.store.find(new[0]) / "journal.jsonl").exists():
            return f"{how} before there was a run", faults
        seen = self._see(new[0])
        if seen.run.finished_at is not None:
            return f"{how} at its report", [*faults, *faults_of_finished(seen, self.whole)]
        faults += faults_of_killed(seen, self.whole)
        shown = self.site.run("results", "show", new[0])
        if shown.status != 0 or "not finished" not in shown.output:
            faults.append(f"it is not shown as unfinished: {shown.said}")
        how = f"{how} after {len(seen.run.phases)} phases"
        if self.chance.random() < _LEFT_ALONE:
            return f"{how}, goes on later", faults
        again, more = self.go_on(new[0])
        return how + again, faults + more

    def go_on(self, run: str) -> tuple[str, list[str]]:
        """Let a run go on, to its end or until it is killed once more; and so on."""
        faults: list[str] = []
        kills = self.kills
        seen = self._see(run)
        while seen.run.finished_at is None:
            before, words = seen, [self.kind, "--resume", run]
            if self.chance.random() < _KILLED_AGAIN:
                faults += self._killed(words)[1]
            elif (ended := self.site.run(*words)).status != 0:
                return ", does not go on", [*faults, _status(ended)]
            seen = self._see(run)
            check = faults_of_killed if seen.run.finished_at is None else faults_of_finished
            faults += check(seen, self.whole, before)
        again = self.kills - kills
        return f", killed {again} times more, went on" if again else ", went on", faults

    def unfinished(self) -> list[str]:
        """Runs that have not come to their ends, and can."""
        return [name for name in self.site.store.ids() if self._see(name).run.finished_at is None]

    def end(self) -> Iterator[str]:
        """What is left, when nothing runs any more."""
        for pid in self.site.left_processes():
            yield f"process {pid} is left"
        for path in self.site.left_files(self.dataset):
            yield f"{path} is left"

    @property
    def _words(self) -> list[object]:
        return [self.kind, "--dataset", self.dataset, *_COMMANDS[self.kind]]

    def _killed(self, words: Sequence[object]) -> tuple[str, list[str]]:
        """Kill a command; whom, or nothing if it ended before, and what is wrong then."""
        everything = self.chance.random() < 0.5
        moment_s = self.chance.uniform(0.0, self.whole_s)
        ended = self.site.kill(words, moment_s, everything=everything)
        faults = [f"process {pid} outlives the kill" for pid in self.site.left_processes()]
        try:
            load_manifest(str(self.dataset), verify=True)
        except DatasetError as error:
            faults.append(f"the dataset is no longer what it was: {error}")
        if ended is not None:
            self.whole_s *= _SOONER
            if ended.status != 0:
                faults.append(_status(ended))
            return "", faults
        self.kills += 1
        return "all killed" if everything else "one killed", faults

    def _see(self, run: str) -> Seen:
        return see(self.kind, self.site.store.find(run))


def _status(ended: Ended) -> str:
    return f"status {ended.status}: {ended.last_words}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Kill as often as is asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("kind", choices=sorted(_COMMANDS))
    parser.add_argument("--kills", type=int, default=30, metavar="N")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="0 draws one")
    asked = parser.parse_args(arguments)
    seed = asked.seed or random.SystemRandom().randrange(1, 2**32)
    print(f"SEED={seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="neuralake-kills-") as root:
        killer = Killer(asked.kind, Site(Path(root)), random.Random(seed))
        return _tell(killer, asked.kills)


def _tell(killer: Killer, kills: int) -> int:
    """Kill, and print what comes of it, as it comes."""
    found = 0

    def tell(what: str, faults: Sequence[str]) -> None:
        nonlocal found
        found += len(faults)
        print(what, *(f"  fault: {fault}" for fault in faults), sep="\n", flush=True)

    tell("a run that nobody kills", list(killer.begin()))
    print(f"took {killer.whole_s:.1f} s", flush=True)
    while killer.kills < kills:
        what, faults = killer.kill()
        tell(f"{killer.kills}: {what}", faults)
    for run in killer.unfinished():
        what, faults = killer.go_on(run)
        tell(f"a run that was left alone{what}", faults)
    tell("in the end", list(killer.end()))
    print(f"{killer.kills} kills, {found} faults")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
