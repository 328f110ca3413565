"""``python -m infra.preflight``: find what would make ``cdk deploy`` fail, before it does.

All checks use the operator's own credentials, and change nothing.
"""
