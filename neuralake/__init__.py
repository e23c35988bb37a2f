"""Neuralake: performance measurement for lakehouses.

Of Python: :func:`bench`, :func:`compare`, :func:`open_catalog` and :func:`open_run`.
"""

from typing import TYPE_CHECKING, Any

from neuralake.version import __version__

if TYPE_CHECKING:
    from neuralake.api import bench, compare, open_catalog, open_run

__all__ = ["__version__", "bench", "compare", "open_catalog", "open_run"]


if not TYPE_CHECKING:  # a type checker takes no other name for one of these

    def __getattr__(name: str) -> Any:
        """Load the interface when it is asked for: a command and a worker start without it."""
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        import neuralake_bench
        from neuralake import api
        from neuralake.errors import ConfigError

        fault = neuralake_bench.other_distribution()
        if fault is not None:
            raise ConfigError(fault)
        return getattr(api, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
