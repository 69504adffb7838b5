"""What a result was made on, in one line that can be published."""

import os
import pathlib
import platform
import sys

__all__ = ["machine", "processor"]


def machine():
    """Processor, cores, and the accelerators that Keras sees: no names of hosts, no paths.

    Accelerators are asked for only where Keras is imported already: what runs without it has used
    none, and to import it takes seconds.
    """
    keras = sys.modules.get("keras")
    devices = keras.distribution.list_devices() if keras else []
    others = [name for name in devices if not name.lower().startswith("cpu")]
    return ", ".join([processor(), f"{os.cpu_count()} cores", *others])


def processor():
    """The processor's name where the system tells, else its architecture."""
    information = pathlib.Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()
