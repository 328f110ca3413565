"""Entry points of the Lambda functions: each parses its event, calls the code behind it, and answers."""
