"""An agent that builds, deploys, reads what its function printed and goes back: `blue mcp` by the SDK's own client."""

from pathlib import Path

from tests.support import command_line
from tests.support.agent import Agent, agent_of
from tests.support.client import Client

APP = "by-an-agent"


def _write(agent: Agent, answer: str) -> None:
    (agent.folder / "app.py").write_text(
        "from spin_sdk.http import IncomingHandler as Base, Request, Response\n\n\n"
        "class IncomingHandler(Base):\n"
        "    def handle_request(self, request: Request) -> Response:\n"
        f"        print('{answer} was asked for')\n"
        f"        return Response(200, {{}}, {answer!r})\n"
    )


def test_from_a_source_to_a_rollback(cloud: Client, tmp_path: Path) -> None:
    folder = tmp_path / "functions"
    folder.mkdir()
    variables = command_line.environment(tmp_path, BLUE_URL=cloud.url, BLUE_WORKSPACE="agents")
    with agent_of(folder, variables) as agent:
        _write(agent, "one")
        said = agent.refused("build", path="app.py", app_name=APP)
        assert "app.py:7: error: " in said
        assert "return Response(200, {}, 'one')" in said

        def mended(answer: str) -> None:
            _write(agent, answer)
            source = (folder / "app.py").read_text()
            (folder / "app.py").write_text(source.replace(f"{answer!r})\n", f"b{answer!r})\n"))

        mended("one")
        built = agent.done("build", path="app.py", app_name=APP)
        assert built["status"] == "done"
        first = agent.done("deploy", path="app.py", app_name=APP)
        assert first["result"]["cached"], "the build was taken over"
        assert first["app"]["status"] == "available"
        assert cloud.call(APP).text == "one"
        cloud.until(lambda: "one was asked for" in agent.done("logs", target=APP)["result"])
        assert "Push" in agent.done("logs", target=built["task_id"])["result"]

        mended("two")
        assert agent.done("deploy", path="app.py", app_name=APP)["app"]["revision"] == 2
        assert cloud.call(APP).text == "two"
        assert [each["revision"] for each in agent.done("revisions", app_name=APP)["revisions"]] == [2, 1]
        back = agent.done("rollback", app_name=APP)
        assert (back["revision"], back["app"]["status"]) == (3, "available")
        assert cloud.call(APP).text == "one"
        seen = agent.done("metrics", app_name=APP)
        assert (seen["app_name"], seen["measured"], seen["replicas"]["ready"]) == (APP, True, 1)
