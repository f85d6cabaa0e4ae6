"""Every setting of scantune, typed and frozen.

Precedence, strongest first: command line, environment (`SCANTUNE_A__B`), the file named by `--config`, the workspace's
`config/scantune.yaml`, the defaults below. `config/scantune.yaml` shows each of them with a comment.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict
from pydantic_settings import SettingsError as EnvironmentFault

from config.file import SettingsError as SettingsError
from config.file import read_file

ENV_PREFIX = "SCANTUNE_"
NOT_SETTINGS = {"SCANTUNE_WORKSPACE", "SCANTUNE_CONFIG"}
"""Environment variables of ours that choose where to look, and are no settings."""

PLAINLY = {
    "model_type": "this is a section: its settings stand below it, indented",
    "tuple_type": "Input should be a list, such as [a, b]",
    "path_type": "Input should be a path",
}
"""What pydantic says in terms of Python, in terms of the file."""

UserPath = Annotated[Path, AfterValidator(lambda path: path.expanduser())]


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _all_defaults(cls, given: object) -> object:
        """`intake:` with nothing below it, as it remains when every line of a section was deleted."""
        return {} if given is None else given


class Intake(Section):
    settle_seconds: float = Field(2.0, ge=0)
    rescan_seconds: float = Field(60.0, gt=0)
    polling: Literal["auto", "always", "never"] = "auto"
    drain_seconds: float = Field(20.0, ge=0)


class Retry(Section):
    first_seconds: float = Field(5.0, gt=0)
    longest_seconds: float = Field(3600.0, gt=0)
    attempts: int = Field(5, ge=1)


class Limits(Section):
    max_bytes: int = Field(2_000_000_000, gt=0)
    max_depth: int = Field(200, gt=0)
    max_members: int = Field(10_000, gt=0)
    max_expanded_bytes: int = Field(2_000_000_000, gt=0)
    max_ratio: int = Field(200, gt=0)
    max_zip_depth: int = Field(3, ge=0)
    max_text: int = Field(20_000, gt=0)
    max_seconds: float = Field(600.0, gt=0)


class Analysis(Section):
    backend: Literal["rules", "mlx", "auto"] = "rules"
    kev_file: UserPath | None = None
    epss_file: UserPath | None = None


class Tasks(Section):
    """Share of problems of which a row of the task is made, where their narrative has an answer."""

    analyse: float = Field(1.0, ge=0, le=1)
    explain: float = Field(1.0, ge=0, le=1)
    fix: float = Field(1.0, ge=0, le=1)
    triage: float = Field(1.0, ge=0, le=1)
    cwe: float = Field(0.5, ge=0, le=1)
    cvss: float = Field(0.5, ge=0, le=1)
    no_fix: float = Field(0.5, ge=0, le=1)
    unknown: float = Field(0.25, ge=0, le=1)


class Dataset(Section):
    quiet_seconds: float = Field(30.0, ge=0)
    interval_seconds: float = Field(600.0, ge=0)
    valid_share: float = Field(0.2, gt=0, lt=1)
    test_share: float = Field(0.0, ge=0, lt=0.5)
    format: Literal["chat", "completions", "instructions"] = "chat"
    parquet: bool = False
    tasks: Tasks = Tasks()
    near_duplicate: float = Field(0.8, gt=0.5, le=1)
    max_per_rule: int = Field(500, ge=1)
    max_per_repository: int = Field(20_000, ge=1)
    pseudonym_key: str = ""


class Training(Section):
    learning_rate: float = Field(2e-5, gt=0)
    batch_size: int = Field(4, ge=1)
    max_epochs: int = Field(3, ge=1)
    max_updates: int = Field(0, ge=0)
    warmup_steps: int = Field(100, ge=0)
    save_steps: int = Field(500, ge=1)
    eval_steps: int = Field(250, ge=1)
    patience: int = Field(3, ge=0)
    gradient_accumulation: int = Field(1, ge=1)
    clip_norm: float = Field(1.0, gt=0)
    max_seq_length: int = Field(1024, ge=16)
    packing: bool = True
    start: Literal["base", "champion"] = "base"
    replay_share: float = Field(1.0, ge=0, le=1)
    method: Literal["lora", "dora", "full"] = "lora"
    layers: int = Field(0, ge=0)
    lora_rank: int = Field(8, ge=1)
    lora_alpha: float = Field(160.0, gt=0)
    lora_dropout: float = Field(0.0, ge=0, lt=1)
    lora_modules: tuple[str, ...] = ()
    seed: int = Field(42, ge=0)


class Mlx(Section):
    quantization: Literal["none", "q4", "q8"] = "q4"
    memory_efficient: bool = True
    gradient_checkpointing: bool = True


class Evaluation(Section):
    answered_rows: int = Field(64, ge=0)
    answer_tokens: int = Field(256, ge=1)
    max_forgetting: float = Field(0.1, ge=0)


class Comfort(Section):
    pause_on_battery: bool = True
    pause_when_hot: bool = True
    min_free_gb: float = Field(0.5, ge=0)


class HuggingFace(Section):
    upload_enabled: bool = False
    default_repo_prefix: str = ""
    private_repos: bool = True


class FineTuning(Section):
    skip_in_daemon: bool = False
    workspace_dir: UserPath | None = None
    default_output_name: str = Field("webauthn-security", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,80}$")
    min_new_examples: int = Field(10, ge=1)
    interval_seconds: float = Field(3600.0, ge=0)
    max_hours: float = Field(2.0, gt=0)
    max_memory_gb: float = Field(0.0, ge=0)
    training: Training = Training()
    mlx: Mlx = Mlx()
    evaluation: Evaluation = Evaluation()
    comfort: Comfort = Comfort()
    huggingface: HuggingFace = HuggingFace()


class Upload(Section):
    to: Literal["local", "hub"] = "local"
    local_dir: UserPath | None = None
    allow_public: bool = False


class GitHub(Section):
    enabled: bool = False
    repositories: tuple[Annotated[str, Field(pattern=r"^[\w.-]+/[\w.-]+$")], ...] = ()
    api_url: str = "https://api.github.com"
    interval_seconds: float = Field(300.0, ge=1)
    artifacts: tuple[str, ...] = ("*",)
    workflows: tuple[str, ...] = ()
    branches: tuple[str, ...] = ()
    forks: bool = False
    code_scanning: bool = False
    dependabot: bool = False


class Log(Section):
    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["text", "json"] = "text"
    max_bytes: int = Field(10_000_000, ge=1000)
    keep: int = Field(5, ge=1)


class Settings(BaseSettings):
    """The whole configuration. Build it with `load`; an unknown key anywhere is an error."""

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", env_prefix=ENV_PREFIX, env_nested_delimiter="__", case_sensitive=False
    )

    base_models_dir: UserPath = Path("~/shared-olmo-models/base").expanduser()
    fine_tuned_models_dir: UserPath = Path("~/shared-olmo-models/fine-tuned").expanduser()
    default_base_model: str = "OLMo-2-1B-mlx-q4"
    intake: Intake = Intake()
    retry: Retry = Retry()
    limits: Limits = Limits()
    analysis: Analysis = Analysis()
    dataset: Dataset = Dataset()
    fine_tuning: FineTuning = FineTuning()
    upload: Upload = Upload()
    github: GitHub = GitHub()
    log: Log = Log()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        # `load` merges the sources itself, so that a Settings built by hand holds what it was given and no more.
        return (init_settings,)


def load(file: Path | None = None, overrides: Mapping[str, Any] | None = None) -> Settings:
    """Reads the settings from `file` (if it exists), the environment and `overrides` (nested, strongest).

    Raises SettingsError for a file that is no YAML mapping, an unknown key, or a value that does not fit.
    """
    from_file = read_file(file) if file is not None and file.exists() else {}
    _refuse_unknown_environment()
    try:
        return Settings(**_merged(_merged(from_file, EnvSettingsSource(Settings)()), overrides or {}))
    except ValidationError as error:
        raise SettingsError("\n".join(_complaints(error, file))) from None
    except EnvironmentFault as error:
        hint = """a list is written as JSON there: SCANTUNE_GITHUB__REPOSITORIES='["OWNER/NAME"]'"""
        raise SettingsError(f"the environment: {error} ({hint})") from None


def _merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(base)
    for key, value in over.items():
        below = result.get(key)
        result[key] = _merged(below, value) if isinstance(below, dict) and isinstance(value, Mapping) else value
    return result


def names(model: type[BaseModel] = Settings, prefix: str = "") -> Iterator[str]:
    """The dotted name of every setting, in the order of declaration."""
    for name, info in model.model_fields.items():
        below = info.annotation
        if isinstance(below, type) and issubclass(below, BaseModel):
            yield from names(below, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


def _refuse_unknown_environment() -> None:
    """pydantic-settings ignores a misspelt variable in silence; here it is an error, like a misspelt key."""
    known = {ENV_PREFIX + name.replace(".", "__").upper() for name in names()}
    sections = {name.rsplit("__", 1)[0] for name in known if "__" in name}
    for variable in os.environ:
        upper = variable.upper()
        if upper.startswith(ENV_PREFIX) and upper not in known | sections | NOT_SETTINGS:
            raise SettingsError(f"the environment variable {variable} is no setting{_nearest(upper, known)}")


def _nearest(word: str, known: set[str]) -> str:
    close = difflib.get_close_matches(word, sorted(known), n=1, cutoff=0.75)  # all variables share a prefix
    return f" (did you mean {close[0]}?)" if close else ""


def _complaints(error: ValidationError, file: Path | None) -> Iterator[str]:
    variables = {variable.upper(): variable for variable in os.environ}
    for fault in error.errors():
        dotted = ".".join(str(part) for part in fault["loc"])
        variable = variables.get(ENV_PREFIX + dotted.replace(".", "__").upper())
        where = f"the environment variable {variable}" if variable else str(file or "the settings")
        if fault["type"] == "extra_forbidden":
            yield f"{where}: unknown setting {dotted}{_nearest(dotted, set(names()))}"
        else:
            yield f"{where}: {dotted}: {PLAINLY.get(fault['type'], fault['msg'])}"
