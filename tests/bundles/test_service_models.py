"""Each client that the product makes has its service's model in the bundles, which carry a few of botocore's 400."""

import re

from infra.tools import bundles
from infra.tools.build_folder import ROOT


def test_the_models_of_all_clients_are_carried() -> None:
    texts = [file.read_text() for file in (ROOT / "functions").rglob("*.py")]
    made = {name for text in texts for name in re.findall(r'boto3\.(?:client|resource)\(\s*"([\w-]+)"', text)}
    assert {"dynamodb", "lambda"} <= made
    assert made <= set(bundles._BOTO_SERVICES)
