"""Every setting of a build, from the environment that CodeBuild gives it. Read once, by ``__main__``."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Self

from pydantic import BaseModel, ConfigDict, Field

from functions.contracts.archive import MOST_ENTRIES

MIB: Final = 1024 * 1024
GIB: Final = 1024 * MIB

_TASK_VARIABLES: Final = ("TASK_TABLE", "CODE_BUCKET", "WORKSPACE_ID", "TASK_ID", "AWS_REGION")
_PREFIX: Final = "BLUE_FAAS_"
_WORK_DIR: Final = Path("/tmp")  # noqa: S108 - the folder in it is made by mkdtemp


class SettingsError(Exception):
    """The environment does not describe a build; the text names the variable."""


class Limits(BaseModel):
    """What one build may use. Each is the variable ``BLUE_FAAS_<NAME IN CAPITALS>``.

    The sandbox's limits stop code that runs away; they are not meant to be reached by a build that works.
    """

    model_config = ConfigDict(frozen=True)

    source_bytes: int = Field(default=200 * MIB, gt=0, description="Size of the upload.")
    unpacked_bytes: int = Field(default=512 * MIB, gt=0, description="All files of a .zip together.")
    unpacked_file_bytes: int = Field(default=256 * MIB, gt=0, description="One file of a .zip.")
    entries: int = Field(default=MOST_ENTRIES, gt=0, description="Files and folders in a .zip.")
    components: int = Field(default=20, gt=0, description="Components in spin.toml.")
    type_check_seconds: float = Field(default=120, gt=0, description="Wall-clock time of the type check.")
    build_seconds: float = Field(default=300, gt=0, description="Wall-clock time of `spin build`.")
    push_seconds: float = Field(default=300, gt=0, description="Wall-clock time of login and push, each.")
    cpu_seconds: int = Field(default=600, gt=0, description="CPU time of one sandboxed process.")
    memory_bytes: int = Field(default=3 * GIB, gt=0, description="Memory of all processes of a sandboxed step.")
    disk_bytes: int = Field(default=2 * GIB, gt=0, description="Disk that a sandboxed step may fill.")
    file_bytes: int = Field(default=512 * MIB, gt=0, description="One file that a sandboxed step writes.")
    processes: int = Field(default=256, gt=0, description="Processes and threads of a sandboxed step.")
    packages: int = Field(default=100, gt=0, description="Packages installed for an app, those they need included.")
    packages_bytes: int = Field(default=100 * MIB, gt=0, description="Files of all those packages together.")
    packages_seconds: float = Field(default=120, gt=0, description="Wall-clock time of each step of installing them.")
    log_bytes: int = Field(default=MIB, gt=0, description="Output of a sandboxed step that goes to the build log.")


class Settings(BaseModel):
    """One build."""

    model_config = ConfigDict(frozen=True)

    task_table: str = Field(min_length=1)
    code_bucket: str = Field(min_length=1)
    workspace_id: str = Field(min_length=1)
    task_id: str = Field(min_length=1)
    aws_region: str = Field(min_length=1)
    build_id: str | None = Field(default=None, description="CodeBuild's id of this build: project:uuid.")
    build_arn: str | None = Field(default=None, description="CodeBuild's ARN of this build.")
    toolchain: Path = Field(default=Path("/opt/toolchain"), description="Its virtual environment.")
    fast_lane: bool = Field(default=True, description="Make Python components from the toolchain's base.")
    mypy_cache: Path = Field(default=Path("/opt/mypy-cache"), description="Made by `python -m builder.prepare`.")
    work_dir: Path = Field(default=_WORK_DIR, description="Parent of the work folder; open for every user to enter.")
    lock_dir: Path = Field(default=Path("/run/lock/blue-faas"), description="Which sandbox users are taken.")
    build_user: str = Field(default="builder-sandbox", description="Name or uid of the first sandbox user.")
    limits: Limits = Limits()

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Read the settings of this process.

        Raises
        ------
        SettingsError
            A variable is missing or no number.
        """
        values: dict[str, object] = {name.lower(): environment.get(name) for name in _TASK_VARIABLES}
        values["aws_region"] = values["aws_region"] or environment.get("AWS_DEFAULT_REGION")
        for name in _TASK_VARIABLES:
            if not values[name.lower()]:
                raise SettingsError(f"{name} is not set: a build needs {', '.join(_TASK_VARIABLES)}")
        for name in ("build_id", "build_arn"):
            values[name] = environment.get(f"CODEBUILD_{name.upper()}") or None
        for name in cls.model_fields.keys() - values.keys() - {"limits"}:
            if value := environment.get(_PREFIX + name.upper()):
                values[name] = value
        values["limits"] = Limits.model_validate(
            {
                name: value
                for name in Limits.model_fields
                if (value := environment.get(_PREFIX + name.upper())) is not None
            }
        )
        return cls.model_validate(values)
