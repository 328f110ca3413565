"""cdk-nag at synthesis: the rule packs AwsSolutions and Serverless over the whole app.

An intended finding is accepted next to its resource, with the reason. Any other finding stops the synthesis.
The packs' rules: https://github.com/cdklabs/cdk-nag/blob/main/RULES.md
"""

from typing import Any

import aws_cdk as cdk
from constructs import IConstruct


def check(app: cdk.App) -> None:
    """Check the app with the rule packs when it is synthesized."""
    import cdk_nag  # whoever has the construct in an app of their own need not have the packs

    cdk.Validations.of(app).add_plugins(cdk_nag.AwsSolutionsChecks(app), cdk_nag.ServerlessChecks(app))


def accept(construct: IConstruct, reason: str, *findings: str) -> None:
    """Accept ``findings`` (such as ``AwsSolutions-IAM5[Resource::*]``) of ``construct`` and its children."""
    for finding in findings:
        # The CDK's own warnings come with their prefix: ``Annotation::@aws-cdk/aws-lambda:…``.
        known_as = finding if finding.startswith("Annotation::") else f"{finding.partition('-')[0]}::{finding}"
        acknowledgment = cdk.Acknowledgment(id=known_as, reason=reason)
        cdk.Validations.of(construct).acknowledge(acknowledgment)


def wildcard(construct: IConstruct, resource: str) -> str:
    """Return the finding AwsSolutions-IAM5 of a policy on ``resource``, an ARN with a ``*`` that may contain tokens."""
    return f"AwsSolutions-IAM5[Resource::{_text(cdk.Stack.of(construct).resolve(resource))}]"


def _text(value: Any) -> str:
    """Spell a resolved value as cdk-nag does: references are ``<LogicalId>`` and ``<LogicalId.Attribute>``."""
    if not isinstance(value, dict):
        return str(value)
    (function, argument) = next(iter(value.items()))
    match function:
        case "Ref":
            return f"<{argument}>"
        case "Fn::GetAtt":
            return f"<{'.'.join(argument)}>"
        case "Fn::Join":
            separator, parts = argument
            return str(separator).join(_text(part) for part in parts)
    raise ValueError(f"{function} in the ARN of a policy: tell {__name__} how cdk-nag spells it")
