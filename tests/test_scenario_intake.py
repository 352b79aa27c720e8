"""The package that reads gives every name it promises, whatever was imported before."""

from __future__ import annotations

import json
import subprocess
import sys
from types import ModuleType

import pytest

import reconcile


@pytest.mark.parametrize("name", [name for name in reconcile.__all__ if name != "__version__"])
def test_every_promised_name_is_a_function(name: str) -> None:
    assert callable(getattr(reconcile, name))
    assert not isinstance(getattr(reconcile, name), ModuleType)
    assert name in dir(reconcile)


def test_a_function_is_not_hidden_by_the_module_of_its_name() -> None:
    code = (
        "import reconcile.market.load, reconcile.market.edit;"
        "from reconcile import check, render;"
        "print(callable(check), callable(render))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "True True\n"


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = reconcile.no_such_name


def test_reading_a_scenario_loads_neither_pandas_nor_pyarrow_nor_numba() -> None:
    code = (
        "import json, sys; from reconcile import find_scenario, replace, scenario_to_toml;"
        "scenario_to_toml(replace(find_scenario('top25'), 'strategy.n', 3));"
        "print(json.dumps([name for name in ('pandas', 'pyarrow', 'numba') if name in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []
