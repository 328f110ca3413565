"""What botocore and moto work out anew in every call, though it never changes: here once in a process.

Nothing is answered otherwise. More than half of the time of the tests of the API goes into calls of AWS in memory.
"""

import functools
from typing import Any

from botocore import useragent
from moto.core import responses
from moto.core.serialize import AttributePickerContext, XFormedAttributePicker

_possible_keys = XFormedAttributePicker.get_possible_keys
_keys: dict[Any, tuple[str, ...]] = {}


def work_out_once() -> None:
    """Keep what each call works out: parts of the user agent, methods of a service, names of an answer's fields."""
    if XFormedAttributePicker.get_possible_keys is not _possible_keys:
        return
    cleaned = functools.cache(useragent.sanitize_user_agent_string_component)
    useragent.sanitize_user_agent_string_component = cleaned
    responses.method_names_from_class = functools.cache(responses.method_names_from_class)
    XFormedAttributePicker.get_possible_keys = _kept_keys


def _kept_keys(picker: XFormedAttributePicker, context: AttributePickerContext) -> tuple[str, ...]:
    """Answer the names under which a field may be found: they follow from its name, shape and object's class."""
    of = (type(context.obj), context.key, context.shape)
    if of not in _keys:
        _keys[of] = tuple(_possible_keys(picker, context))
    return _keys[of]
