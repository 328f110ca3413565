"""Keys of the policy table, which the stack reads too: it is synthesized where no AWS SDK is installed."""

from typing import Final

PARTITION: Final = "partition"
WORKSPACES: Final = "workspaces"
WORKSPACE_ID: Final = "workspace_id"
