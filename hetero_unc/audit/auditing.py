"""The whole audit: from predictions and votes to every number of the page."""

import dataclasses

import numpy as np

from hetero_unc.audit.accuracy_section import accuracy_section
from hetero_unc.audit.annotator_section import annotator_section
from hetero_unc.audit.calibration_section import calibration_section
from hetero_unc.audit.calibrator_section import calibrator_rows
from hetero_unc.audit.conformal_section import conformal_section
from hetero_unc.audit.crowd_model import fit_crowd_model
from hetero_unc.audit.disagreement_section import disagreement_section
from hetero_unc.audit.evidence import gather_evidence
from hetero_unc.audit.first_screen import first_screen
from hetero_unc.audit.group_section import group_section
from hetero_unc.audit.guarantee_section import guarantee_section
from hetero_unc.audit.label_quality import label_quality
from hetero_unc.audit.reasons import route_reasons
from hetero_unc.audit.routing import route_items
from hetero_unc.audit.routing_section import routing_section
from hetero_unc.audit.settings import AuditSettings
from hetero_unc.audit.unfamiliar import find_unfamiliar

__all__ = ["AuditResult", "audit"]

FORMAT = "hetero_unc.audit.1"


@dataclasses.dataclass(frozen=True, eq=False)
class AuditResult:
    """What an audit found.

    Attributes
    ----------
    sections : dict
        All numbers of the page, JSON-ready.
    items : dict of str to array of length N
        One entry an item and column, in the order of the predictions; `votes` and `probabilities`
        are (N, C).
    """

    sections: dict = dataclasses.field(repr=False)
    items: dict[str, np.ndarray] = dataclasses.field(repr=False)

    def as_json(self):
        """All numbers of the page as plain dicts, lists, strings and numbers."""
        return self.sections

    @property
    def headline_numbers(self):
        """Numbers by the names that a condition may use, float or None."""
        return self.sections["headline_numbers"]


def audit(predictions, vote_table, *, settings=None):
    """Say which predictions to trust, which items are contested and which labels look wrong.

    Parameters
    ----------
    predictions : hetero_unc.data.Predictions
        Of any model: N items, P passes, C classes.
    vote_table : hetero_unc.data.VoteTable
        Of the same items and classes in the same order; `hetero_unc.data.match` makes them so.
    settings : AuditSettings, optional

    Returns
    -------
    AuditResult

    Raises
    ------
    ValueError
        If the two do not match, or fewer than two items are left to judge.
    """
    settings = AuditSettings() if settings is None else settings
    evidence = gather_evidence(predictions, vote_table, seed=settings.seed)
    roles = evidence.roles
    judged = evidence.take(roles.evaluated)
    validation = evidence.take(roles.validation)

    guarantee = guarantee_section(evidence, settings)
    crowd_model = fit_crowd_model(validation.votes, validation.y_prob, seed=settings.seed)
    crowd_model = crowd_model.with_error_share_of(evidence.votes, evidence.y_prob)
    unfamiliar_rule = find_unfamiliar(
        evidence.epistemic,
        roles.validation,
        roles.evaluated,
        classes=len(evidence.classes),
        validation_given=roles.validation_given,
        false_alarms=settings.false_alarms,
    )
    routing = route_items(
        evidence.votes,
        evidence.y_prob,
        evidence.epistemic,
        crowd_model,
        unfamiliar_rule,
        guarantee["threshold"],
        settings,
    )
    sections = {
        "format": FORMAT,
        "inputs": _inputs(predictions, vote_table, evidence),
        "settings": dataclasses.asdict(settings),
        "routing": routing_section(
            routing, evidence, unfamiliar_rule, crowd_model, guarantee, settings
        ),
        "guarantee": guarantee,
        "accuracy": accuracy_section(judged, settings),
        "calibration": {
            **calibration_section(judged, settings),
            "calibrators": calibrator_rows(judged, validation, settings),
            "calibrators_judged_on": len(judged),
        },
        "disagreement": disagreement_section(judged, settings),
        "groups": group_section(
            judged,
            evidence.take(roles.training),
            routing.route[roles.evaluated] == "accept",
            settings,
        ),
        "conformal": conformal_section(judged, validation, settings),
        "annotators": annotator_section(evidence, vote_table.annotations, settings),
    }
    sections["first_screen"] = first_screen(sections["routing"], guarantee, sections["calibration"])
    sections["notes"] = _notes(evidence, vote_table)
    sections["headline_numbers"] = _headline_numbers(sections)
    return AuditResult(sections, _items(evidence, routing))


def _items(evidence, routing):
    classes = np.array(evidence.classes)
    quality = label_quality(evidence.votes, evidence.y_prob)
    return {
        "id": evidence.ids,
        "route": routing.route,
        "reason": np.array(
            route_reasons(
                routing, evidence.votes, evidence.y_prob, evidence.epistemic, evidence.classes
            )
        ),
        "predicted": classes[evidence.predicted],
        "people": classes[evidence.votes.argmax(axis=1)],
        "confidence": evidence.confidence,
        "votes_total": evidence.vote_counts,
        "votes_for_people": evidence.votes.max(axis=1),
        "vote_disagreement": evidence.vote_disagreement,
        "predicted_disagreement": routing.predicted_disagreement,
        "total": evidence.total,
        "aleatoric": evidence.aleatoric,
        "epistemic": evidence.epistemic,
        "label_error": routing.label_error,
        **({} if quality is None else {"label_quality": quality}),
        "value_of_one_more_vote": routing.vote_value.gain,
        "label_change": routing.vote_value.label_change,
        "split_role": evidence.roles.role,
        **{f"group_{name}": values for name, values in evidence.groups.items()},
        "votes": evidence.votes,
        "probabilities": evidence.y_prob,
    }


def _inputs(predictions, vote_table, evidence):
    counts = evidence.vote_counts
    roles = evidence.roles
    splits = (
        {}
        if vote_table.split is None
        else dict(zip(*np.unique(vote_table.split, return_counts=True), strict=True))
    )
    annotators = (
        None
        if vote_table.annotations is None
        else len(np.setdiff1d(vote_table.annotations.annotators, [""]))
    )
    return {
        # Names of the files, where there are any: whoever read them knows.
        "predictions": None,
        "votes": None,
        "items": len(evidence),
        "classes": list(evidence.classes),
        "passes": evidence.passes,
        "has_gaussian_head": evidence.logit_noise is not None,
        "votes_total": int(counts.sum()),
        "votes_per_item": {
            "fewest": int(counts.min()),
            "median": float(np.median(counts)),
            "most": int(counts.max()),
        },
        "items_without_votes": len(vote_table.without_votes),
        "splits": {str(name): int(count) for name, count in splits.items()},
        "roles": {
            "evaluated": int(roles.evaluated.sum()),
            "validation": int(roles.validation.sum()),
            "training": int(roles.training.sum()),
            "how": roles.how,
        },
        "groups": {name: len(np.unique(values)) for name, values in evidence.groups.items()},
        "annotators": annotators,
    }


def _notes(evidence, vote_table):
    notes = []
    if evidence.passes == 1:
        notes.append(
            "The predictions hold one pass, so nothing is known of epistemic uncertainty: no item "
            "can be called unfamiliar."
        )
    if evidence.vote_counts.max() == 1:
        notes.append(
            "Every item has one vote, so disagreement cannot be seen and no item can be called "
            "contested."
        )
    return notes + vote_table.left_out()


def _headline_numbers(sections):
    of_calibration = {
        row["name"]: row["value"]["estimate"] for row in sections["calibration"]["numbers"]
    }
    rows = sections["disagreement"].get("rows", [])
    guarantee = sections["guarantee"]
    alpha = sections["annotators"].get("krippendorff_alpha", {"estimate": None})
    return {
        "accuracy": sections["accuracy"]["plurality"]["estimate"],
        "krippendorff_alpha": alpha["estimate"],
        "random_vote_agreement": sections["accuracy"]["random_vote"]["estimate"],
        **of_calibration,
        "risk_accepted": guarantee["risk"]["estimate"],
        "coverage": guarantee["coverage"]["estimate"],
        "disagreement_correlation": rows[0]["pearson"]["estimate"] if rows else None,
        **{row["route"]: row["count"] for row in sections["routing"]["routes"]},
    }
