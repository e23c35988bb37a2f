"""A catalog, served: what `neuralake serve` runs."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec

from neuralake.catalog.catalog import Catalog
from neuralake.errors import ServingError
from neuralake.serving.listening import Listening
from neuralake.serving.options import ServiceOptions

_PACKAGES = ("datafusion", "starlette", "uvicorn", "prometheus_client")


def check_serve_extra() -> None:
    """Refuse to serve without the packages that do.

    Raises
    ------
    ServingError
        With the line that installs them.
    """
    missing = [name for name in _PACKAGES if find_spec(name) is None]
    if missing:
        raise ServingError(
            f"{', '.join(missing)} is not installed: pip install 'neuralake-bench[serve]'"
        )


def run_http(
    catalog: Catalog,
    options: ServiceOptions,
    listening: Listening,
    token: str | None,
    tell: Callable[[str], None],
) -> None:
    """Serve over HTTP until the process is asked to end; raises what ``serve`` does."""
    check_serve_extra()
    from neuralake.serving.http.server import serve
    from neuralake.serving.service import Service

    service = Service(catalog, options)
    try:
        service.start()
        serve(service, listening, token, tell)
    finally:
        service.close()
