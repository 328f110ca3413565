"""The states after a build that is done: deploy it if the build asked for that, and record the outcome."""

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from functions.contracts.task import RowField, TaskStatus
from infra.retries import retry_dynamodb, retry_unstarted_function
from infra.task_row import ROW_TIMEOUT, TASK, row_key

_BROKEN = "The deployment could not be carried out. Deploy the image with POST /api/v1/deploy."


class DeployStates(Construct):
    """The states of a deployment; ``first`` is the first of them.

    ::

        FindDeployment ─▶ HasDeployment ─▶ Deploy ─▶ RecordDeployment ─▶ Done
                               ├ done, nothing to deploy ─▶ Done
                               └ ended before (cancelled) ─▶ Skipped

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
        skipped: sfn.Succeed,
    ) -> None:
        super().__init__(scope, construct_id)
        self._table = table
        record = self._record(done)
        run = tasks.LambdaInvoke.jsonata(
            self,
            "Deploy",
            lambda_function=deploy,
            payload=sfn.TaskInput.from_object(TASK),
            outputs="{% $states.result.Payload %}",
            task_timeout=sfn.Timeout.duration(cdk.Duration.minutes(1)),
            retry_on_service_exceptions=False,
        )
        retry_unstarted_function(run)  # A second deploy may make a second app.
        run.add_catch(record, errors=["States.ALL"], outputs={"error": _BROKEN})
        run.next(record)
        item = "$states.input.Item"
        choice = sfn.Choice.jsonata(self, "HasDeployment")
        is_done = f"{item}.status.S = '{TaskStatus.DONE.value}'"
        wanted = f"$exists({item}.{RowField.DEPLOY.value}) and $not($exists({item}.{RowField.DEPLOYMENT.value}))"
        choice.when(sfn.Condition.jsonata(f"{{% {is_done} and {wanted} %}}"), run)
        choice.when(sfn.Condition.jsonata(f"{{% {is_done} %}}"), done)
        choice.otherwise(skipped)
        self.first = self._find(done).next(choice)

    def _find(self, done: sfn.Succeed) -> tasks.DynamoGetItem:
        # The namespace stands for the whole block: the rest of it must not appear in an execution's log.
        find = tasks.DynamoGetItem.jsonata(
            self,
            "FindDeployment",
            table=self._table,
            key=row_key(),
            consistent_read=True,
            projection_expression=[
                tasks.DynamoProjectionExpression().with_attribute("#status"),
                tasks.DynamoProjectionExpression().with_attribute("#deploy").with_attribute("#namespace"),
                tasks.DynamoProjectionExpression().with_attribute("#deployment"),
            ],
            expression_attribute_names={
                "#status": RowField.STATUS.value,
                "#deploy": RowField.DEPLOY.value,
                "#namespace": "namespace",
                "#deployment": RowField.DEPLOYMENT.value,
            },
            task_timeout=sfn.Timeout.duration(ROW_TIMEOUT),
        )
        retry_dynamodb(find)
        # The build is done and recorded: the task shows that it is not deployed.
        find.add_catch(done, errors=["States.ALL"])
        return find

    def _record(self, done: sfn.Succeed) -> tasks.DynamoUpdateItem:
        text = tasks.DynamoAttributeValue.from_string
        record = tasks.DynamoUpdateItem.jsonata(
            self,
            "RecordDeployment",
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
                ":deployment": text("{% $string($states.input) %}"),
                ":now": text("{% $now() %}"),
            },
            task_timeout=sfn.Timeout.duration(ROW_TIMEOUT),
        )
        retry_dynamodb(record)
        # The task was deleted in the meantime, or its row cannot be written: the build is done in both cases.
        record.add_catch(done, errors=["States.ALL"])
        record.next(done)
        return record
