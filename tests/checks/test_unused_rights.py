"""What `make test` reports at its end: rights that none of the tests' clouds has used."""

from tests.support.unused_rights import granted, unused

OWN_IMAGES = "cdk-hnb659fds-container-assets-1-x"
"""Where CDK keeps the builder image, which CodeBuild pulls."""


def test_unused_rights_are_those_that_no_decision_needed() -> None:
    joined = {"Fn::Join": ["", ["arn:", "/a/*"]]}
    statements = [
        {
            "Effect": "Allow",
            "Action": ["s3:GetObject", "s3:PutObject"],
            "Resource": joined,
        },
        {"Effect": "Allow", "Action": "xray:PutTraceSegments", "Resource": "*"},
        {"Effect": "Allow", "Action": "ecr:BatchGetImage", "Resource": "arn:aws:ecr:x:1:repository/apps"},
        {"Effect": "Allow", "Action": "ecr:BatchGetImage", "Resource": f"arn:aws:ecr:x:1:repository/{OWN_IMAGES}"},
        {"Effect": "Deny", "Action": "s3:*", "Resource": "*"},
    ]
    properties = {"Roles": [{"Ref": "Role"}], "PolicyDocument": {"Statement": statements}}
    template = {"Resources": {"Policy": {"Type": "AWS::IAM::Policy", "Properties": properties}}}
    used = [["Stack-Role-ABC", "s3:GetObject", "arn:/a/x"], ["Stack-Other-ABC", "s3:PutObject", "arn:/a/x"]]
    assert unused(granted(template), used, "Stack") == [
        ("Role", "ecr:BatchGetImage", "arn:aws:ecr:x:1:repository/apps"),
        ("Role", "s3:PutObject", "arn:/a/*"),
    ]
