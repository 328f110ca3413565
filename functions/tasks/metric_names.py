"""Names of the metrics of tasks that the stack reads too: it is synthesized where no Lambda code is installed."""

from typing import Final

SERVICE: Final = "tasks"
"""Value of the dimension ``service``, in place of the function's own name."""
