"""How large an installation gets, and what stops it first: docs/scale.md.

``demand`` says what one build asks of each service, ``quotas`` what the services allow, ``prices`` what they cost;
``levels`` puts the three together. ``simulation`` is the pipeline as a discrete-event simulation, ``scenarios`` the
questions asked of it, ``trial`` holds it against real builds of this machine. ``python -m bench.scale`` does all of it.
"""
