"""Names that callers choose: whatever is accepted is safe in an S3 key, a file system and a registry reference."""

import uuid
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from functions.contracts.names import MAX_FILE_NAME, ImageRepository, WorkspaceId, check_file_name
from functions.contracts.task import TaskKey, source_key
from functions.tasks.identifiers import new_task_id, task_id_for_object
from local.oci.reference import parse_reference

workspace_id = TypeAdapter(WorkspaceId)
image_repository = TypeAdapter(ImageRepository)


@given(st.text(max_size=70))
def test_an_accepted_workspace_is_one_path_part(text: str) -> None:
    try:
        accepted = workspace_id.validate_python(text)
    except ValidationError:
        return
    assert PurePosixPath(accepted).parts == (accepted,)
    assert ".." not in accepted
    assert accepted.isascii()
    assert 1 <= len(accepted) <= 63


@given(st.text(max_size=210).map(lambda text: text + ".py"))
def test_an_accepted_file_name_stays_in_its_folder(text: str) -> None:
    try:
        accepted = check_file_name(text)
    except ValueError:
        return
    key = source_key(TaskKey("workspace", "task"), accepted)
    assert PurePosixPath(key).parts == ("build-sources", "workspace", "task", accepted)
    assert len(key.encode()) < 1024


@pytest.mark.parametrize(("length", "fine"), [(MAX_FILE_NAME, True), (MAX_FILE_NAME + 1, False)])
def test_the_longest_file_name(length: int, fine: bool) -> None:
    name = "x" * (length - 3) + ".py"
    if fine:
        assert check_file_name(name) == name
    else:
        with pytest.raises(ValueError, match="longer"):
            check_file_name(name)


@given(st.from_regex(r"[a-z0-9.:/_-]{1,60}", fullmatch=True))
def test_an_accepted_repository_is_a_reference_to_a_registry(text: str) -> None:
    try:
        accepted = image_repository.validate_python(text)
    except ValidationError:
        return
    assert parse_reference(f"{accepted}:tag").tag == "tag"


@pytest.mark.parametrize(
    "text",
    ["217350599014.dkr.ecr.ap-northeast-2.amazonaws.com/blue-final-faas-app", "localhost/a", "127.0.0.1:5000/a/b_c"],
)
def test_repositories_that_are_fine(text: str) -> None:
    assert image_repository.validate_python(text) == text


def test_task_ids_are_uuid7_and_sort_by_time() -> None:
    ids = [task_id_for_object("b", "k", f"v{n}", 1_700_000_000_000 + n) for n in range(50)]
    assert ids == sorted(ids)
    assert all(uuid.UUID(task_id).version == 7 for task_id in [*ids, new_task_id()])
    assert all(uuid.UUID(task_id).variant == uuid.RFC_4122 for task_id in ids)


@given(st.tuples(st.text(), st.text(), st.text()), st.tuples(st.text(), st.text(), st.text()))
def test_one_object_version_has_one_task_id(one: tuple[str, str, str], other: tuple[str, str, str]) -> None:
    same = task_id_for_object(*one, 1) == task_id_for_object(*other, 1)
    assert same == (one == other)
