"""What the C library does with memory that is free again."""

import ctypes
import sys
from functools import cache

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4
"""Parameters of glibc's mallopt(3)."""


@cache
def keep_memory() -> bool:
    """Let the C library keep freed memory instead of handing it back after every tensor or picture.

    By default glibc maps each large tensor afresh and the kernel zeroes it page by page: half of a training step's time
    on two cores was spent there (docs/performance.md). Costs memory up to the largest step, no results.

    Returns:
        Whether the C library took the settings; false where it is not glibc.
    """
    if not sys.platform.startswith("linux"):
        return False
    library = ctypes.CDLL(None)
    if not hasattr(library, "mallopt") or not hasattr(library, "gnu_get_libc_version"):
        return False
    largest_int = 2**31 - 1
    settings = ((_M_TRIM_THRESHOLD, largest_int), (_M_TOP_PAD, 2**28), (_M_MMAP_MAX, 0))
    return all(library.mallopt(name, value) == 1 for name, value in settings)
