"""The line that says what a result was made on."""

import os
import pathlib
import platform
import subprocess
import sys

from hetero_unc.machine import machine


def test_it_names_processor_and_cores_but_neither_host_nor_path():
    line = machine()
    assert f"{os.cpu_count()} cores" in line
    assert not platform.node() or platform.node() not in line
    assert str(pathlib.Path.home()) not in line


def test_keras_is_not_imported_to_ask():
    code = "import sys, hetero_unc.machine as m; m.machine(); print('keras' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "False", done.stderr


def test_an_accelerator_is_named(monkeypatch):
    class Keras:
        class distribution:
            list_devices = staticmethod(lambda: ["gpu:0", "cpu:0"])

    monkeypatch.setitem(sys.modules, "keras", Keras)
    assert machine().endswith("cores, gpu:0")


def test_a_backend_that_knows_no_devices_is_no_error(monkeypatch):
    class Keras:
        class distribution:
            @staticmethod
            def list_devices():
                raise AttributeError("'NoneType' object has no attribute 'list_devices'")

    monkeypatch.setitem(sys.modules, "keras", Keras)
    assert machine().endswith("cores")
