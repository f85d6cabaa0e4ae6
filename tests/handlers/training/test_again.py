"""What a finished model's metadata must hold for the same training to be run once more."""

from __future__ import annotations

import msgspec

from config.settings import Dataset, Evaluation, FineTuning, Mlx, Settings, Training
from handlers.training.again import settings_again
from handlers.training.parameters import parameters_of
from tests.handlers.models.made import metadata

UNUSUAL = Training(
    learning_rate=3e-4, batch_size=3, max_epochs=5, max_updates=900, warmup_steps=7, save_steps=11, eval_steps=13,
    patience=9, gradient_accumulation=2, clip_norm=0.5, max_seq_length=333, packing=False, start="champion",
    replay_share=0.25, method="dora", layers=3, lora_rank=5, lora_alpha=17.0, lora_dropout=0.05,
    lora_modules=("self_attn.q_proj",), seed=99,
)  # fmt: skip
EXAMINED = Evaluation(answered_rows=3, answer_tokens=17, max_forgetting=0.7)


def test_every_setting_that_changes_a_training_comes_back_from_its_metadata() -> None:
    assert _differing(UNUSUAL, Training()) == set(Training.model_fields), "a setting is not tried here"
    assert _differing(EXAMINED, Evaluation()) == set(Evaluation.model_fields), "a setting is not tried here"
    used = FineTuning(training=UNUSUAL, mlx=Mlx(gradient_checkpointing=False), evaluation=EXAMINED)
    told = metadata("mine")
    recipe = msgspec.structs.replace(
        told,
        parameters=parameters_of(used, 2000, UNUSUAL.layers, UNUSUAL.lora_modules, UNUSUAL.packing, "float32"),
        dataset=msgspec.structs.replace(told.dataset, valid_share=0.35),
        started_from="w" * 64,
    )
    again = settings_again(Settings(), msgspec.json.decode(msgspec.json.encode(recipe), type=type(recipe)))
    assert again.fine_tuning.training == UNUSUAL
    assert again.fine_tuning.evaluation == EXAMINED
    assert again.fine_tuning.mlx == used.mlx
    assert again.dataset == Dataset(valid_share=0.35)


def test_what_older_metadata_does_not_tell_stays_as_it_is_set() -> None:
    settings = Settings(dataset=Dataset(valid_share=0.45), fine_tuning=FineTuning(evaluation=EXAMINED))
    again = settings_again(settings, metadata("old"))
    assert again.dataset == settings.dataset
    assert again.fine_tuning.evaluation == EXAMINED


def _differing(one: Training | Evaluation, other: Training | Evaluation) -> set[str]:
    return {name for name in type(one).model_fields if getattr(one, name) != getattr(other, name)}
