"""How many frames inference works on side by side."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from services.inference.settings import InferenceSettings

ROOT = Path(__file__).parents[2]


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="no CPU affinity here")
def test_one_per_core_that_it_may_run_on() -> None:
    core = min(os.sched_getaffinity(0))
    code = (
        f"import os; os.sched_setaffinity(0, {{{core}}})\n"
        "from services.inference.settings import InferenceSettings\n"
        "print(InferenceSettings().worker_count(1))"
    )
    env = {name: value for name, value in os.environ.items() if name != "POSEWAY_WORKERS"}
    told = subprocess.check_output([sys.executable, "-c", code], cwd=ROOT, env=env, text=True)
    assert int(told) == 1


def test_two_batches_on_a_gpu_and_what_is_asked_for_anywhere() -> None:
    assert InferenceSettings(workers=0).worker_count(8) == 2
    assert InferenceSettings(workers=5).worker_count(1) == 5
