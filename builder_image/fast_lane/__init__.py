"""The fast lane: a Python app made into a component without compiling CPython again.

componentize-py links CPython, spin_sdk's bindings and WASI into one component, compiles it, imports the app in it and
writes the memory back into the component. All but the import is the same for every app. Here it is done once for each
toolchain (`base`); an app is then imported into a copy of that base's memory (`machine`) and the component written with
the new memory (`snapshot`). `command` is the ``componentize-py`` that builds find: it takes what it can and hands
everything else to the real one.

Runs on the toolchain's interpreter with wasmtime beside it, as the sandbox's user. Imports nothing of the builder.
"""
