"""A cloud that is stopped, killed and started again."""
