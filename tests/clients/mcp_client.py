"""A real MCP client that a test drives over pipes.

    mcp_client.py LIBRARY MODE http URL
    mcp_client.py LIBRARY MODE stdio STDERR_FILE COMMAND [ARGUMENT ...]

LIBRARY is `mcp` or `fastmcp`, MODE is `auto` or `legacy`. Each line of standard input is one call, a JSON object with `tool`,
`arguments` and, for a client that gives up, `timeout` in seconds. Each line of standard output says how one call ended, as a
JSON object with `kind` (`ok`, `tool_error`, `rpc_error` or `gave_up`), `code`, `text` and `seconds`. The first line, of kind
`connected`, names the protocol that the two agreed on. The end of standard input ends the session in an orderly way.
"""

import json
import os
import sys
import time
from contextlib import asynccontextmanager

import anyio
import anyio.to_thread
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.shared.exceptions import MCPError

# `REQUEST_TIMEOUT` of both libraries: the code they give to a call that they abandoned themselves.
GAVE_UP = -32001


@asynccontextmanager
async def connect_mcp(mode, target):
    from mcp import Client

    if target[0] == "http":
        async with Client(target[1], mode=mode) as client:
            yield client, client.protocol_version
    else:
        parameters = StdioServerParameters(command=target[2], args=target[3:], env=dict(os.environ))
        with open(target[1], "w", encoding="utf-8") as stderr:
            async with Client(stdio_client(parameters, errlog=stderr), mode=mode) as client:
                yield client, client.protocol_version


@asynccontextmanager
async def connect_fastmcp(mode, target):
    from pathlib import Path

    from fastmcp import Client
    from fastmcp.client.transports import StdioTransport, StreamableHttpTransport

    if target[0] == "http":
        transport = StreamableHttpTransport(target[1])
    else:
        transport = StdioTransport(
            target[2], target[3:], env=dict(os.environ), keep_alive=False, log_file=Path(target[1])
        )
    async with Client(transport, mode=mode) as client:
        yield client, client.protocol_version


async def call(library, client, order):
    arguments = order.get("arguments", {})
    timeout = order.get("timeout")
    if library == "mcp":
        result = await client.call_tool(order["tool"], arguments, read_timeout_seconds=timeout)
    else:
        result = await client.call_tool(order["tool"], arguments, timeout=timeout, raise_on_error=False)
    text = "".join(getattr(part, "text", "") for part in result.content)
    return {"kind": "tool_error" if result.is_error else "ok", "code": None, "text": text}


def say(answer):
    print(json.dumps(answer), flush=True)


async def main(library, mode, target):
    connect = {"mcp": connect_mcp, "fastmcp": connect_fastmcp}[library]
    async with connect(mode, target) as (client, protocol):
        # Done now, or it would come with the first call that returns something structured.
        await client.list_tools()
        say({"kind": "connected", "text": str(protocol)})
        while line := await anyio.to_thread.run_sync(sys.stdin.readline):
            start = time.monotonic()
            try:
                answer = await call(library, client, json.loads(line))
            except MCPError as error:
                kind = "gave_up" if error.code == GAVE_UP else "rpc_error"
                answer = {"kind": kind, "code": error.code, "text": str(error)}
            answer["seconds"] = time.monotonic() - start
            say(answer)


anyio.run(main, sys.argv[1], sys.argv[2], sys.argv[3:])
