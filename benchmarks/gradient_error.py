"""How much error does a way to estimate leave, for what it costs: probabilities, loss, gradients?

python -m benchmarks.gradient_error [--quick]

MarginalLikelihood by independent, antithetic and Sobol draws of several lengths, and by integrals
of each accuracy. Error: root mean square over classes and repetitions with other seeds, then the
median over rows, against integrals in float64 with many nodes. Cost: value and gradients of a batch
of 128, each way taking its turn. Prints a table, and writes gradient_error.json and
gradient_error.svg to runs/bench/.
"""

import dataclasses
import pathlib

import numpy as np

from benchmarks.paired import main, paired
from hetero_unc.writing import write_json, write_text

FOLDER = pathlib.Path(__file__).parents[1] / "runs" / "bench"
ITEMS, SEEDS = 128, 4
REPORTED_DRAWS = 1000
ERRORS = ("probabilities", "loss", "gradient")
COLOURS = {"independent": "tab:gray", "antithetic": "tab:blue", "sobol": "tab:green"}


@dataclasses.dataclass(frozen=True)
class Way:
    """One way to estimate: a sequence with a number of draws, or integrals of an accuracy."""

    name: str
    draws: int = 0

    @property
    def label(self):
        return f"{self.name}, {self.draws} draws" if self.draws else f"exact, {self.name}"

    def loss(self, seed=0):
        from hetero_unc.losses import MarginalLikelihood

        if self.draws:
            settings = {"draws": self.draws, "estimator": "draws", "sequence": self.name}
        else:
            settings = {"accuracy": self.name}
        return MarginalLikelihood(seed=seed, reduction="none", **settings)

    def probabilities(self, parameters, seed):
        from hetero_unc.gaussian import expected_softmax
        from hetero_unc.gaussian.draw_sweeps import drawn_log_expected_softmax

        if not self.draws:
            return expected_softmax(parameters[..., 0], parameters[..., 1], accuracy=self.name)
        return np.exp(
            drawn_log_expected_softmax(parameters, self.draws, seed=seed, sequence=self.name)
        )


def measure(quick):
    """One row for each way but independent draws: its error / that of 1000 independent draws."""
    draws = (100, 1000) if quick else (64, 256, 1000, 4096)
    ways = [Way(sequence, count) for sequence in COLOURS for count in draws]
    ways += [Way(accuracy) for accuracy in ("fast", "standard", "high")]
    found, rows = [], []
    for num_classes, items in ({10: 8} if quick else {2: 24, 10: 24, 100: 6}).items():
        problem = Problem.realistic(num_classes, items)
        calls = {way.label: gradient_call(way, problem) for way in ways}
        seconds = paired(calls, rounds=3 if quick else 15, warm_up=2).medians()
        errors = {way.label: problem.errors(way) for way in ways}
        found += [
            {
                "classes": num_classes,
                "way": way.label,
                "name": way.name,
                "draws": way.draws,
                "seconds": seconds[way.label],
                **errors[way.label],
            }
            for way in ways
        ]
        base = Way("independent", REPORTED_DRAWS).label
        for way in (Way("antithetic", REPORTED_DRAWS), Way("sobol", REPORTED_DRAWS), ways[-2]):
            rows.append(
                {
                    "id": f"gradient_error_c{num_classes}_{way.name if way.draws else 'exact'}",
                    "claim": f"error of the gradient, C={num_classes}: {way.label} / {base}",
                    "ratio": errors[way.label]["gradient"] / errors[base]["gradient"],
                    "unit": "ratio of errors",
                    "n": items,
                    "errors": {name: errors[name]["gradient"] for name in (way.label, base)},
                    "seconds": {name: seconds[name] for name in (way.label, base)},
                }
            )
    print(table(found))
    write_json(FOLDER / "gradient_error.json", found)
    write_text(FOLDER / "gradient_error.svg", figure(found))
    return rows


@dataclasses.dataclass(frozen=True)
class Problem:
    """Rows with their true probabilities, losses and gradients; each repeated to fill a batch."""

    parameters: np.ndarray  # (N, C, 2) float32
    labels: np.ndarray  # (N,)
    truth: dict  # arrays of first axis N, float64
    items: int

    @classmethod
    def realistic(cls, num_classes, items):
        """Lognormal scales around 0.5, loc of deviation 1 to 6, labels likely or random."""
        rng = np.random.default_rng(num_classes)
        spread = np.resize([1.0, 3.0, 6.0], items)[:, None]
        loc = spread * rng.normal(size=(items, num_classes))
        scale = rng.lognormal(-0.7, 1.0, (items, num_classes))
        parameters = np.stack([loc, scale], axis=-1).astype("float32")
        likely = np.arange(items) % 2 == 0
        labels = np.where(likely, loc.argmax(axis=1), rng.integers(num_classes, size=items))
        exact = [
            reference(*row.T.astype(float), label)
            for row, label in zip(parameters, labels, strict=True)
        ]
        truth = {name: np.array([one[name] for one in exact]) for name in ERRORS}
        repeat = np.arange(ITEMS) % items
        return cls(
            parameters[repeat],
            labels[repeat],
            {name: values[repeat] for name, values in truth.items()},
            items,
        )

    def errors(self, way):
        """Median over rows of the root mean square error, by name."""
        squares = {name: [] for name in ERRORS}
        for seed in range(SEEDS if way.draws else 1):
            value, gradient = gradient_call(way, self, seed)()
            estimate = {
                "probabilities": np.asarray(way.probabilities(self.parameters, seed)),
                "loss": np.asarray(value),
                "gradient": np.asarray(gradient),
            }
            for name, found in estimate.items():
                square = (found - self.truth[name]) ** 2
                squares[name].append(square.reshape(ITEMS, -1).mean(axis=1))
        return {name: self._median_root(np.mean(parts, axis=0)) for name, parts in squares.items()}

    def _median_root(self, squares):
        row = np.arange(ITEMS) % self.items
        return float(np.median([squares[row == one].mean() ** 0.5 for one in range(self.items)]))


def gradient_call(way, problem, seed=0):
    """A call without arguments: losses `(N,)` and their gradients `(N, C, 2)`."""
    import tensorflow as tf

    parameters, labels, loss = tf.constant(problem.parameters), problem.labels, way.loss(seed)

    @tf.function
    def value_and_gradient(parameters):
        with tf.GradientTape() as tape:
            tape.watch(parameters)
            value = loss(labels, parameters)
        return value, tape.gradient(value, parameters)

    return lambda: value_and_gradient(parameters)


def reference(loc, scale, label, nodes=2000):
    """Probabilities, loss and gradient `(C, 2)` of one row, in float64.

    softmax(z)_k is the chance that z_k + G_k, G_k standard Gumbel, is the largest, so that with F_k
    the distribution function of z_k + G_k, E softmax(z)_k is the integral of F_k' times the product
    of the other F_j. Derivatives in loc come from F', those in scale from dF/dscale = scale F''.
    Trapezoid sums inside and outside: the integrands are analytic and vanish at both ends.
    """
    noise, step = np.linspace(-9, 9, 801, retstep=True)
    weight = step * np.exp(-(noise**2) / 2) / np.sqrt(2 * np.pi)
    u, du = np.linspace(
        np.max(loc - 4 - 8 * scale), np.max(loc + 8.5 * scale) + 40, nodes, retstep=True
    )
    parts = []
    for centre, width in zip(loc, scale, strict=True):
        exponential = np.exp(-np.clip(u[:, None] - centre - width * noise, -30, None))
        cdf = np.exp(-exponential)
        density = exponential * cdf
        parts.append((cdf @ weight, density @ weight, ((exponential - 1) * density) @ weight))
    cdf, density, slope = np.swapaxes(parts, 0, 1)
    seen = cdf > 1e-200
    safe = np.where(seen, cdf, 1.0)
    ratio, bend = np.where(seen, density / safe, 0.0), np.where(seen, slope / safe, 0.0)
    largest = du * np.where(seen.all(axis=0), np.exp(np.log(safe).sum(axis=0)), 0.0)
    probabilities = ratio @ largest
    if abs(probabilities.sum() - 1) > 1e-9:
        raise ArithmeticError(f"The reference sums to {probabilities.sum()}, not to 1")
    of_label = largest * ratio[label]
    to_loc = -ratio @ of_label
    to_scale = scale * (bend @ of_label)
    others = ratio.sum(axis=0) - ratio[label]
    to_loc[label] = ratio[label] @ (largest * others)
    to_scale[label] = -scale[label] * (bend[label] @ (largest * others))
    return {
        "probabilities": probabilities,
        "loss": -np.log(probabilities[label]),
        "gradient": -np.stack([to_loc, to_scale], axis=-1) / probabilities[label],
    }


def table(found):
    """Medians, a line a way."""
    lines = [f"{'C':>4}  {'way':28} {'ms':>9}  " + "".join(f"{name:>15}" for name in ERRORS)]
    for one in found:
        numbers = "".join(f"{one[name]:15.2e}" for name in ERRORS)
        lines.append(f"{one['classes']:4}  {one['way']:28} {1e3 * one['seconds']:9.2f}  {numbers}")
    return "\n".join(lines)


def figure(found):
    """Error of the gradient against cost, a panel for each number of classes, as SVG text."""
    import io

    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    classes = sorted({one["classes"] for one in found})
    drawing, panels = pyplot.subplots(
        1, len(classes), figsize=(4 * len(classes), 3.6), sharey=True, squeeze=False
    )
    for panel, num_classes in zip(panels[0], classes, strict=True):
        here = [one for one in found if one["classes"] == num_classes]
        for name, colour in {**COLOURS, "exact": "tab:red"}.items():
            points = [one for one in here if (one["name"] if one["draws"] else "exact") == name]
            cost = [1e3 * one["seconds"] for one in points]
            error = [one["gradient"] for one in points]
            panel.loglog(cost, error, "o-", color=colour, label=name)
        panel.set_title(f"{num_classes} classes")
        panel.set_xlabel("milliseconds, value and gradients of 128 items")
        panel.grid(alpha=0.3)
    panels[0][0].set_ylabel("error of the gradient")
    panels[0][0].legend()
    drawing.tight_layout()
    text = io.StringIO()
    drawing.savefig(text, format="svg", metadata={"Date": None})
    pyplot.close(drawing)
    return text.getvalue()


if __name__ == "__main__":
    main(measure)
