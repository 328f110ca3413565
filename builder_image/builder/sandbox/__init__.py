"""Running a stranger's code: users, system calls, limits, and the end of every process."""
