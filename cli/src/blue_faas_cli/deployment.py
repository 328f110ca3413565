"""The steps of a deploy: send a source, wait until it is built and deployed, wait until it answers."""

from dataclasses import dataclass
from typing import Any

from blue_faas_cli.api import Answer
from blue_faas_cli.apps import wait_for_app
from blue_faas_cli.follow import Deadline, check_built, follow_build, wait_for_deployment
from blue_faas_cli.reach import address_of
from blue_faas_cli.session import Session
from blue_faas_cli.source import Source
from blue_faas_cli.submit import submit
from functions.models.apps import AppState
from functions.models.builds import Task
from functions.models.deploy import DeployOptions


@dataclass(frozen=True)
class Plan:
    """What is sent, under which name, and how it is deployed; ``options`` are None where nothing is deployed."""

    source: Source
    app_name: str
    options: DeployOptions | None

    def same_as(self, other: "Plan | None") -> bool:
        """Whether nothing else would come of it."""
        return other is not None and self._identity() == other._identity()

    def _identity(self) -> tuple[Any, ...]:
        return self.source.file_name, self.source.content, self.app_name, self.options


@dataclass(frozen=True)
class Deployed:
    """A function that answers."""

    task: Answer[Task]
    app: Answer[AppState]
    reachable_at: str | None
    """Its address from this machine; None where it has one inside its cluster only."""

    @property
    def address(self) -> str:
        """The address to call it at, from here where that goes."""
        return self.reachable_at or f"http://{self.app.typed.endpoint}/"

    @property
    def document(self) -> dict[str, Any]:
        """What ``-o json`` writes."""
        return {**self.task.raw, "app": self.app.raw}


def send(session: Session, plan: Plan) -> tuple[str, dict[str, Any]]:
    """Start the build; returns the id of its task, and the API's answer."""
    source = plan.source
    session.output.say(
        f"Sending {source.file_name} ({len(source.content):,} bytes) as {plan.app_name} to {session.settings.url}"
    )
    return submit(session, source, plan.app_name, plan.options)


def built(session: Session, plan: Plan, task_id: str, deadline: Deadline) -> Answer[Task]:
    """Follow the build; returns its task.

    Raises
    ------
    BlueError
        It failed; its findings were shown.
    """
    task = follow_build(session, task_id, deadline)
    check_built(session, task, plan.source.files)
    return task


def serving(session: Session, plan: Plan, task: Answer[Task], deadline: Deadline) -> Deployed:
    """Wait until the app runs what was built.

    Raises
    ------
    BlueError
        The deployment failed, or the version cannot start.
    """
    deadline.waiting_for = "The deployment"
    task = wait_for_deployment(session, task, deadline)
    namespace = plan.options.namespace if plan.options is not None else None
    app = wait_for_app(session, plan.app_name, deadline, namespace)
    return Deployed(task, app, address_of(session.settings, app.typed))
