"""Hostile uploads against the builder: in the sandbox, in the type check, in whole builds."""
