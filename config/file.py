"""Reads a settings file: one YAML mapping."""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml


class SettingsError(Exception):
    """The configuration can't be used; the text names each key and where it stands."""


class _Loader(yaml.SafeLoader):
    """Refuses a key that comes twice in one mapping: PyYAML would keep the last and drop the others in silence."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen = set[str]()
        for key, _ in node.value:
            if (name := str(key.value)) in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{name} comes twice", key.start_mark)
            seen.add(name)
        return {str(key): value for key, value in super().construct_mapping(node, deep).items()}


def read_file(file: Path) -> dict[str, Any]:
    """The settings of `file`, nested; an empty file has none. Raises SettingsError if it holds anything else."""
    try:
        content = yaml.load(file.read_text(encoding="utf-8"), _Loader)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file}: not readable as YAML: {error}") from None
    except OSError as error:
        raise SettingsError(f"{file}: {error.strerror}") from None
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise SettingsError(f"{file}: expected `setting: value` lines, found a {type(content).__name__}")
    return content
