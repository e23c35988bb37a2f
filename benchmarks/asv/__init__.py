"""The asv suite: how fast each commit of this repository answers (docs/reference/asv-suite.md).

asv imports this directory as a package of its own in the environment of each commit, and every
module in it: so modules import each other relatively, and nothing heavy at their top. Of
Neuralake they use only what all commits since 9222455 have: ``registry.prepare`` and ``start``,
``Engine.open``, ``Session.execute``, ``open_workload``, ``compare``, and ``neuralake generate``.

The names and parameters of the benchmarks are an interface: results under ``results/asv`` are read
by them.

==========================================  ===================  =========================
benchmark                                   parameters           value
==========================================  ===================  =========================
``streams.Latency.track_latency``           engine, query        seconds
``streams.Anchor.track_latency``            engine, query        seconds, of the anchor
``streams.Ratio.track_latency``             engine, query        commit ÷ anchor
``streams.Instructions.track_instructions`` engine, query        instructions
``streams.Throughput.track_seconds``        engine, streams      seconds
``streams.AnchorThroughput.track_seconds``  engine, streams      seconds, of the anchor
``streams.RatioThroughput.track_seconds``   engine, streams      commit ÷ anchor
``streams.Memory.track_peak_rss``           engine               bytes
``generator.Generation.track_seconds``      (none)               seconds
``generator.Generation.track_size``         (none)               bytes
``ingestion.Commits.track_latency``         contestant           seconds
``ingestion.Commits.track_ratio``           contestant           contestant ÷ disk
``serving.Point.track_median``              contestant           seconds
``serving.Point.track_p99``                 contestant           seconds
``serving.Point.track_ratio``               contestant           contestant ÷ null
``freshness.Visibility.track_median``       reader               seconds
``freshness.Visibility.track_p99``          reader               seconds
==========================================  ===================  =========================

Lower is better in each: so it is to asv. Queries per hour and bytes per second are derived where
the history is published (benchmarks/asv_rates.py).

Sample i of a benchmark of the commit and sample i of the same of the anchor were taken one right
after the other (``asv run --record-samples`` keeps samples).
"""
