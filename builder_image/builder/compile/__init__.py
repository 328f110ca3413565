"""`spin build` in the sandbox, and why it failed."""
