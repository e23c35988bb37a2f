"""What a writer refuses, each in one line that says what would be right."""

from __future__ import annotations

from neuralake.errors import NeuralakeError


class WriterError(NeuralakeError):
    """A table cannot be written: it is not there, was made anew, or its storage fails."""


class WriterStorageError(WriterError):
    """The storage of a table fails: it is full, away, or refuses."""

    remedy = "later"


class UnsupportedTableError(WriterError):
    """A table has a feature or constraint that the writer does not keep; the message names it."""


class BatchError(WriterError):
    """A batch does not fit its table; nothing of it was written. The message names the column."""

    remedy = "other rows"


class SequenceError(WriterError):
    """A batch came after one of its application that has a greater sequence, both unwritten."""

    remedy = "now"


class WriterDeadlineError(WriterError):
    """A commit lost the race against others until its deadline; nothing of it is in the table."""

    remedy = "later"


class RetentionError(WriterError):
    """Files would be deleted that readers, or a writer at work, may need; nothing was."""


class WriterClosedError(WriterError):
    """The writer was closed."""
