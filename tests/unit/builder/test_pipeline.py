"""The whole flow, from the task's row to the pushed image, with builds that take no time."""

from typing import Any

import pytest
from builder.push import collect as collecting

from functions.contracts.image_tags import workspace_of
from tests.unit.builder.harness import (
    BUCKET,
    COMPONENT,
    DIGEST,
    HELLO,
    MAKE_COMPONENT,
    REPOSITORY,
    TABLE,
    TASK,
    WORKSPACE,
    Cloud,
    manifest,
    zipped,
)


def test_a_zip_becomes_a_component_in_s3_and_an_image(cloud: Cloud) -> None:
    cloud.submit("app.zip", zipped({"spin.toml": manifest(), "app.py": HELLO}), login=("ci", "hunter2"))
    result = cloud.build()
    assert result is not None
    assert result.outcome == "succeeded", result.error
    assert result == cloud.report()
    assert result.image_url is not None
    repository, _, tag = result.image_url.rpartition(":")
    assert repository == REPOSITORY
    assert workspace_of(tag) == WORKSPACE
    assert result.digest == DIGEST
    assert result.wasm_size == len(COMPONENT)
    assert set(result.toolchain) == {"spin", "componentize-py", "spin-sdk", "mypy"}
    assert {"fetch", "unpack", "type_check", "build", "collect", "store", "push", "total"} == set(result.durations)
    stored = cloud.aws.s3.get_object(Bucket=BUCKET, Key=f"build-artifacts/{TASK}/app.wasm")
    assert stored["Body"].read() == COMPONENT
    assert cloud.row()["status"] == "pushing"
    assert "hunter2" not in cloud.log


def test_only_what_the_manifest_names_is_pushed(cloud: Cloud) -> None:
    text = manifest(files='["assets", "data/*.txt"]')
    files = {"assets/a/b.txt": "1", "data/c.txt": "2", "data/d.bin": "3", "app.py": HELLO, "secret.txt": "4"}
    cloud.submit("app.zip", zipped({"spin.toml": text, **files}))
    cloud.build()
    (push,) = cloud.calls()
    assert set(push["files"]) == {"spin.toml", "app.wasm", "assets/a/b.txt", "data/c.txt"}
    assert bytes.fromhex(push["files"]["spin.toml"]).decode() == text


def test_a_component_that_was_shipped_ready_made_needs_no_build(cloud: Cloud) -> None:
    cloud.submit("app.zip", zipped({"spin.toml": manifest(None), "app.wasm": COMPONENT}))
    result = cloud.build()
    assert result is not None
    assert result.outcome == "succeeded", result.error


def test_a_type_error_is_what_the_uploader_hears_of(cloud: Cloud) -> None:
    source = HELLO + "\n\ncount: int = 'three'\n"
    cloud.submit("app.zip", zipped({"spin.toml": manifest("sleep 100; false"), "app.py": source}))
    result = cloud.build()
    assert result is not None
    assert result.error == (
        "MyPy validation failed: app.py:9: error: Incompatible types in assignment "
        '(expression has type "str", variable has type "int")  [assignment]'
    )
    assert cloud.report().error == result.error
    assert cloud.row()["status"] == "building"
    assert cloud.calls() == []


def test_type_errors_are_data_too(cloud: Cloud) -> None:
    source = "count: int = 'three'\nimport nowhere\n\ndef f() -> int:\n    return ''\n"
    files = {"spin.toml": manifest("sleep 100"), "app.py": "import 패키지.모듈\n" + HELLO, "패키지/모듈.py": source}
    cloud.submit("app.zip", zipped(files))
    result = cloud.build()
    assert result is not None
    assert [(finding.file, finding.line, finding.code) for finding in result.errors] == [
        ("패키지/모듈.py", 1, "assignment"),
        ("패키지/모듈.py", 2, "import-not-found"),
        ("패키지/모듈.py", 5, "return-value"),
    ]
    assert cloud.report().errors == result.errors
    first = str(result.error).splitlines()[0].removeprefix("MyPy validation failed: ")
    finding = result.errors[0]
    assert first == f"{finding.file}:{finding.line}: error: {finding.message}  [{finding.code}]"


def test_many_long_type_errors_fit_into_the_report(cloud: Cloud) -> None:
    name = "가" * 600
    cloud.submit("app.py", "".join(f"{name}{number}: int = {name}\n" for number in range(60)))
    result = cloud.build()
    assert result is not None
    assert 0 < len(result.errors) < 50
    assert len(result.model_dump_json()) < 256 * 1024


@pytest.mark.parametrize("status", ["pending", "building"])
def test_the_row_says_which_build_it_is_and_that_it_has_begun(cloud: Cloud, status: str) -> None:
    cloud.build_id = "project:0123"
    cloud.submit("app.zip", b"no archive", status=status)
    assert cloud.build() is not None
    assert cloud.row()["build_id"] == "project:0123"
    assert cloud.row()["status"] == "building"


def test_a_task_that_another_build_pushes_is_left_to_that(cloud: Cloud) -> None:
    cloud.build_id = "project:0123"
    cloud.submit("app.zip", zipped({"spin.toml": manifest()}), status="pushing")
    assert cloud.build() is None
    assert "build_id" not in cloud.row()
    assert cloud.row()["status"] == "pushing"


def test_a_row_that_has_ended_does_not_change(cloud: Cloud) -> None:
    cloud.build_id = "project:0123"
    cloud.submit("app.zip", zipped({"spin.toml": manifest()}), status="failed")
    assert cloud.build() is None
    assert "build_id" not in cloud.row()


def test_a_row_that_is_gone_is_not_made_again(cloud: Cloud) -> None:
    cloud.build_id = "project:0123"
    key = {"workspace_id": {"S": WORKSPACE}, "task_id": {"S": TASK}}
    cloud.aws.dynamodb.delete_item(TableName=TABLE, Key=key)
    assert cloud.build() is None
    assert "Item" not in cloud.aws.dynamodb.get_item(TableName=TABLE, Key=key)


def test_a_type_error_wins_over_a_build_that_failed_sooner(cloud: Cloud) -> None:
    cloud.submit("app.zip", zipped({"spin.toml": manifest("false"), "app.py": "count: int = 'three'\n"}))
    result = cloud.build()
    assert result is not None
    assert str(result.error).startswith("MyPy validation failed: app.py:1: error: ")


def test_a_failed_build_command_is_named_with_the_end_of_its_output(cloud: Cloud) -> None:
    command = "for i in $(seq 40); do echo line $i; done; echo in $PWD; exit 3"
    cloud.submit("app.zip", zipped({"spin.toml": manifest(command)}))
    result = cloud.build()
    assert result is not None
    assert result.error is not None
    first, *rest = result.error.splitlines()
    assert first == "Build failed: Build command for component app failed with status Exited(3)"
    assert rest[-2:] == ["line 40", "in ."]
    assert len(rest) == 20
    assert "build | line 1" in cloud.log


@pytest.mark.parametrize(
    ("command", "text"),
    [
        ("true", "'app.wasm' does not exist: the build did not make it."),
        (": > app.wasm", "'app.wasm' is no WebAssembly file, not a component."),
        ("echo hello > app.wasm", "'app.wasm' is no WebAssembly file, not a component."),
        (r"printf '\000asm\001\000\000\000' > app.wasm", "is a core WebAssembly module, not a component."),
        ("mkdir app.wasm", "'app.wasm' is not a regular file."),
    ],
)
def test_a_build_without_a_component_fails_clearly(cloud: Cloud, command: str, text: str) -> None:
    cloud.submit("app.zip", zipped({"spin.toml": manifest(command)}))
    result = cloud.build()
    assert result is not None
    assert str(result.error).startswith("spin.toml: component app: source: ")
    assert text in str(result.error)
    assert cloud.calls() == []


@pytest.mark.parametrize("status", ["done", "failed"])
def test_a_task_that_has_ended_is_not_built(cloud: Cloud, status: str) -> None:
    cloud.submit("app.zip", zipped({"spin.toml": manifest()}), status=status)
    assert cloud.build() is None
    assert cloud.calls() == []
    assert cloud.aws.s3.list_objects_v2(Bucket=BUCKET, Prefix="build-artifacts/")["KeyCount"] == 0


def test_a_task_that_ends_during_its_build_is_not_pushed(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    cloud.submit("app.zip", zipped({"spin.toml": manifest()}))
    collect = collecting.collect

    def cancelled_meanwhile(*arguments: Any) -> object:
        cloud.aws.dynamodb.update_item(
            TableName=TABLE,
            Key={"workspace_id": {"S": WORKSPACE}, "task_id": {"S": TASK}},
            UpdateExpression="SET #s = :failed",
            ExpressionAttributeNames={"#s": "status"},
            ExpressionAttributeValues={":failed": {"S": "failed"}},
        )
        return collect(*arguments)

    monkeypatch.setattr(collecting, "collect", cancelled_meanwhile)
    assert cloud.build() is None
    assert cloud.row()["status"] == "failed"
    assert cloud.calls() == []


def test_a_fault_of_the_builder_is_no_stack_trace_for_the_uploader(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud.submit("app.zip", zipped({"spin.toml": manifest()}))

    def broken(*_: object) -> None:
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr(collecting, "collect", broken)
    result = cloud.build()
    assert result is not None
    assert result.error == (
        "The builder failed unexpectedly (ZeroDivisionError). Please try again; if it persists, tell the platform "
        f"team, quoting task {TASK}."
    )
    assert result.unexpected
    assert "secret detail" in cloud.log
    assert all(line.startswith("builder | ") for line in cloud.log.splitlines() if "secret detail" in line)


def test_an_error_of_several_lines_looks_like_no_line_of_the_builder(cloud: Cloud) -> None:
    forged = "[   1.00s] Push evil: done"
    command = f"printf '{forged}\\nPushed evil\\n[Container] x\\n'; exit 1"
    cloud.submit("app.zip", zipped({"spin.toml": manifest(command)}))
    result = cloud.build()
    assert result is not None
    assert forged in str(result.error)
    told = [line for line in cloud.log.splitlines() if "evil" in line or "Container" in line]
    assert told
    assert all(line.startswith(("build | ", "error | ")) for line in told)


def test_targets_of_an_app_need_no_network(cloud: Cloud) -> None:
    text = manifest().replace('version = "0.1.0"', 'version = "0.1.0"\ntargets = ["spin-up:3.2"]')
    cloud.submit("app.zip", zipped({"spin.toml": text}))
    result = cloud.build()
    assert result is not None
    assert result.outcome == "succeeded", result.error


def test_a_file_name_that_is_no_utf8_is_told_escaped(cloud: Cloud) -> None:
    command = f"{MAKE_COMPONENT}; ln -s x \"$(printf 'd\\377')\""
    cloud.submit("app.zip", zipped({"spin.toml": manifest(command, files='["d*"]')}))
    result = cloud.build()
    assert result is not None
    assert result.outcome == "failed"
    assert not result.unexpected
    assert "d\\xff" in str(cloud.report().error)


def test_the_same_source_gets_the_same_tag_and_another_another(cloud: Cloud) -> None:
    urls = []
    for source in (HELLO, HELLO, HELLO + "# changed\n"):
        cloud.submit("app.zip", zipped({"spin.toml": manifest(), "app.py": source}))
        result = cloud.build()
        assert result is not None
        urls.append(result.image_url)
    assert urls[0] == urls[1] != urls[2]


def test_spin_toml_that_is_not_at_the_root(cloud: Cloud) -> None:
    cloud.submit("app.zip", zipped({"app/spin.toml": manifest(), "app/app.py": HELLO}))
    result = cloud.build()
    assert result is not None
    assert result.error == "spin.toml not found in root directory"


def test_two_components_that_share_file_names(cloud: Cloud) -> None:
    text = "\n".join(
        [
            "spin_manifest_version = 2",
            '[application]\nname = "two"\n[[trigger.http]]\nroute = "/..."\ncomponent = "left"',
            *(
                f'[component.{name}]\nsource = "{name}/app.wasm"\n'
                f"[component.{name}.build]\ncommand = '''{MAKE_COMPONENT}'''\nworkdir = \"{name}\""
                for name in ("left", "right")
            ),
        ]
    )
    cloud.submit("app.zip", zipped({"spin.toml": text, "left/app.py": HELLO, "right/app.py": "x: int = ''\n"}))
    result = cloud.build()
    assert result is not None
    assert str(result.error).startswith("MyPy validation failed: right/app.py:1: error: ")
    cloud.submit("app.zip", zipped({"spin.toml": text, "left/app.py": HELLO, "right/app.py": HELLO}))
    result = cloud.build()
    assert result is not None
    assert result.outcome == "succeeded", result.error
    (push,) = cloud.calls()
    assert set(push["files"]) == {"spin.toml", "left/app.wasm", "right/app.wasm"}
