"""Hold the product and its stand-in against a real kube-apiserver, kube-controller-manager and etcd.

`programs.py` makes or finds the three programs, `plane.py` runs them on 127.0.0.1, `webhook.py` is the operator's
admission, `preparation.py` brings CRDs and ``cluster/`` in, `suites.py` runs the tests against it, `end_to_end.py` runs
``make local`` on it.
"""
