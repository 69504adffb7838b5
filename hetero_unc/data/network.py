"""Is the network there? An answer within a given time, whatever hangs."""

import threading
import urllib.error
import urllib.request

__all__ = ["network_fault"]


def network_fault(url, *, seconds=10.0):
    """Ask for the head of `url`; say why it cannot be had.

    The request runs in a thread that is left behind when time is up: the time limit of a socket
    does not cover the look-up of a name, which can hang for minutes. Proxies named by the usual
    environment variables are used, as a download would.

    Parameters
    ----------
    url : str
        An http or https address that answers to HEAD.
    seconds : float, default=10.0
        The longest this function takes.

    Returns
    -------
    str or None
        None where the address answered with success, else the reason in a few words.
    """
    answer = [f"no answer within {seconds:g} seconds"]

    def ask():
        try:
            request = urllib.request.Request(url, method="HEAD")
            with urllib.request.urlopen(request, timeout=seconds):
                answer[0] = None
        except Exception as error:  # a probe reports every fault and raises none
            answer[0] = str(getattr(error, "reason", None) or error) or type(error).__name__

    thread = threading.Thread(target=ask, name="network-probe", daemon=True)
    thread.start()
    thread.join(seconds)
    return answer[0]
