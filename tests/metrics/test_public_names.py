import subprocess
import sys

from hetero_unc import metrics

FRAMEWORKS = ("keras", "tensorflow", "jax", "torch", "scipy", "sklearn")


def test_every_public_name_is_there_and_documented():
    assert metrics.__all__ == sorted(metrics.__all__)
    for name in metrics.__all__:
        assert getattr(metrics, name).__doc__


def test_every_metric_states_its_convention_and_shows_an_example():
    for name in metrics.__all__:
        if name[0].islower():
            docstring = getattr(metrics, name).__doc__
            for part in ("Convention: ", "Parameters\n", "Returns\n", "Raises\n", ">>> "):
                assert part in docstring, f"{name} lacks {part.strip()}"


def test_import_is_quick_and_loads_no_framework():
    """In seconds of the processor, Python's own start included: others may be at work."""
    script = (
        "import sys, time, hetero_unc.metrics\n"
        f"print([name for name in {FRAMEWORKS} if name in sys.modules])\n"
        "print(time.process_time())"
    )
    seconds = []
    for _ in range(3):
        command = [sys.executable, "-c", script]
        run = subprocess.run(command, capture_output=True, text=True, check=True)
        loaded, elapsed = run.stdout.splitlines()
        assert loaded == "[]"
        seconds.append(float(elapsed))
    assert min(seconds) < 0.3
