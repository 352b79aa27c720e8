"""The engine, under a name that no module of a project takes: `import reconcile.engine`."""

import sys
from typing import TYPE_CHECKING

from reconcile.own_packages import own_package

if TYPE_CHECKING:
    from engine import *  # noqa: F403

sys.modules[__name__] = own_package("engine")
