"""Login and push: what the CLI is told, and what the uploader hears when a registry refuses."""

import base64
import json
from pathlib import Path

import pytest
from builder.errors import BuildError
from builder.push import pushed
from builder.push.credentials import login_for
from builder.push.registry import Login

from functions.contracts.task_row import BuildOrder
from tests.unit.builder.harness import COMPONENT, DIGEST, REPOSITORY, Cloud, manifest, order, seal, zipped

PASSWORD = "pa ss/w0rd+"


def _error(cloud: Cloud, *, login: tuple[str, str] | None = ("ci", PASSWORD), repository: str = REPOSITORY) -> str:
    cloud.submit(
        "a.zip", zipped({"spin.toml": manifest(None), "app.wasm": COMPONENT}), login=login, repository=repository
    )
    result = cloud.build()
    assert result is not None
    assert result.outcome == ("succeeded" if result.error is None else "failed")
    for form in (PASSWORD, base64.b64encode(f"ci:{PASSWORD}".encode()).decode(), "pa%20ss%2Fw0rd%2B"):
        assert form not in cloud.log + str(result)
    return result.error or ""


def test_the_password_goes_by_stdin_and_nothing_of_it_is_left(cloud: Cloud) -> None:
    assert _error(cloud) == ""
    login, push = cloud.calls()
    assert login["argv"] == ["registry", "login", "--username=ci", "--password-stdin", "registry.example.com"]
    assert login["stdin"] == PASSWORD
    assert PASSWORD not in str(login["argv"]) + str(login["environment"]) + str(push)
    assert login["home_mode"] == 0o700
    assert not Path(login["environment"]["XDG_CONFIG_HOME"]).exists()
    assert push["argv"][:2] == ["registry", "push"]
    assert push["argv"][-1].startswith(f"{REPOSITORY}:")
    # The CLI's own folder, not the app's: no file of the uploader's lies in its way.
    assert push["cwd"] == push["environment"]["HOME"]


def test_nothing_of_the_build_role_reaches_the_cli(cloud: Cloud) -> None:
    _error(cloud)
    for call in cloud.calls():
        assert not [name for name in call["environment"] if name.startswith(("AWS_", "TASK_", "BLUE_FAAS_"))]


@pytest.mark.parametrize("host", ["127.0.0.1:5000", "localhost:5000", "localhost"])
def test_plain_http_on_this_machine_only(cloud: Cloud, host: str) -> None:
    _error(cloud, login=None, repository=f"{host}/app")
    (push,) = cloud.calls()
    assert push["argv"][-1] == "--insecure"


def test_a_registry_that_does_not_say_the_digest(cloud: Cloud) -> None:
    cloud.answer("push", out="Pushed; the registry did not return the digest\n")
    assert _error(cloud) == ""
    assert cloud.report().digest is None
    cloud.answer("push", out=f"Pushed with digest {DIGEST}\n")
    assert _error(cloud) == ""
    assert cloud.report().digest == DIGEST


def test_a_refused_push(cloud: Cloud) -> None:
    said = f"Server error: url https://registry.example.com/v2/, code: 403, message: denied for {PASSWORD}"
    cloud.answer("push", status=1, err=f"Error: cannot push Spin application\n\nCaused by:\n      {said}\n")
    assert _error(cloud) == (
        "The push to 'registry.example.com/team/app' failed: cannot push Spin application: Server error: url "
        "https://registry.example.com/v2/, code: 403, message: denied for ********. The user may not push there: "
        "allow it in the registry."
    )


def test_a_refused_login(cloud: Cloud) -> None:
    err = (
        "Error: cannot log in to the registry\n\nCaused by:\n   0: cannot authenticate as ci to registry x: 401\n"
        "   1: unauthorized\n"
    )
    cloud.answer("login", status=1, err=err)
    assert _error(cloud) == (
        "The login to registry 'registry.example.com' as 'ci' failed: cannot log in to the registry: cannot "
        "authenticate as ci to registry x: 401: unauthorized. The registry does not accept this user and password: "
        "check both (a password of ECR is valid for 12 hours)."
    )
    assert [call["argv"][1] for call in cloud.calls()] == ["login"]


@pytest.mark.parametrize(
    ("said", "advice"),
    [
        ("Not Authorized: 401", "check both"),
        ("code: 404, message: name unknown", "create it, or correct registry_url"),
        ("connection reset", "Check that the repository exists"),
    ],
)
def test_the_advice_fits_the_refusal(cloud: Cloud, said: str, advice: str) -> None:
    cloud.answer("push", status=1, err=f"Error: {said}\n")
    assert advice in _error(cloud)


def test_a_path_of_the_build_machine_is_not_told(cloud: Cloud) -> None:
    cloud.answer("push", status=1, err="Error: cannot read {manifest}\n")
    assert "cannot read spin.toml" in _error(cloud)


def test_a_short_password_is_not_told_by_what_is_hidden(cloud: Cloud) -> None:
    cloud.answer("push", status=1, err="Error: cannot push the application\n")
    error = _error(cloud, login=("ci", "p"))
    assert "********" not in error + cloud.log
    assert "too short" in error


OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OWN = "123456789012.dkr.ecr.ap-northeast-2.amazonaws.com/immutable"
IMMUTABLE = (
    "Error: cannot push Spin application\n\nCaused by:\n      OCI API errors: [OCI API error: The image tag 'x' "
    "already exists in the 'app' repository and cannot be overwritten because the repository is immutable.]\n"
)


def test_an_image_that_is_in_the_stacks_repository_is_not_pushed_again(cloud: Cloud) -> None:
    cloud.aws.ecr.create_repository(repositoryName="immutable", imageTagMutability="IMMUTABLE")
    assert _error(cloud, login=None, repository=OWN) == ""
    (push,) = cloud.calls()  # and no login: what it would check, ECR checks at the push
    tag = str(cloud.report().image_url).rpartition(":")[2]
    image = json.dumps({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": {}, "layers": []})
    there = cloud.aws.ecr.put_image(repositoryName="immutable", imageManifest=image, imageTag=tag)
    assert _error(cloud, login=None, repository=OWN) == ""
    assert cloud.calls() == [push]
    assert cloud.report().digest == there["image"]["imageId"]["imageDigest"]
    assert "from an earlier build of the same source" in cloud.log


def test_an_immutable_tag_of_another_registry_is_success(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pushed, "digest_of", lambda *_: DIGEST)
    cloud.answer("push", status=1, err=IMMUTABLE)
    assert _error(cloud) == ""
    assert cloud.report().digest == DIGEST


def test_the_time_of_an_image_is_not_that_of_its_push(cloud: Cloud) -> None:
    assert _error(cloud) == ""
    argv = cloud.calls()[-1]["argv"]
    assert argv[argv.index("--annotation") + 1] == "org.opencontainers.image.created=1970-01-01T00:00:00Z"


def test_an_immutable_tag_that_cannot_be_found_is_a_refusal(cloud: Cloud) -> None:
    cloud.answer("push", status=1, err=IMMUTABLE)
    assert "cannot be overwritten" in _error(cloud, login=None, repository=f"{OWN}-gone")


@pytest.mark.parametrize(("login", "unexpected"), [(None, True), (("ci", PASSWORD), False)])
def test_a_refusal_of_the_build_role_is_the_operators_matter(
    cloud: Cloud, login: tuple[str, str] | None, *, unexpected: bool
) -> None:
    cloud.answer("push", status=1, err="Error: code: 403, message: denied\n")
    assert "denied" in _error(cloud, login=login, repository=f"{OWN}-closed")
    assert cloud.report().unexpected is unexpected


def test_a_registry_that_asks_for_no_login(cloud: Cloud) -> None:
    cloud.answer("login", status=1, err="Error: missing authentication header WWW-Authenticate\n")
    assert _error(cloud).endswith("does not ask for a login over HTTPS, which `spin registry login` needs.")


def test_a_registry_that_does_not_answer(cloud: Cloud) -> None:
    cloud.limits = cloud.limits.model_copy(update={"push_seconds": 3})  # which the login before it has to keep, too
    cloud.answer("push", seconds=30)
    assert _error(cloud) == "The push to 'registry.example.com/team/app' took longer than 3 seconds. Please try again."


def _task(repository: str, sealed: bytes | None = None) -> BuildOrder:
    return order("build-sources/team-a/task-1/a.py", repository, sealed)


@pytest.mark.parametrize(
    "host",
    [
        "dkr.ecr.ap-northeast-2.amazonaws.com",
        "dkr.ecr-fips.us-east-1.amazonaws.com",
        "dkr.ecr.eusc-de-east-1.amazonaws.eu",
        "dkr.ecr.cn-north-1.amazonaws.com.cn",
        "dkr-ecr.ap-northeast-2.on.aws",
        "dkr-ecr.eusc-de-east-1.on.amazonwebservices.eu",
    ],
)
def test_the_stacks_own_registry_is_entered_by_the_build_role(cloud: Cloud, host: str) -> None:
    login = login_for(_task(f"123456789012.{host}/app"), cloud.aws)
    assert login is not None
    assert login.username == "AWS"
    assert login.password
    assert login.password not in repr(login)


@pytest.mark.parametrize("repository", ["registry.example.com/app", "1.dkr.ecr.evil.example.com/app"])
def test_the_build_roles_password_goes_to_ecr_only(cloud: Cloud, repository: str) -> None:
    assert login_for(_task(repository), cloud.aws) is None


def test_a_password_is_opened_for_its_own_task_only(cloud: Cloud) -> None:
    own = _task("registry.example.com/app", seal(cloud.aws, "ci", PASSWORD, "task-1"))
    assert login_for(own, cloud.aws) == Login("ci", PASSWORD)
    other = _task("registry.example.com/app", seal(cloud.aws, "ci", PASSWORD, "task-2"))
    with pytest.raises(BuildError, match="does not belong to this task"):
        login_for(other, cloud.aws)
