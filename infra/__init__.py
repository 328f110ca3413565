"""The CDK stack. stack.py wires it; every other file is one construct that owns one capability."""
