"""The states of a build that is to be deployed: deploy it, and record the outcome."""

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from functions.contracts.task import RowField
from infra.retries import retry_dynamodb, retry_unstarted_function
from infra.task_row import ROW_TIMEOUT, TASK, row_key

_BROKEN = "The deployment could not be carried out. Deploy the image with POST /api/v1/deploy."


class DeployStates(Construct):
    """The states of a deployment; ``first`` is the first of them.

    ::

        Deploy ─▶ RecordDeployment ─▶ Done

    A deployment that fails leaves the task done: its ``deployment`` has the error.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        table: dynamodb.ITable,
        deploy: lambda_.IFunction,
        done: sfn.Succeed,
    ) -> None:
        super().__init__(scope, construct_id)
        self._table = table
        record = self._record(done)
        run = tasks.LambdaInvoke.jsonata(
            self,
            "Deploy",
            comment="Deploy the image as the upload asked; the options stay in the task's row",
            lambda_function=deploy,
            payload=sfn.TaskInput.from_object(TASK),
            outputs="{% $merge([$states.input, {'deployment': $states.result.Payload}]) %}",
            task_timeout=sfn.Timeout.duration(cdk.Duration.minutes(1)),
            retry_on_service_exceptions=False,
        )
        retry_unstarted_function(run)  # A second deploy may make a second app.
        broken = f"{{% $merge([$states.input, {{'deployment': {{'error': '{_BROKEN}'}}}}]) %}}"
        run.add_catch(record, errors=["States.ALL"], outputs=broken)
        self.first = run.next(record)

    def _record(self, done: sfn.Succeed) -> tasks.DynamoUpdateItem:
        text = tasks.DynamoAttributeValue.from_string
        record = tasks.DynamoUpdateItem.jsonata(
            self,
            "RecordDeployment",
            comment="Show the result of the deployment in the task",
            table=self._table,
            key=row_key(),
            update_expression="SET #deployment = :deployment, #updated = :now",
            condition_expression="attribute_exists(#status)",
            expression_attribute_names={
                "#deployment": RowField.DEPLOYMENT.value,
                "#updated": RowField.UPDATED_AT.value,
                "#status": RowField.STATUS.value,
            },
            expression_attribute_values={
                ":deployment": text("{% $string($states.input.deployment) %}"),
                ":now": text("{% $now() %}"),
            },
            outputs="{% $states.input %}",
            task_timeout=sfn.Timeout.duration(ROW_TIMEOUT),
        )
        retry_dynamodb(record)
        # The task was deleted in the meantime, or its row cannot be written: the build is done in both cases.
        record.add_catch(done, errors=["States.ALL"], outputs="{% $states.input %}")
        record.next(done)
        return record
