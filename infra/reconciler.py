"""The reconciler: a scheduled function that ends stuck tasks, announces missed ends and finds build slots again."""

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.build_pipeline import BuildPipeline, grant_handing_on
from infra.lambda_function import ServiceFunction
from infra.settings import Settings
from infra.storage import Storage
from infra.undelivered import UndeliveredQueue

EVERY = cdk.Duration.minutes(5)


class Reconciler(Construct):
    """The function that checks every unsettled task, every five minutes."""

    def __init__(
        self, scope: Construct, construct_id: str, *, settings: Settings, storage: Storage, pipeline: BuildPipeline
    ) -> None:
        super().__init__(scope, construct_id)
        machine = pipeline.state_machine
        self.function = ServiceFunction(
            self,
            "Function",
            module="reconcile",
            description="Ends and announces tasks that nothing else will",
            environment={
                **storage.environment(),
                **settings.variables("builds.concurrency"),
                "STATE_MACHINE_ARN": machine.state_machine_arn,
                # The state machine limits how long a task can run: an older task is stuck.
                "STUCK_AFTER_MINUTES": str(pipeline.longest.plus(EVERY).plus(EVERY).to_minutes()),
            },
            timeout=EVERY,
        )
        storage.grant_ends(self.function)
        storage.grant_open_tasks(self.function)
        # It looks whether those that hold a build slot or wait for one have ended, and moves builds between queues.
        storage.grant_task_access(self.function, "dynamodb:BatchGetItem", "dynamodb:PutItem")
        grant_handing_on(self.function, storage)
        executions = ["states:ListExecutions", "states:StartExecution"]
        self.function.add_to_role_policy(iam.PolicyStatement(actions=executions, resources=[machine.state_machine_arn]))
        pipeline.grant_executions(self.function, "states:DescribeExecution")
        self.undelivered = UndeliveredQueue(self, "Undelivered")
        self.undelivered.collect_failures(self.function)
        events.Rule(
            self,
            "Schedule",
            description="Looks for tasks that nothing else will end",
            schedule=events.Schedule.rate(EVERY),
            # Without retries: the next run does the same work.
            targets=[self.undelivered.target(self.function, retry_attempts=0)],
        )
