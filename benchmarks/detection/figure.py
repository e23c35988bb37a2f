"""Detection and false alarms side by side, as a figure."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.detection.rows import Row

COLOURS = ("#0072b2", "#d55e00", "#cc79a7", "#009e73", "#e69f00")


def draw_figure(ours: Sequence[Row], others: Sequence[dict[str, object]], path: Path) -> None:
    """Draw, for each recording, the share of queries called slower against their slowdown.

    Parameters
    ----------
    ours
        Neuralake's rows.
    others
        The other rules' rows, of which the interleaved ones are drawn.
    path
        File to write.
    """
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    names = list(dict.fromkeys(row.recording for row in ours))
    figure, axes = plt.subplots(
        len(names), 2, figsize=(9, 3.4 * len(names)), squeeze=False, sharex="col"
    )
    for (left, right), name in zip(axes, names, strict=True):
        mine = [row for row in ours if row.recording == name]
        nothing = next(row for row in mine if row.where == "nothing")
        one = [row for row in mine if row.where == "one query"]
        curves = {
            "neuralake compare": [(0.0, nothing.queries)] + [(r.slowdown, r.queries) for r in one]
        }
        bars = {"neuralake compare": nothing.any_alarm}
        for row in others:
            if row["recording"] == name and row["layout"] == "interleaved":
                rule, slowdown = str(row["rule"]), float(str(row["slowdown"]))
                curves.setdefault(rule, []).append((slowdown, float(str(row["queries"]))))
                if slowdown == 0:
                    bars[rule] = float(str(row["any"]))
        for (rule, points), colour in zip(curves.items(), COLOURS, strict=False):
            xs, ys = zip(*sorted(points), strict=True)
            left.plot([100 * x for x in xs], [100 * y for y in ys], "o-", color=colour, label=rule)
        left.set_title(f"{name}: a query called slower", loc="left", fontsize=10)
        left.set_ylabel("% of comparisons")
        left.set_ylim(-3, 103)
        right.barh(list(bars), [100 * value for value in bars.values()], color=COLOURS[: len(bars)])
        right.invert_yaxis()
        right.set_xlim(0, 100)
        right.set_title("nothing changed, and yet an alarm", loc="left", fontsize=10)
        for axis in (left, right):
            axis.spines[["top", "right"]].set_visible(False)
    axes[-1][0].set_xlabel("true slowdown of the query, %")
    axes[-1][1].set_xlabel("% of runs of 22 queries")
    axes[0][0].legend(frameon=False, fontsize=8)
    figure.tight_layout()
    metadata = {"Software": None} if path.suffix == ".png" else {"Date": None}
    figure.savefig(path, dpi=130, metadata=metadata)
