"""The scikit-learn estimator, by scikit-learn's own means."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris, make_blobs
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import estimator_checks_generator

from hetero_unc.classifier import HeteroscedasticClassifier

pytestmark = pytest.mark.end_to_end

FAST = {"epochs": 2, "passes": 3, "batch_size": 32}


def votes_and_features(items=120):
    rng = np.random.default_rng(0)
    features = rng.normal(size=(items, 4))
    chance = np.exp(features[:, :3])
    chance /= chance.sum(axis=1, keepdims=True)
    return features, rng.multinomial(10, chance)


@pytest.fixture(scope="module")
def iris():
    features, labels = load_iris(return_X_y=True)
    names = np.array(["setosa", "versicolor", "virginica"])[labels]
    classifier = HeteroscedasticClassifier(epochs=40, batch_size=16, learning_rate=5e-3, passes=10)
    return classifier.fit(features, names), features, names


def test_it_learns_iris_from_names(iris):
    classifier, features, names = iris
    assert classifier.score(features, names) > 0.93
    assert classifier.classes_.tolist() == ["setosa", "versicolor", "virginica"]
    probabilities = classifier.predict_proba(features)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-6)
    assert (classifier.classes_[probabilities.argmax(axis=1)] == classifier.predict(features)).all()


def test_uncertainties_add_up_and_are_of_the_probabilities(iris):
    classifier, features, _ = iris
    summary = classifier.predict_uncertainty(features)
    np.testing.assert_allclose(summary.total, summary.aleatoric + summary.epistemic, atol=1e-9)
    p = summary.probabilities
    np.testing.assert_allclose(summary.total, -(p * np.log(p)).sum(axis=1), atol=1e-6)


def test_an_item_does_not_depend_on_the_others(iris):
    classifier, features, _ = iris
    whole = classifier.predict_proba(features)
    np.testing.assert_allclose(classifier.predict_proba(features[7:9]), whole[7:9], atol=1e-6)


def test_it_survives_pickle_and_gives_the_same_again(iris):
    classifier, features, names = iris
    loaded = pickle.loads(pickle.dumps(classifier))  # noqa: S301
    np.testing.assert_allclose(
        loaded.predict_proba(features[:5]), classifier.predict_proba(features[:5]), atol=1e-6
    )
    again = [
        HeteroscedasticClassifier(**FAST).fit(features, names).predict_proba(features)
        for _ in range(2)
    ]
    assert np.array_equal(*again)


def test_votes_are_learnt_as_shares():
    features, votes = votes_and_features(600)
    classifier = HeteroscedasticClassifier(epochs=30, learning_rate=5e-3).fit(features, votes)
    assert classifier.classes_.tolist() == [0, 1, 2]
    shares = np.exp(features[:, :3])
    shares /= shares.sum(axis=1, keepdims=True)
    assert np.abs(classifier.predict_proba(features) - shares).mean() < 0.06


def test_images_go_to_the_compact_network():
    images = np.random.default_rng(0).random((12, 16, 16, 1)).astype(np.float32)
    classifier = HeteroscedasticClassifier(epochs=1, passes=2).fit(images, np.arange(12) % 3)
    assert classifier.model_.name == "compact_network"
    assert classifier.predict_proba(images).shape == (12, 3)
    with pytest.raises(ValueError, match=r"of shape \(16, 16, 1\), as in fit"):
        classifier.predict(images[:, :8])
    with pytest.raises(ValueError, match=r"of shape \(16, 16, 1\), as in fit"):
        classifier.predict(images[:, 0, 0])


def test_images_are_watched_in_the_history():
    images = np.random.default_rng(0).random((12, 16, 16, 1)).astype(np.float32)
    labels = np.arange(12) % 3
    classifier = HeteroscedasticClassifier("dense", epochs=2, passes=2)
    classifier.fit(images, labels, validation_data=(images[:6], labels[:6]))
    losses = [row["val_loss"] for row in classifier.history_]
    expected = classifier.model_.evaluate(images[:6], np.eye(3)[labels[:6]], verbose=0)
    np.testing.assert_allclose(losses[-1], expected, rtol=1e-5)
    with pytest.raises(ValueError, match=r"of shape \(16, 16, 1\), as in fit"):
        classifier.fit(images, labels, validation_data=(images[:, 1:], labels))


def test_it_works_in_a_pipeline_under_cross_validation():
    features, labels = make_blobs(90, centers=3, cluster_std=0.5, random_state=0)
    classifier = HeteroscedasticClassifier(epochs=20, learning_rate=1e-2, passes=3)
    scores = cross_val_score(make_pipeline(StandardScaler(), classifier), features, labels, cv=2)
    assert scores.min() > 0.9


# Those of scikit-learn's checks that train not at all, or a few small models. The others were run
# once with scikit-learn 1.9.1, at a rate of 0.01 for 20 epochs where a check asks for accuracy, and
# passed, but for check_array_api_input, which skips itself where SCIPY_ARRAY_API is not set.
QUICK_CHECKS = {
    "check_estimator_cloneable", "check_estimator_tags_renamed", "check_valid_tag_types",
    "check_estimator_repr", "check_no_attributes_set_in_init", "check_get_params_invariance",
    "check_set_params", "check_parameters_default_constructible", "check_estimators_unfitted",
    "check_estimators_nan_inf", "check_complex_data", "check_n_features_in", "check_fit1d",
    "check_requires_y_none", "check_supervised_y_2d", "check_classifiers_regression_target",
    "check_estimators_overwrite_params", "check_methods_subset_invariance",
    "check_classifiers_one_label", "check_estimator_sparse_tag",
}  # fmt: skip


def quick_checks():
    for estimator, check in estimator_checks_generator(HeteroscedasticClassifier(**FAST)):
        name = getattr(check, "func", check).__name__
        if name in QUICK_CHECKS:
            yield pytest.param(estimator, check, id=name)


@pytest.mark.parametrize(("estimator", "check"), list(quick_checks()))
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.DataConversionWarning")
def test_scikit_learns_own_checks(estimator, check):
    check(estimator)


def test_clone_takes_every_parameter():
    classifier = HeteroscedasticClassifier("dense", rank=1, frozen=True, run_folder="x")
    assert clone(classifier).get_params() == classifier.get_params()


def test_unfitted_and_bad_input_are_refused():
    features, votes = votes_and_features(10)
    classifier = HeteroscedasticClassifier(**FAST)
    with pytest.raises(NotFittedError):
        classifier.predict_proba(features)
    with pytest.raises(ValueError, match="hold a vote"):
        classifier.fit(features, votes * 0)
    with pytest.raises(ValueError, match="`X` and `y` must have the same length"):
        classifier.fit(features, votes[:5])
    with pytest.raises(ValueError, match="at least 2 classes"):
        classifier.fit(features, np.zeros(10, int))
    for name, wrong in (("dropout", 0.0), ("dropout", 1.0), ("learning_rate", 0.0)):
        with pytest.raises(ValueError, match=f"`{name}` must be above 0"):
            HeteroscedasticClassifier(**{**FAST, name: wrong}).fit(features, votes)
    with pytest.raises(ValueError, match="`backbone` must be one of"):
        HeteroscedasticClassifier("none", **FAST).fit(features, votes)
