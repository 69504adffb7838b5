"""What a result was made on, in one line that can be published."""

import os
import pathlib
import platform
import sys

__all__ = ["devices", "machine", "processor"]


def machine():
    """Processor, cores, and the accelerators that Keras sees: no names of hosts, no paths.

    Accelerators are asked for only where Keras is imported already: what runs without it has used
    none, and to import it takes seconds.
    """
    keras = sys.modules.get("keras")
    others = (
        [name for name in devices(keras) if not name.lower().startswith("cpu")] if keras else []
    )
    return ", ".join([processor(), f"{os.cpu_count()} cores", *others])


def devices(keras):
    """Names of the devices that Keras sees; empty on a backend that it does not ask, as PyTorch."""
    try:
        return keras.distribution.list_devices()
    except AttributeError:
        return []


def processor():
    """The processor's name where the system tells, else its architecture."""
    information = pathlib.Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()
