"""The socket on which a server listens."""

from __future__ import annotations

import asyncio
import socket

from neuralake.serving.http.server import listen
from neuralake.sources.address import Address


def test_an_answer_in_two_pieces_waits_for_no_acknowledgement() -> None:
    """Nagle's algorithm holds back a second piece until the first is acknowledged: 40 ms later."""

    async def accepted_without_delay() -> bool:
        found: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

        def accept(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            own = writer.get_extra_info("socket")
            found.set_result(bool(own.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)))
            writer.close()

        with listen(Address("127.0.0.1", 0)) as bound:
            async with await asyncio.start_server(accept, sock=bound):
                _, writer = await asyncio.open_connection(*bound.getsockname())
                result = await found
                writer.close()
                await writer.wait_closed()
        return result

    assert asyncio.run(accepted_without_delay())
