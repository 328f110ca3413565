"""The deploy function and its access to the EKS cluster: an access entry with one Kubernetes group."""

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_eks as eks
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.lambda_function import ServiceFunction
from infra.nag import accept, wildcard
from infra.settings import Kubernetes, Settings, Vpc
from infra.storage import Storage
from infra.tenancy import Tenancy


class Deployer(Construct):
    """``live`` answers the deploy API. RBAC of the group, not IAM, decides what it may do in the cluster.

    ``live`` is an alias of the function's published version: SnapStart restores published versions only. Nothing that
    must differ between starts is created while the module is loaded: clients, credentials and tokens are created by the
    first request, and random values come from the operating system.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        kubernetes: Kubernetes,
        storage: Storage,
        tenancy: Tenancy,
    ) -> None:
        super().__init__(scope, construct_id)
        images_expire = settings.storage.image_retention_days is not None
        self.function = ServiceFunction(
            self,
            "Function",
            module="deploy",
            description="Deploy API: SpinApps and their autoscalers on EKS",
            environment={
                **settings.variables(
                    "kubernetes.cluster_name",
                    "kubernetes.executor_spot",
                    "kubernetes.executor_on_demand",
                    "kubernetes.min_replicas",
                    "kubernetes.max_replicas",
                    "kubernetes.target_cpu",
                    "kubernetes.default_replicas",
                    "kubernetes.default_cpu_request",
                    "kubernetes.default_memory_request",
                    "kubernetes.require_signature",
                    "registry_allow_list",
                    "limits.waiting_requests",
                    "limits.all_waiting_requests",
                ),
                **_exposure(kubernetes),
                "DEFAULT_IMAGE_REPOSITORY": storage.repository.repository_uri,
                "SIGNING_KEY_ARN": storage.signing_key.key_arn,
                "TASK_TABLE": storage.task_table.table_name,
                **tenancy.environment(),
                **({"EXPIRING_REPOSITORY": storage.repository.repository_uri} if images_expire else {}),
            },
            timeout=cdk.Duration.seconds(29),
            memory_mb=1024,
            snap_start=lambda_.SnapStartConf.ON_PUBLISHED_VERSIONS,
            **self._network(kubernetes.vpc),
        )
        stack = cdk.Stack.of(self)
        cluster = stack.format_arn(service="eks", resource="cluster", resource_name=kubernetes.cluster_name)
        # Images may come from any repository of this account that the allow-list names.
        images = stack.format_arn(service="ecr", resource="repository", resource_name="*")
        for action, resource in (("eks:DescribeCluster", cluster), ("ecr:DescribeImages", images)):
            self.function.add_to_role_policy(iam.PolicyStatement(actions=[action], resources=[resource]))
        # CloudWatch knows no resources of metrics, and its condition key for namespaces is of PutMetricData alone.
        self.function.add_to_role_policy(iam.PolicyStatement(actions=["cloudwatch:GetMetricData"], resources=["*"]))
        accept(self.function, "The allow-list says which repositories; it is checked first.", wildcard(self, images))
        if kubernetes.require_signature:
            storage.repository.grant(self.function, "ecr:BatchGetImage")
            storage.signing_key.grant(self.function, "kms:Verify")
        if images_expire:
            storage.repository.grant(self.function, "ecr:BatchGetImage", "ecr:PutImage")
        storage.grant_task_access(self.function, "dynamodb:GetItem")
        storage.grant_counting_of_callers(self.function)
        tenancy.grant_membership(self.function)
        accept(
            self.function,
            "The alias below publishes a version.",
            "Annotation::@aws-cdk/aws-lambda:snapStartRequirePublish",
        )
        self.live = lambda_.Alias(self, "Live", alias_name="live", version=self.function.current_version)
        assert self.function.role is not None  # noqa: S101  # narrows the type: we made the role
        self.role = self.function.role
        eks.CfnAccessEntry(
            self,
            "AccessEntry",
            cluster_name=kubernetes.cluster_name,
            principal_arn=self.role.role_arn,
            kubernetes_groups=[kubernetes.access_group],
            type="STANDARD",
        )

    def _network(self, vpc: Vpc | None) -> dict[str, object]:
        if vpc is None:
            return {}
        accept(
            self,
            "Lambda's own managed policy: to make and remove the network interfaces of a function in a VPC.",
            "AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole]",
        )
        accept(
            self,
            "Nothing here routes: the subnets are somebody else's.",
            "Annotation::@aws-cdk/aws-ec2:noSubnetRouteTableId",
        )
        network = ec2.Vpc.from_vpc_attributes(
            self,
            "Vpc",
            vpc_id=vpc.vpc_id,
            availability_zones=[cdk.Fn.select(i, cdk.Fn.get_azs()) for i in range(len(vpc.subnet_ids))],
            private_subnet_ids=vpc.subnet_ids,
        )
        return {
            "vpc": network,
            "vpc_subnets": ec2.SubnetSelection(
                subnets=[ec2.Subnet.from_subnet_id(self, subnet, subnet) for subnet in vpc.subnet_ids]
            ),
            "security_groups": [
                ec2.SecurityGroup.from_security_group_id(self, "SecurityGroup", vpc.security_group_id, mutable=False)
            ],
        }


def _exposure(kubernetes: Kubernetes) -> dict[str, str]:
    if kubernetes.expose is None:
        return {}
    return {"KUBERNETES_EXPOSE": kubernetes.expose.model_dump_json(exclude_defaults=True)}
