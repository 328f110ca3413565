"""``python -m infra.preflight``: what would go wrong with ``cdk deploy``, told before it does.

Everything is asked with the operator's own credentials; nothing is changed.
"""
