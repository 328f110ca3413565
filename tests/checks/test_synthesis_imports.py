"""`cdk synth` runs where requirements.txt is installed and nothing else: no AWS SDK, no Powertools."""

import sys
from importlib.metadata import packages_distributions

from packaging.utils import canonicalize_name

from infra.tools.build_folder import ROOT
from infra.tools.imports import closure
from infra.tools.locks import locked


def test_the_synthesis_imports_what_its_requirements_bring() -> None:
    installed = {canonicalize_name(each.name) for each, _ in locked((ROOT / "requirements.txt").read_text("utf-8"))}
    brought = {
        module for module, names in packages_distributions().items() if installed & set(map(canonicalize_name, names))
    }
    read, others = closure(ROOT / "app.py")
    missing = {
        f"{path.relative_to(ROOT)} imports {module}"
        for module, path in others.items()
        if module not in sys.stdlib_module_names and module not in brought
    }
    assert ROOT / "infra" / "storage.py" in read
    assert missing == set()
