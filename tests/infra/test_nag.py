"""cdk-nag: nothing is found that was not accepted, with a reason, where it is made."""

from pathlib import Path

import aws_cdk as cdk
import pytest

from local.cloud.assembly import OVERRIDES
from tests.infra.conftest import ANOTHER, OTHER, stack_with, synthesis


@pytest.mark.parametrize(
    "changed", [{}, OTHER, ANOTHER, OVERRIDES], ids=["as it is", "jwt, vpc, mail", "dev", "one machine"]
)
def test_nothing_is_found(changed: dict[str, object]) -> None:
    assert synthesis(**changed).findings == []


def test_what_is_not_accepted_stops_the_synthesis(tmp_path: Path) -> None:
    app, stack = stack_with({}, tmp_path)
    cdk.aws_sqs.Queue(stack, "Unencrypted", encryption=cdk.aws_sqs.QueueEncryption.UNENCRYPTED)
    with pytest.raises(RuntimeError, match="AwsSolutions-SQS4"):
        app.synth()
