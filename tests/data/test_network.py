"""The probe, with every answer of the network played by hand: no test here sends anything."""

import contextlib
import threading
import time
import urllib.error

import pytest

from hetero_unc.data import network
from hetero_unc.data.network import network_fault

URL = "https://files.example/labels.gz"


def answer_with(monkeypatch, answer):
    monkeypatch.setattr(network.urllib.request, "urlopen", answer)


def test_an_answer_is_no_fault(monkeypatch):
    asked = []

    def answer(request, timeout):
        asked.append((request.get_method(), request.full_url, timeout))
        return contextlib.nullcontext()

    answer_with(monkeypatch, answer)
    assert network_fault(URL, seconds=5) is None
    assert asked == [("HEAD", URL, 5)]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (urllib.error.URLError(OSError(-2, "Name or service not known")), "Name or service not"),
        (urllib.error.HTTPError(URL, 403, "Forbidden", None, None), "Forbidden"),
        (TimeoutError("timed out"), "timed out"),
        (ConnectionResetError(), "ConnectionResetError"),
    ],
)
def test_every_fault_is_a_reason_and_not_an_error(monkeypatch, error, reason):
    def answer(request, timeout):
        raise error

    answer_with(monkeypatch, answer)
    assert reason in network_fault(URL, seconds=5)


def test_a_probe_that_hangs_is_cut_off(monkeypatch):
    release = threading.Event()

    def answer(request, timeout):  # as a look-up of a name hangs: deaf to `timeout`
        release.wait(30)
        return contextlib.nullcontext()

    answer_with(monkeypatch, answer)
    start = time.monotonic()
    assert network_fault(URL, seconds=0.2) == "no answer within 0.2 seconds"
    assert time.monotonic() - start < 5
    assert any(t.name == "network-probe" and t.daemon for t in threading.enumerate())
    release.set()
