"""The heteroscedastic layer of probly against `GaussianLogits` with the exact loss.

python -m benchmarks.peer_probly [--quick]

probly's `HeteroscedasticLayer` (PyTorch) follows Collier et al. (2021). With its default of one
training sample a step sees one draw of the logits, so its loss is a noisy bound: the expected
cross-entropy, not the marginal likelihood. With 1000 samples it is the log of a mean softmax, as
here, with the error of 1000 draws. Both are timed without low-rank factors: head, loss and
gradients of the weights on 128 vectors of 1024 features, ten classes; the peer is eager or
compiled, whichever is faster.
"""

from benchmarks.head_step import CLASSES, FEATURES, ITEMS, head_step
from benchmarks.paired import main, paired, row
from benchmarks.peer_process import peer
from hetero_unc.layers import GaussianLogits
from hetero_unc.losses import MarginalLikelihood

PACKAGE = "probly"
SAMPLES = (1, 1000)


def measure(quick):
    """Rows `probly_1` and `probly_1000`, the peer's seconds over ours."""
    ours = head_step(GaussianLogits(CLASSES), MarginalLikelihood(estimator="exact"))
    rows = []
    for samples in SAMPLES:
        runs = 20 if samples == 1 else 2
        settings = {"items": ITEMS, "features": FEATURES, "classes": CLASSES, "factors": 0}
        settings |= {"samples": samples, "compiled": not quick, "runs": runs}
        with peer(PACKAGE, "heteroscedastic", **settings) as (call, facts):
            timings = paired(
                {"probly": call, "ours": ours},
                rounds=3 if quick else 21,
                repeat={"probly": 1, "ours": 20},
                warm_up=2,
            ).divided("probly", runs)
        how = f"{PACKAGE} {facts['version']}, {facts['variant']}"
        more = {"peer": how, "failures": facts["failures"]}
        claim = f"head, loss, gradients: probly with {samples} draw{'s' * (samples > 1)} / ours"
        rows.append(row(f"probly_{samples}", timings, "probly", "ours", claim=claim, **more))
    return rows


if __name__ == "__main__":
    main(measure)
