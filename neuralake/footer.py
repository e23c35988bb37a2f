"""The footer of a Parquet file, read from its end; one that cannot be looked into is refused."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

# Within which the footers of most files lie whole, so that one request brings them
_TAIL_BYTES = 64 << 10
_END_BYTES = 8  # the footer's length, and the magic number
_SIGNATURE_BYTES = 28  # a nonce and a tag, after a footer that is to be read by everybody
_MAGIC = b"PAR1"


def read_footer(system: fs.FileSystem, path: str) -> pq.FileMetaData:
    """The footer of a file.

    Raises
    ------
    OSError
        If it is not there, or cannot be read.
    ValueError
        If it is no Parquet, or has encrypted columns: Arrow gives no statistics of them, and ends
        the process when it is asked for some. Source: Parquet Modular Encryption, "Plaintext
        Footer".
    """
    with system.open_input_file(path) as file:
        size = file.size()
        tail = file.read_at(min(size, _TAIL_BYTES), max(size - _TAIL_BYTES, 0))
        length = int.from_bytes(tail[-_END_BYTES:-4], "little")
        if tail[-4:] == _MAGIC and len(tail) < length + _END_BYTES <= size:
            tail = file.read_at(length + _END_BYTES, size - length - _END_BYTES)
    footer = pq.read_metadata(pa.BufferReader(tail))
    if footer.serialized_size + _SIGNATURE_BYTES == length:
        raise ValueError("it has encrypted columns, for which there is no key here")
    return footer
