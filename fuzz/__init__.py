"""Throw made-up inputs at every parser that a stranger reaches: ``make fuzz``.

Each target (`fuzz.targets`) runs in a process of its own under libFuzzer (atheris), which follows the branches that an
input takes. A target fails by an exception that is not a refusal, by more than `fuzz.engine.SECONDS` for one input, or
by too much memory. The corpus grows in build/fuzz and is used again. A failing input is kept there, and its path
printed.
"""
