"""One dependency of a task broken after the other."""
