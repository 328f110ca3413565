"""Command lines of the cloud's own processes."""

from collections.abc import Iterator


def options(**values: object) -> list[str]:
    """Write options: ``state_dir=x`` is ``--state-dir=x``, True the bare option, a tuple the option for each item.

    None and False leave an option out.
    """
    return [argument for name, value in values.items() for argument in _option(f"--{name.replace('_', '-')}", value)]


def _option(option: str, value: object) -> Iterator[str]:
    if isinstance(value, tuple):
        yield from (f"{option}={item}" for item in value)
    elif value is True:
        yield option
    elif value is not None and value is not False:
        yield f"{option}={value}"
