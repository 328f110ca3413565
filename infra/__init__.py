"""The CDK stack. construct.py wires the constructs; each other module is one construct with one capability."""
