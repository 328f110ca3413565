"""What is built, under which name, and how it is deployed: as given, or as blue.toml says."""

import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from blue_faas_cli.config import PROJECT_FILE, Project
from blue_faas_cli.problems import usage
from blue_faas_cli.session import Session, blue_variables
from blue_faas_cli.source import Source, pack
from blue_faas_cli.submit import deploy_options
from functions.models.deploy import DeployOptions


def source_path(project: Project, path: Path | None) -> Path:
    """Return what to build.

    Raises
    ------
    BlueError
        Nothing says it.
    """
    if path is not None:
        return path
    if not (project.folder / PROJECT_FILE).is_file():
        raise usage(f"Name the file or folder to build; in a folder with {PROJECT_FILE} this is not needed")
    # Relative to where the command was run, as compilers show paths.
    return Path(os.path.relpath(project.folder / (project.source or ".")))


def name_of(project: Project, source: Source, given: str | None = None) -> str:
    """Return the name of the app."""
    return given or blue_variables().get("BLUE_APP_NAME") or project.app_name or source.app_name


def app_of(session: Session, given: str | None) -> str:
    """Return the name of the app that a command is about: as given, or the project's, as `blue deploy` names it.

    The project's is looked for where `blue deploy` puts it: the session's namespace becomes that one.

    Raises
    ------
    BlueError
        No name is given, and there is no project.
    """
    if given is not None:
        return given
    project = session.project
    named = blue_variables().get("BLUE_APP_NAME") or project.app_name
    if not (project.folder / PROJECT_FILE).is_file():
        if named:
            return named
        raise usage(f"Name the app; in a folder with {PROJECT_FILE} this is not needed")
    name = named or name_of(project, pack(source_path(project, None)))
    session.settings = dataclasses.replace(session.settings, namespace=options_of(session, project, name).namespace)
    return name


def options_of(
    session: Session, project: Project, app_name: str, variables: Mapping[str, Any] | None = None
) -> DeployOptions:
    """Return the options of a deploy; ``variables`` are those of Spin that blue.toml lacks, or has otherwise.

    Raises
    ------
    BlueError
        They are none that a deploy can have.
    """
    fields: dict[str, Any] = {"namespace": session.settings.namespace, **project.deploy, "app_name": app_name}
    if variables:
        fields["variables"] = {**fields.get("variables", {}), **variables}
    return deploy_options(fields)
