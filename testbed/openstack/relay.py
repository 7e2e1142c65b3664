#!/usr/bin/python3
"""A relay that reads and changes nothing, where a node would stand:
relay.py IP FRONT_PORT:BACKEND_PORT… It shows how a site is without Cheops."""
import asyncio
import sys


async def pump(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


def relay(ip, port):
    async def serve(reader, writer):
        try:
            above, below = await asyncio.open_connection(ip, port)
        except OSError:
            writer.close()
            return
        await asyncio.gather(pump(reader, below), pump(above, writer))
    return serve


async def main(ip, *pairs):
    for pair in pairs:
        front, backend = map(int, pair.split(':'))
        await asyncio.start_server(relay(ip, backend), ip, front)
    await asyncio.Event().wait()


asyncio.run(main(*sys.argv[1:]))
