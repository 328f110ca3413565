"""The AWS half of the one-machine cloud: ministack plus the parts of AWS that this stack needs and it lacks.

`python -m local.aws` runs it (`launcher`), `assembly.deploy_assembly` deploys the CDK stack to it, `codebuild` runs
builds, `seams` joins what is written here to ministack.
"""
