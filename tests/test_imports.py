"""Every module of the program imports, on every supported Python and without a warning."""

import importlib
import pkgutil

import pytest

import server


@pytest.mark.smoke
def test_every_module_imports() -> None:
    names = [module.name for module in pkgutil.walk_packages(server.__path__, "server.")]
    assert "server.settings" in names
    for name in names:
        importlib.import_module(name)
