"""What keeps a table, and fails, says so in one line and as one kind of error."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from neuralake.delta.commit import DeadlineError
from neuralake.delta.features import RefusedFeatureError
from neuralake.storage import one_line
from neuralake.writer.errors import UnsupportedTableError, WriterDeadlineError, WriterError


@contextmanager
def told(uri: str, failure: str, options: Mapping[str, str]) -> Iterator[None]:
    """Raise what fails within as an error of the writer.

    Parameters
    ----------
    uri
        Of the table.
    failure
        What cannot be done where it, or its storage, is at fault.
    options
        That reach it, and are shown to nobody.

    Raises
    ------
    UnsupportedTableError
        If it has a feature that would not be kept.
    WriterDeadlineError
        If others were first until the deadline.
    WriterError
        If it is not there, or cannot be read or written.
    """
    try:
        yield
    except (RefusedFeatureError, UnsupportedTableError) as error:
        raise UnsupportedTableError(f"{uri}: {error}") from error
    except DeadlineError as error:
        raise WriterDeadlineError(f"{uri}: {error}") from error
    except (OSError, ValueError) as error:
        raise WriterError(f"{failure}: {one_line(error, options)}") from error
