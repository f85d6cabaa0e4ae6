"""Comparing versions by the rules of their ecosystem (`univers`)."""

from __future__ import annotations

from collections.abc import Sequence

_SCHEMES = {"cocoapods": "generic", "pub": "generic", "swift": "generic", "conda": "pypi"}


def smallest_fix(ecosystem: str | None, installed: str | None, fixed: Sequence[str]) -> str | None:
    """The smallest of `fixed` that is above `installed`, by the rules of the ecosystem (a purl type).

    With one fixed version and no comparable installed one, that version; None where nothing can be said, or where
    every fixed version is at or below the installed one.
    """
    if not fixed:
        return None
    order = _order_of(ecosystem, [*fixed, *([installed] if installed else [])])
    if order is None or not installed:
        return fixed[0] if len(set(fixed)) == 1 else None
    above = [each for each in fixed if order.index(each) > order.index(installed)]
    return min(above, key=order.index) if above else None


def _order_of(ecosystem: str | None, versions: Sequence[str]) -> list[str] | None:
    """The versions in ascending order, equal ones once; None if one of them is none in this ecosystem."""
    from univers.version_range import RANGE_CLASS_BY_SCHEMES

    scheme = (ecosystem or "").lower()
    kind = RANGE_CLASS_BY_SCHEMES.get(_SCHEMES.get(scheme, scheme))
    if kind is None or kind.version_class is None:
        return None
    try:
        parsed = sorted((kind.version_class(each), each) for each in dict.fromkeys(versions))
    except (ValueError, TypeError, AttributeError):  # univers raises all three for what is no version
        return None
    return [text for _, text in parsed]
