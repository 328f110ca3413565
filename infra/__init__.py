"""The CDK stack. stack.py wires the constructs; each other module is one construct with one capability."""
