"""Programs that a hostile upload brings along as its build command. Standard library only; they report on stdout.

Each ends with ``ATTACK COMPLETE``, so that a test knows that it was tried, not just that nothing came of it.
"""
