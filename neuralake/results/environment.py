"""Variables of the environment that change how fast an engine is, as a run records them."""

from __future__ import annotations

import re
from collections.abc import Mapping

# Libraries read these when they are loaded: engines, allocators, thread pools, linker, runtimes.
_PREFIXES = (
    *("POLARS_", "DATAFUSION_", "DUCKDB_", "ARROW_", "PARQUET_", "DELTA_", "OBJECT_STORE_"),
    *("RAYON_", "TOKIO_", "RUST_", "OMP_", "GOMP_", "KMP_", "MKL_", "OPENBLAS_", "NUMEXPR_"),
    *("MALLOC_", "_RJEM_", "JEMALLOC_", "JE_MALLOC_", "MIMALLOC_", "TCMALLOC_", "GLIBC_"),
    *("LD_", "DYLD_", "PYTHON", "JVM_"),
)
_NAMES = (
    *("JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS", "JAVA_OPTS"),
    "VECLIB_MAXIMUM_THREADS",
)
# They change what is printed, where from packages come, or how Python hashes, and no speed.
_NO_MATTER = re.compile(
    r"PYTHON(?:IOENCODING|UTF8|UNBUFFERED|DONTWRITEBYTECODE|PYCACHEPREFIX|STARTUP|HISTORY"
    r"|_HISTORY|BREAKPOINT|SAFEPATH|NOUSERSITE|USERBASE)|RUST_BACKTRACE|RUST_LIB_BACKTRACE"
)
_ALLOCATOR = "_RJEM_MALLOC_CONF"
# By each process that imports it, before what it has from the one that started it
_POLARS_OWN = re.compile(
    r"(?:dirty_decay_ms:500,muzzy_decay_ms:1000(?:,thp:always,metadata_thp:always)?(?:,|$))*"
)
_SECRET = re.compile(
    r"secret|passw(?:or)?d|token|credential|access.?key|api.?key|private.?key|auth", re.IGNORECASE
)
_USER = re.compile(r"(?<=://)[^/\s@]*@")
HIDDEN = "***"


def speed_variables(environ: Mapping[str, str]) -> dict[str, str]:
    """Those variables that are set, in the order of their names.

    Parameters
    ----------
    environ
        Usually ``os.environ``.

    Returns
    -------
    dict
        Values by names; the value of a variable whose name or value speaks of a secret is hidden,
        as are user and password in an address.
    """
    return without_polars_own(
        {
            name: HIDDEN
            if _SECRET.search(name) or _SECRET.search(value)
            else _USER.sub("***@", value)
            for name, value in sorted(environ.items())
            if (name.startswith(_PREFIXES) or name in _NAMES) and not _NO_MATTER.fullmatch(name)
        }
    )


def without_polars_own(variables: Mapping[str, str]) -> dict[str, str]:
    """The variables as they were before Polars was imported, if it was.

    It puts settings of its own before those that it finds for its allocator, in the process that
    begins a run, or goes on with it, just as in those in which it runs.
    """
    found = dict(variables)
    own = found.pop(_ALLOCATOR, None)
    if own is not None and (given := _POLARS_OWN.sub("", own, count=1)):
        found[_ALLOCATOR] = given
    return dict(sorted(found.items()))
