"""Held against people: confidence, disagreement, and the annotators themselves."""

from hetero_unc.reports import figures, html
from hetero_unc.reports.audit_numbers import (
    write_count,
    write_interval,
    write_number,
    write_range,
    write_share,
)

__all__ = ["annotator_blocks", "calibration_blocks", "disagreement_blocks"]


def calibration_blocks(section):
    """Reliability over votes, the family of errors, and what calibrators mend."""
    numbers = section["numbers"]
    blocks = [
        html.Text(
            "Every vote is one trial: a forecast of 60 % is right where six of ten people say so. "
            "Held against the majority alone, such a model would look unsure of itself."
        ),
        html.Figures((_reliability(section["curve"]),)),
        html.Table(
            "Errors of the stated probabilities. 0 is best; not all can be 0 where votes differ.",
            ("figure", "value and interval"),
            tuple((row["title"], write_interval(row["value"])) for row in numbers),
        ),
        html.Details(
            "What these figures mean",
            (html.Steps(tuple((f"{row['title']}.", row["meaning"]) for row in numbers)),),
        ),
    ]
    brier = section.get("brier")
    if brier:
        blocks.append(
            html.Text(
                f"The Brier score over votes, {write_number(brier['total'])}, is the distance of "
                f"the forecasts to the votes' shares, {write_number(brier['excess'])}, plus the "
                f"votes' own spread, {write_number(brier['votes_own_spread'])}, which no model can "
                "lower.",
                quiet=True,
            )
        )
    if section.get("calibrators"):
        blocks.append(_calibrators(section))
    return tuple(blocks)


def disagreement_blocks(section):
    """Correlations of each doubt with the votes' disagreement, beside what could be reached."""
    ceiling = section.get("ceiling") or {}
    distance = section.get("js_distance")
    rows = tuple(
        (
            row["title"],
            write_interval(row["pearson"]),
            write_interval(row["spearman"]),
            write_interval(row.get("share_of_ceiling"), lambda value: write_share(value, 0)),
            write_interval(row.get("partial_given_confidence")),
        )
        for row in section["rows"]
    )
    blocks = [
        html.Text(
            "A good doubt is large where people differ. The votes are few, so no doubt can reach "
            f"a correlation of 1: here about {write_number(ceiling.get('split_half'), 2)} could "
            f"be reached. {ceiling.get('how', '')}"
        ),
        html.Table(
            f"Correlation with the disagreement of the votes ({section['measure']}). The last "
            "column is what a doubt says beyond the confidence.",
            ("doubt", "Pearson", "Spearman", "share of what can be reached", "given confidence"),
            rows,
        ),
    ]
    if distance:
        blocks.append(
            html.Text(
                f"Distance of forecast and votes: {write_interval(distance['mean'])}; floor "
                f"{write_number(distance['floor'])}. {distance['meaning']}",
                quiet=True,
            )
        )
    return tuple(blocks)


def annotator_blocks(section):
    """How far annotators agree, each against the others, and labels weighed by reliability."""
    alpha = section.get("krippendorff_alpha") or {"estimate": None, "low": None, "high": None}
    facts = [
        html.Fact(
            write_number(alpha["estimate"]),
            "Krippendorff's alpha",
            f"{write_range(alpha)}; 1 is full agreement, 0 is chance",
        )
    ]
    if section.get("annotators"):
        facts.append(html.Fact(write_count(section["annotators"]), "annotators"))
    blocks = [html.Facts(tuple(facts))]
    labels = section.get("dawid_skene") or {"absent": "Dawid and Skene's labels are not there."}
    if "absent" in labels:
        blocks.append(html.Text(labels["absent"], quiet=True))
    else:
        blocks.append(
            html.Text(
                "Weighing annotators by how reliable they are (Dawid and Skene, 1979) changes "
                f"{write_count(labels['changed_labels'])} labels, {write_share(labels['share'])}."
                + _first_ids(labels.get("changed_ids") or [])
            )
        )
    if section.get("rows"):
        blocks.append(html.Details("One by one", (_annotator_table(section["rows"]),)))
    return tuple(blocks)


def _reliability(curve):
    pairs = zip(curve["low"], curve["high"], curve["agreement"], strict=True)
    ends = [(at if low is None else low, at if high is None else high) for low, high, at in pairs]
    return html.Figure(
        figures.draw_series(
            "reliability",
            [
                figures.Series(
                    "",
                    curve["confidence"],
                    curve["agreement"],
                    line="",
                    marker="o",
                    low=[low for low, _ in ends],
                    high=[high for _, high in ends],
                )
            ],
            x_label="stated confidence",
            y_label="people who agree",
            x_limits=(0, 1.02),
            y_limits=(0, 1.02),
            x_percent=True,
            y_percent=True,
            diagonal=True,
        ),
        f"Share of votes for the predicted class against its probability, in "
        f"{len(curve['confidence'])} bins: from {write_share(curve['agreement'][0])} at "
        f"{write_share(curve['confidence'][0])} to {write_share(curve['agreement'][-1])} at "
        f"{write_share(curve['confidence'][-1])}.",
        "Reliability",
    )


def _calibrators(section):
    return html.Table(
        "Calibrators fitted on the votes of the validation items, judged on "
        f"{write_count(section['calibrators_judged_on'])} others.",
        ("calibrator", "parameters", "log loss a vote, nats", "calibration error", "total var."),
        tuple(
            (
                row["title"],
                row["parameters"],
                write_interval(row["log_loss_votes"]),
                write_interval(row["ece_votes"]),
                write_interval(row["total_variation"]),
            )
            for row in section["calibrators"]
        ),
        text_columns=(0, 1),
    )


def _first_ids(ids):
    return f" Among them: {', '.join(ids[:8])}." if ids else ""


def _annotator_table(rows):
    return html.Table(
        "Agreement of each annotator with the others on the same items, most votes first.",
        ("annotator", "votes", "agrees with the others", "accuracy by Dawid and Skene"),
        tuple(
            (
                row["annotator"],
                write_count(row["votes"]),
                write_interval(row["agreement_with_rest"], write_share),
                write_share(row["dawid_skene_accuracy"]),
            )
            for row in rows
        ),
    )
