"""ROAPI, the server of the `roapi` wheel: its configuration, and how we run it."""
