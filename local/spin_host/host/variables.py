"""``fermyon:spin/variables@2.0.0`` and ``wasi:config/store``: a component's variables."""

from typing import Final

from builder.source.templates import TemplateError
from wasmtime.component import Variant

from local.spin_host.host.abi import Interface, RequestContext, err, none, ok, some
from local.spin_host.variables import InvalidNameError, UndefinedVariableError


def _get(context: RequestContext, name: str) -> Variant:
    try:
        return ok(context.services.variables.get(name))
    except InvalidNameError as error:
        return err(Variant("invalid-name", str(error)))
    except UndefinedVariableError as error:
        return err(Variant("undefined", str(error)))
    except TemplateError as error:
        return err(Variant("other", str(error)))


def _config_get(context: RequestContext, name: str) -> Variant:
    try:
        return ok(some(context.services.variables.get(name)))
    except (InvalidNameError, UndefinedVariableError):
        return ok(none())
    except TemplateError as error:
        return err(Variant("upstream", str(error)))


def _config_get_all(context: RequestContext) -> Variant:
    known = context.services.variables
    try:
        return ok([(name, known.get(name)) for name in known.names()])
    except (UndefinedVariableError, TemplateError) as error:
        return err(Variant("upstream", str(error)))


INTERFACES: Final = (
    Interface("fermyon:spin/variables@2.0.0", functions={"get": _get}),
    Interface("wasi:config/store@0.2.0-draft-2024-09-27", functions={"get": _config_get, "get-all": _config_get_all}),
)
