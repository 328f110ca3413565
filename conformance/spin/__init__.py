"""Hold `local/spin_cli` and `local/spin_host` against a real ``spin`` on PATH: pushes, then answers over HTTP.

Every case has the same outcome on both sides, or a reason why it has not (``known``), which docs/conformance.md tells.
"""
