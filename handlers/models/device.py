"""How MLX is to compute on this machine."""

from __future__ import annotations

import mlx.core as mx


def settle_device() -> None:
    """On a CPU MLX compiles fused kernels with the system's C++ compiler: that takes longer here than it saves, and
    there may be none."""
    if mx.default_device() == mx.Device(mx.cpu):
        mx.disable_compile()
