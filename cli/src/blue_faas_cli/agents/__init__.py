"""``blue mcp``: the API as tools for agents, by the Model Context Protocol."""
