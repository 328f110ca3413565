"""The stack's own registry for a real `spin`, which speaks HTTPS to the registry's own name and to nothing else.

`local.spin_cli.real_spin` puts a wrapper around it that names this part as its HTTPS proxy and trusts this part's
certificate authority. So the name leads here, and the process needs neither DNS nor the real host.
"""
