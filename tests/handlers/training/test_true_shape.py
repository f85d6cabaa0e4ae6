"""A training at the shape of OLMo-2 1B. On a CPU have an OpenBLAS preloaded, or it takes most of an hour."""

from __future__ import annotations

import resource
import sys
import time
from pathlib import Path

import mlx.core as mx
import pytest
from mlx_lm.models import olmo2

from config.settings import FineTuning, Mlx, Training
from handlers.models.device import settle_device
from handlers.training.adapters import attach
from handlers.training.encode import Row
from handlers.training.fit import GIGA, device_memory, estimate
from handlers.training.loop import Loop
from handlers.training.optimizer import GuardedAdamW
from handlers.training.parameters import layout_of, parameters_of

SHAPE = {
    "model_type": "olmo2",
    "hidden_size": 2048,
    "num_hidden_layers": 16,
    "intermediate_size": 8192,
    "num_attention_heads": 16,
    "rms_norm_eps": 1e-6,
    "rope_theta": 500000.0,
    "vocab_size": 100352,
    "tie_word_embeddings": False,
}
PARAMETERS = 1_484_916_736
TRAINED = 6_029_312  # LoRA of rank 8 on every linear module
TOKENS, STEPS = 128, 3
MOST = 16 * GIGA


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_three_steps_stay_under_16_gb_as_the_estimate_says(tmp_path: Path) -> None:
    settle_device()
    settings = FineTuning(
        training=Training(batch_size=1, max_epochs=1, lora_rank=8), mlx=Mlx(gradient_checkpointing=False)
    )
    model = olmo2.Model(olmo2.ModelArgs.from_dict(SHAPE))
    mx.eval(model.parameters())
    rows = [Row(number=each, tokens=tuple(range(TOKENS + 1)), start=TOKENS // 2) for each in range(1, STEPS + 1)]
    layers, modules = attach(model, settings.training)
    used = parameters_of(settings, len(rows), layers, modules, True, "float32")
    layout = layout_of(settings.training, True)
    fit = estimate(model, rows, layout, used, device_memory())
    mx.clear_cache()
    mx.reset_peak_memory()
    began, losses = time.perf_counter(), list[float]()

    def note(done: int, loss: float, speed: float) -> bool:
        losses.append(loss)
        return True

    Loop(model, GuardedAdamW(used.schedule, used.clip_norm), rows, layout).run(0, STEPS, note, scratch=tmp_path)
    took, peak = (time.perf_counter() - began) / STEPS, mx.get_peak_memory()
    resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    print(f"{took:.1f} s a step, peak {peak / GIGA:.2f} GB, resident {resident / GIGA:.2f} GB; before: {fit}")
    assert (fit.parameters, fit.trainable, len(losses)) == (PARAMETERS, TRAINED, STEPS)
    assert max(peak, resident) < MOST
    assert fit.memory == pytest.approx(peak, rel=0.2)
