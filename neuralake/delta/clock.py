"""What time it is where a table is stored: its files' ages are told by that clock alone."""

from __future__ import annotations

import secrets

from neuralake.delta.log import LOG
from neuralake.delta.store import TEMPORARY, Store


def store_time_ms(store: Store) -> int:
    """Now, by the clock of the store, in milliseconds since 1970.

    An object is made for it, and deleted.

    Raises
    ------
    OSError
        If that cannot be done.
    """
    path = f"{LOG}{TEMPORARY}clock-{secrets.token_hex(8)}"
    store.create(path, b"")
    try:
        made = next(s for s in store.list(LOG, after=path[:-1]) if s.path == path)
    finally:
        store.delete([path])
    return made.modified_ms
