"""A stand-in for Fermyon's ``spin`` CLI, version 3.6.3, which is only to be had as a downloaded binary.

It does what builds ask of the real one: ``spin build``, ``spin registry login``, ``spin registry push``, with the
options that they use. What it pushes is what the real one pushes; docs/conformance.md says where it is stricter.
`install_wrapper` puts an executable of that name on a PATH.

The flow of a push: `cli` ▸ `manifest` (is it valid) ▸ `lock` and `files` (what the app consists of) ▸ `push` (layers,
image manifest, upload). Sources named in these files are those of
https://github.com/spinframework/spin at tag v3.6.3.
"""

from local.spin_cli.wrapper import install_wrapper

__all__ = ["install_wrapper"]
