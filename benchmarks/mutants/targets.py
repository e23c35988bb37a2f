"""What is mutated, and the tests that must find it: the core, where a silent fault costs most."""

from __future__ import annotations

from collections.abc import Mapping

TARGETS: Mapping[str, str] = {
    "neuralake/stats/change_points.py": "tests/stats/test_change_points.py",
    "neuralake/stats/energy.py": "tests/stats/test_energy.py tests/stats/test_change_points.py",
    "neuralake/stats/moderated.py": "tests/stats/test_moderated.py tests/stats/test_sequential.py",
    "neuralake/stats/multiplicity.py": "tests/stats/test_multiplicity.py",
    "neuralake/stats/paired.py": "tests/stats/test_paired.py",
    "neuralake/stats/ratio.py": "tests/stats/test_ratio.py",
    "neuralake/stats/scaling.py": "tests/stats/test_scaling.py",
    "neuralake/stats/sequential.py": "tests/stats/test_sequential.py tests/stats/test_paired.py",
    "neuralake/stats/shift.py": "tests/stats/test_shift.py",
    "neuralake/stats/student.py": "tests/stats/test_student.py",
    "neuralake/stats/summary.py": "tests/stats/test_summary.py",
    "neuralake/queries/answers.py": "tests/queries",
    "neuralake/queries/digest.py": "tests/queries",
    "neuralake/queries/query.py": "tests/queries",
    "neuralake/queries/workload.py": "tests/queries",
    "neuralake/arms/verdicts.py": "tests/arms/test_verdicts.py",
    "neuralake/results/summary.py": "tests/results/test_summary.py",
    "neuralake/tpch/checksum.py": "tests/tpch/test_checksum.py",
    "neuralake/tpch/commit.py": "tests/tpch/test_commit.py",
    "neuralake/catalog/delta.py": "tests/catalog/test_delta_table.py",
}
