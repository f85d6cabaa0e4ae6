"""Whether MLX is here. Asked before anything that needs it, so that a person reads a sentence and no traceback."""

from __future__ import annotations

from importlib.util import find_spec

from watcher.errors import Unavailable


def need_mlx() -> None:
    """Raises Unavailable, with what to install, where mlx or mlx-lm is missing. Imports neither."""
    if missing := missing_packages():
        raise Unavailable(
            f"this needs {' and '.join(missing)}, which this Python does not have",
            "on an Apple-silicon Mac: pip install mlx mlx-lm; on Linux: pip install 'mlx[cpu]' mlx-lm",
        )


def missing_packages() -> list[str]:
    """Which of mlx and mlx_lm this Python can't import, without importing them."""
    return [name for name in ("mlx", "mlx_lm") if not _importable(name)]


def _importable(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except (ImportError, ValueError):  # something stands in the way of the import
        return False
