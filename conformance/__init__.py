"""Hold the product against real parts: a control plane, Spin, the builder image, Lambda's Python.

`make conformance` runs every part. Each is a subpackage that runs alone as ``python -m conformance.<part>``. It ends
with 0 (everything agreed), 1 (something did not) or 3 (what it needs is not on this machine, said in one line). It
writes what it showed into its section of docs/conformance.md.
"""
