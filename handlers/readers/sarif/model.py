"""The parts of SARIF that findings are made of. Unknown keys are ignored; everything may be absent."""

from __future__ import annotations

from typing import Any

import msgspec


class Part(msgspec.Struct, rename="camel", gc=False):
    """Base: keys in camelCase, as in the format."""


class Message(Part):  # 3.11
    text: str | None = None
    markdown: str | None = None
    id: str | None = None
    arguments: list[Any] | None = None


class Properties(Part):
    """What tools put into the property bags of results and rules."""

    security_severity: Any = msgspec.field(default=None, name="security-severity")
    tags: Any = None
    cwe: Any = None
    cwes: Any = None
    cve: Any = None
    cvssv3: Any = msgspec.field(default=None, name="cvssv3_baseScore")
    fixed_version: Any = None


class ArtifactLocation(Part):  # 3.4
    uri: str | None = None
    index: int | None = None


class Region(Part):  # 3.30
    start_line: int | None = None
    start_column: int | None = None
    end_line: int | None = None
    snippet: Message | None = None


class PhysicalLocation(Part):  # 3.29
    artifact_location: ArtifactLocation | None = None
    region: Region | None = None
    context_region: Region | None = None


class LogicalLocation(Part):  # 3.33
    name: str | None = None
    fully_qualified_name: str | None = None
    index: int | None = None


class Location(Part):  # 3.28
    physical_location: PhysicalLocation | None = None
    logical_locations: list[LogicalLocation] | None = None
    message: Message | None = None


class Suppression(Part):  # 3.35; early drafts call the status `state`
    status: str | None = None
    state: str | None = None
    kind: str | None = None
    justification: str | None = None


class ToolComponentReference(Part):  # 3.54
    name: str | None = None
    index: int | None = None
    guid: str | None = None


class DescriptorReference(Part):  # 3.52
    id: str | None = None
    index: int | None = None
    guid: str | None = None
    tool_component: ToolComponentReference | None = None


class WebRequest(Part):  # 3.46
    method: str | None = None
    target: str | None = None


class Fix(Part):  # 3.55
    description: Message | None = None


class Result(Part):  # 3.27
    rule_id: str | None = None
    rule_index: int | None = None
    rule: DescriptorReference | None = None
    kind: str | None = None
    level: str | None = None
    message: Message | None = None
    locations: list[Location] | None = None
    analysis_target: ArtifactLocation | None = None
    suppressions: list[Suppression] | None = None
    baseline_state: str | None = None
    taxa: list[DescriptorReference] | None = None
    web_request: WebRequest | None = None
    fixes: list[Fix] | None = None
    properties: Properties | None = None


class Configuration(Part):  # 3.50
    level: str | None = None


class Relationship(Part):  # 3.53
    target: DescriptorReference | None = None


class Rule(Part):  # 3.49, reportingDescriptor
    id: str | None = None
    guid: str | None = None
    deprecated_ids: list[str] | None = None
    name: str | None = None
    short_description: Message | None = None
    full_description: Message | None = None
    message_strings: Any = None
    help: Message | None = None
    help_uri: str | None = None
    default_configuration: Configuration | None = None
    relationships: list[Relationship] | None = None
    properties: Properties | None = None


class Component(Part):  # 3.19, toolComponent
    name: str | None = None
    guid: str | None = None
    version: str | None = None
    semantic_version: str | None = None
    rules: list[Rule] | None = None
    taxa: list[Rule] | None = None
    global_message_strings: Any = None


class Tool(Part):  # 3.18
    driver: Component | None = None
    extensions: list[Component] | None = None


class Artifact(Part):  # 3.24
    location: ArtifactLocation | None = None


class Notification(Part):  # 3.58
    level: str | None = None
    message: Message | None = None


class Invocation(Part):  # 3.20
    execution_successful: bool | None = None
    exit_code_description: str | None = None
    tool_execution_notifications: list[Notification] | None = None
    tool_configuration_notifications: list[Notification] | None = None


class VersionControlDetails(Part):  # 3.23
    repository_uri: str | None = None


class Run(Part):  # 3.14, without its results
    tool: Tool | None = None
    version_control_provenance: list[VersionControlDetails] | None = None
    invocations: list[Invocation] | None = None
    artifacts: list[Artifact] | None = None
    logical_locations: list[LogicalLocation] | None = None
    taxonomies: list[Component] | None = None
    external_property_file_references: Any = None
