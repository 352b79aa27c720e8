"""The reference, under a name that no module of a project takes: `import reconcile.reference`."""

import sys
from typing import TYPE_CHECKING

from reconcile.own_packages import own_package

if TYPE_CHECKING:
    from reference import *  # noqa: F403

sys.modules[__name__] = own_package("reference")
