"""Build slots as the state machine takes them."""

from functions.contracts.task import TaskKey
from functions.dynamodb import written_if
from functions.tasks.admission import Admission
from functions.tasks.slot_pools import IF_FREE, SLOT, TAKE, pool_of, slots_in, slots_key


def take(admission: Admission, task: TaskKey) -> bool:
    """Do what the state TakeSlot does (`infra.slot_states`), whose expressions are from the same place."""
    pool = pool_of(task.task_id, admission.slots)
    return written_if(
        admission.tasks.table.update_item,
        Key=slots_key(pool),
        UpdateExpression=TAKE,
        ConditionExpression=IF_FREE,
        ExpressionAttributeNames={"#slot": SLOT + task.task_id},
        ExpressionAttributeValues={
            ":workspace": task.workspace_id,
            ":one": 1,
            ":most": slots_in(pool, admission.slots),
        },
    )
