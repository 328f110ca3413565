"""Every setting of a build, from the environment that CodeBuild gives it. Read once, by `builder.command`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final, Self

from pydantic import AliasChoices, ConfigDict, Field

from functions.contracts.archive import MOST_ENTRIES
from functions.contracts.settings import EnvironmentSettings

MIB: Final = 1024 * 1024
GIB: Final = 1024 * MIB

_WORK_DIR: Final = Path("/tmp")  # noqa: S108 - the folder in it is made by mkdtemp


class _BuildSettings(EnvironmentSettings):
    """A field is the variable ``BLUE_FAAS_<NAME IN CAPITALS>``, unless it names another; empty ones count as absent."""

    model_config = ConfigDict(alias_generator=lambda name: f"BLUE_FAAS_{name.upper()}")

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Self:
        """Read an environment. Raises pydantic.ValidationError for variables that are missing or wrong."""
        return super().of({name: value for name, value in environment.items() if value})


class Limits(_BuildSettings):
    """What one build may use.

    The sandbox's limits stop code that runs away; they are not meant to be reached by a build that works.
    """

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


class Settings(_BuildSettings):
    """One build."""

    task_table: str = Field(alias="TASK_TABLE")
    code_bucket: str = Field(alias="CODE_BUCKET")
    workspace_id: str = Field(alias="WORKSPACE_ID")
    task_id: str = Field(alias="TASK_ID")
    aws_region: str = Field(validation_alias=AliasChoices("AWS_REGION", "AWS_DEFAULT_REGION"))
    build_id: str | None = Field(
        default=None, alias="CODEBUILD_BUILD_ID", description="CodeBuild's id of this build: project:uuid."
    )
    build_arn: str | None = Field(
        default=None, alias="CODEBUILD_BUILD_ARN", description="CodeBuild's ARN of this build."
    )
    toolchain: Path = Field(default=Path("/opt/toolchain"), description="Its virtual environment.")
    fast_lane: bool = Field(default=True, description="Make Python components from the toolchain's base.")
    mypy_cache: Path = Field(default=Path("/opt/mypy-cache"), description="Made by `python -m builder.prepare`.")
    work_dir: Path = Field(default=_WORK_DIR, description="Parent of the work folder; open for every user to enter.")
    lock_dir: Path = Field(default=Path("/run/lock/blue-faas"), description="Which sandbox users are taken.")
    build_user: str = Field(default="builder-sandbox", description="Name or uid of the first sandbox user.")
    limits: Limits = Limits()

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Self:
        """Read an environment, the limits too. Raises pydantic.ValidationError as theirs does."""
        return super().of(environment).model_copy(update={"limits": Limits.of(environment)})
