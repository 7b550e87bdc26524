"""The kernel's database, for foreign clients too."""

from tests.kernel.conftest import kernel_db

__all__ = ["kernel_db"]
