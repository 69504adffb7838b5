"""The page of the regression experiment. It reads what `regression.run` measured, nothing else."""

import numpy as np

from hetero_unc.formats import format_percent
from hetero_unc.reports import figures, html

METHODS = {  # name in results.json -> panel, name on the page
    "squared_error": ("c", "squared error"),
    "squared_error_with_decay": ("d", "squared error, searched decay"),
    "likelihood": ("e", "mean and sd by likelihood"),
    "likelihood_with_decay": ("f", "mean and sd, searched decay"),
}
COLUMNS = ("(c) squared error", "(d) with decay", "(e) likelihood", "(f) with decay")
MEASURES = {  # key in results.json -> column
    "rmse_mean": "RMSE of the mean to the truth",
    "rmse_mean_quiet_half": "the same, quiet half",
    "rmse_mean_noisy_half": "the same, noisy half",
    "overfit_gap": "over-fit gap",
    "negative_log_likelihood": "NLL, nats",
    "overfit_gap_likelihood": "over-fit gap, nats",
    "rmse_sd": "RMSE of sd to the truth",
    "variation_sd": "variation of sd",
    "coverage": "coverage of 2 sd",
}
TAIL_MEASURES = {
    "negative_log_likelihood": "NLL, nats",
    "rmse_loc": "RMSE of loc to the truth",
    "coverage": "coverage of the central 95.45 %",
    "degrees_of_freedom": "degrees of freedom",
}
TAIL_NAMES = {"normal": "Normal", "laplace": "Laplace", "student_t": "Student-t"}
VERDICTS = {True: "Holds here.", False: "Does not hold here."}
Y_LIMITS = (-3, 3)
# What a Normal puts within two standard deviations: the ideal coverage of every band here.
TWO_SD = 0.9545


def check_claims(methods, true_variation):
    """What the blog says of panels (c) to (f): claim, whether it holds here, the evidence.

    Differences are paired by seed and come with their standard error. `methods` is that of
    results.json; `true_variation` is the total variation of the true sd.
    """

    def values(method, key):
        return np.array(methods[method][key]["values"])

    def change(first, second, key):
        difference = values(second, key) - values(first, key)
        error = difference.std(ddof=1) / np.sqrt(len(difference)) if len(difference) > 1 else 0.0
        return difference.mean(), f"{difference.mean():+.3f} ± {error:.3f}"

    plain, decayed = "squared_error", "squared_error_with_decay"
    likely, both = "likelihood", "likelihood_with_decay"
    quiet = values(plain, "rmse_mean_quiet_half").mean()
    noisy = values(plain, "rmse_mean_noisy_half").mean()
    gap = values(plain, "overfit_gap").mean()
    by_decay, by_decay_text = change(plain, decayed, "rmse_mean")
    by_likelihood, by_likelihood_text = change(plain, likely, "rmse_mean")
    _, cost_text = change(plain, likely, "negative_log_likelihood")
    rougher, rougher_text = change(likely, both, "variation_sd")
    covered = {name: values(name, "coverage").mean() for name in (likely, both)}
    rows = [
        (
            "(c) Squared error over-fits, most where the noise is high.",
            gap > 0 and noisy > quiet,
            (
                f"Test RMSE is {gap:.3f} above training RMSE; the mean is wrong by {noisy:.3f} in "
                f"the noisy half and by {quiet:.3f} in the quiet half."
            ),
        ),
        (
            "(d) A searched decay repairs the mean.",
            by_decay < 0,
            f"Error of the mean against (c): {by_decay_text}.",
        ),
        (
            "(e) The likelihood alone removes most of the over-fitting, without decay.",
            by_decay < 0 and by_likelihood < by_decay / 2,
            (
                f"Error of the mean against (c): {by_likelihood_text}, where decay brought "
                f"{by_decay_text}. Negative log-likelihood against (c): {cost_text} nats."
            ),
        ),
        (
            "(e), (f) The band of two standard deviations holds 95 % of new items.",
            all(abs(share - TWO_SD) < 0.02 for share in covered.values()),
            (
                f"It holds {format_percent(covered[likely], 1)} without and "
                f"{format_percent(covered[both], 1)} with decay."
            ),
        ),
        (
            "(f) Decay makes the standard deviation smoother.",
            rougher < 0,
            (
                f"Its total variation against (e): {rougher_text}; the truth's is "
                f"{true_variation:.3f}."
            ),
        ),
    ]
    return [
        {"claim": claim, "holds": bool(holds), "evidence": evidence}
        for claim, holds, evidence in rows
    ]


def write_report(result, path):
    """Write the page to `path`, whole or not at all."""
    settings = result["settings"]
    held = sum(row["holds"] for row in result["claims"])
    page = html.Page(
        "Does modelling the noise regularise by itself?",
        "Figure 1 of Reasonable Doubt (Capital One, 2018), measured: one variable, noise that "
        "depends on it.",
        (
            html.Text(
                f"{held} of {len(result['claims'])} statements hold on this generator, over "
                f"{len(settings['seeds'])} seeds. Differences are paired by seed, with their "
                "standard error; all errors are in the units of y."
            ),
            html.Steps(
                tuple(
                    (f"{row['claim']} {VERDICTS[row['holds']]}", row["evidence"])
                    for row in result["claims"]
                )
            ),
        ),
        (
            html.Section("panels", "Panels (a) to (f)", _panels(result)),
            html.Section("numbers", "The numbers behind them", _numbers(result)),
            html.Section("tails", "Another distribution in the same slot", _tails(result)),
        ),
        footer=", ".join(f"{name} {version}" for name, version in result["versions"].items()),
    )
    html.write_page(path, page)


def _panels(result):
    shown = result["shown"]
    grid, truth = np.array(shown["grid"]), shown["truth"]
    dots = figures.Series("", shown["x"], shown["y"], "quiet", "", ".")
    drawings = [
        ("a", "the generator", [_band(grid, truth, "amber")]),
        ("b", f"a sample of {len(shown['x'])}", [dots]),
    ]
    mean = figures.Series("", grid, truth["mean"], "amber", "--")
    for name, (panel, title) in METHODS.items():
        drawings.append((panel, title, [_band(grid, shown[name], "blue"), dots, mean]))
    return (
        html.Figures(
            tuple(
                html.Figure(
                    figures.draw_series(
                        f"panel-{panel}", series, x_label="x", y_label="y", y_limits=Y_LIMITS
                    ),
                    f"Panel {panel}, {title}: mean and band of two standard deviations.",
                    f"({panel}) {title}",
                )
                for panel, title, series in drawings
            ),
            f"Seed {shown['seed']}. Amber: the true mean. Blue: the network's mean and its band of "
            "2 sd; for squared error the sd is the root mean square of the training residuals. "
            "Dots: training items.",
        ),
    )


def _band(grid, curves, colour):
    mean, sd = np.array(curves["mean"]), np.array(curves["sd"])
    return figures.Series("", grid, mean, colour, low=mean - 2 * sd, high=mean + 2 * sd)


def _numbers(result):
    methods, steps = result["methods"], result["by_epoch"]["steps_per_epoch"]
    rows = tuple(
        (column, *(_cell(methods[name][key]) for name in METHODS))
        for key, column in MEASURES.items()
    )
    decays = "; ".join(
        f"({METHODS[name][0]}) {', '.join(f'{decay:g}' for decay in methods[name]['decays'])}"
        for name in METHODS
        if name.endswith("decay")
    )
    by_step = []
    for name, colour, line in (("squared_error", "quiet", "--"), ("likelihood", "blue", "-")):
        found = result["by_epoch"]["rmse_mean"][name]
        mean, sd = (np.array([row[key] for row in found]) for key in ("mean", "sd"))
        x = steps * (1 + np.arange(len(found)))
        label = "({}) {}".format(*METHODS[name])
        by_step.append(figures.Series(label, x, mean, colour, line, "", mean - sd, mean + sd))
    shown, truth = result["shown"], result["shown"]["truth"]
    sds = [figures.Series("truth", shown["grid"], truth["sd"], "amber", "--")]
    for name, colour, line in (("likelihood", "rose", ":"), ("likelihood_with_decay", "blue", "-")):
        label = "({}) {}".format(*METHODS[name])
        sds.append(figures.Series(label, shown["grid"], shown[name]["sd"], colour, line))
    return (
        html.Table(
            "Mean ± standard deviation over seeds, fresh test items. The over-fit gap is test "
            "minus training: of the RMSE to y, and of the negative log-likelihood",
            ("measure", *COLUMNS),
            rows,
        ),
        html.Text(
            f"Decays chosen on the validation split, seed by seed: {decays}. The test split has no "
            "part in the search. Of a perfect band, 95.45 % of new items lie "
            "inside.",
            quiet=True,
        ),
        html.Figures(
            (
                html.Figure(
                    figures.draw_series(
                        "error-by-step", by_step, x_label="step", y_label="RMSE of the mean"
                    ),
                    "Error of the mean against the truth, by step, for both losses without decay.",
                    "Over-fitting while training, no decay",
                ),
                html.Figure(
                    figures.draw_series("sd", sds, x_label="x", y_label="standard deviation"),
                    "Recovered standard deviation against the truth, with and without decay.",
                    f"Recovered standard deviation, seed {shown['seed']}",
                ),
            ),
            "Bands: one standard deviation over seeds.",
        ),
    )


def _tails(result):
    freedom = result["settings"]["degrees_of_freedom"]
    decays = "; ".join(
        f"{TAIL_NAMES[name]} {', '.join(f'{decay:g}' for decay in row['decays'])}"
        for name, row in result["heavy_tails"].items()
    )
    return (
        html.Text(
            "The blog: any distribution fits, one output for each of its parameters. Here the "
            f"noise is Student-t with {freedom:g} degrees of freedom, and the loss takes a "
            "function from the network's outputs to a TensorFlow Probability distribution. Normal, "
            "Laplace and Student-t differ in that function only, each with its own searched decay."
        ),
        html.Table(
            "Mean ± standard deviation over seeds, fresh test items with heavy-tailed noise",
            ("distribution", *TAIL_MEASURES.values()),
            tuple(
                (TAIL_NAMES[name], *(_cell(row.get(key)) for key in TAIL_MEASURES))
                for name, row in result["heavy_tails"].items()
            ),
        ),
        html.Text(
            f"Decays chosen on the validation split, seed by seed: {decays}. The largest searched "
            f"is {max(result['settings']['decays']):g}.",
            quiet=True,
        ),
    )


def _cell(found):
    return "–" if found is None else f"{found['mean']:.3f} ± {found['sd']:.3f}"
