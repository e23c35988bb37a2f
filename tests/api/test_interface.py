"""What ``import neuralake`` gives, and what it costs."""

from __future__ import annotations

import subprocess
import sys

import pytest

import neuralake


def test_what_a_program_uses_stands_at_the_top() -> None:
    from neuralake import api

    assert neuralake.__all__ == ["__version__", "bench", "compare", "open_catalog", "open_run"]
    assert set(neuralake.__all__) <= set(dir(neuralake))
    for name in neuralake.__all__[1:]:
        function = getattr(neuralake, name)
        assert function is getattr(api, name)
        assert "Raises\n" in function.__doc__


def test_a_name_that_is_not_there() -> None:
    with pytest.raises(AttributeError, match="module 'neuralake' has no attribute 'nosuch'"):
        _ = neuralake.nosuch  # type: ignore[attr-defined]


def test_a_room_that_is_imported_hides_no_function() -> None:
    code = (
        "import neuralake.arms.compare, neuralake.workloads.bench, neuralake.api.comparisons\n"
        "from neuralake import bench, compare, open_catalog\n"
        "import neuralake\n"
        "assert all(map(callable, (bench, neuralake.compare, open_catalog)))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_nothing_heavy_is_loaded_before_it_is_asked_for() -> None:
    code = "import sys, neuralake; print(*(m for m in sys.modules if m.startswith('neuralake')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) == {"neuralake", "neuralake.version"}
