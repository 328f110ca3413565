"""An agent: the client of the official SDK, and the server `blue mcp` that it has started."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from anyio.from_thread import BlockingPortal, start_blocking_portal
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.types import CallToolResult, TextContent, Tool

from tests.support import command_line


class Agent:
    """A client, and the folder that its server reads sources from."""

    def __init__(self, portal: BlockingPortal, client: Client, folder: Path) -> None:
        self._portal = portal
        self._client = client
        self.folder = folder

    def tools(self) -> dict[str, Tool]:
        """What is offered, by name."""
        return {tool.name: tool for tool in self._portal.call(self._client.list_tools).tools}

    def instructions(self) -> str:
        """What the client is told of the server."""
        return self._client.instructions or ""

    def call(
        self, name: str, on_progress: Callable[[str | None], None] = lambda _: None, **arguments: Any
    ) -> CallToolResult:
        """Call a tool."""

        async def tell(progress: float, total: float | None, message: str | None) -> None:
            on_progress(message)

        async def call() -> CallToolResult:
            return await self._client.call_tool(name, arguments, progress_callback=tell)

        return self._portal.call(call)

    def done(self, name: str, **arguments: Any) -> dict[str, Any]:
        """What a tool answers that succeeds."""
        result = self.call(name, **arguments)
        assert not result.is_error, text(result)
        assert isinstance(result.structured_content, dict)
        return result.structured_content

    def refused(self, name: str, **arguments: Any) -> str:
        """What a tool says that does not."""
        result = self.call(name, **arguments)
        assert result.is_error
        return text(result)


def text(result: CallToolResult) -> str:
    """The text of a result."""
    (content,) = result.content
    assert isinstance(content, TextContent)
    return content.text


@contextmanager
def agent_of(folder: Path, variables: dict[str, str], *options: str) -> Iterator[Agent]:
    """A client, and the server that it has started."""
    _, *command = command_line.COMMAND
    server = StdioServerParameters(
        command=sys.executable, args=[*command, "mcp", *options], env=variables, cwd=str(folder)
    )
    with (folder.parent / "errors").open("w") as errors, start_blocking_portal() as portal:
        client = Client(stdio_client(server, errlog=errors))
        with portal.wrap_async_context_manager(client):
            yield Agent(portal, client, folder)
