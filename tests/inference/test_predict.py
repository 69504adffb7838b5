"""A prediction depends on the item, the seed and the model alone."""

import keras
import numpy as np
import pytest
from keras import layers

from hetero_unc.inference import MonteCarloDropout, predict, predict_passes

FEATURES, CLASSES, DRAWS = 4, 3, 40


@pytest.mark.parametrize("end", ["parameters", "softmax_activation"])
@pytest.mark.parametrize("batch_size", [1, 4, 64])
def test_a_prediction_depends_on_the_item_alone(inputs, dense, head, model_of, end, batch_size):
    ends = {"parameters": head(), "softmax_activation": dense(CLASSES, 4, activation="softmax")}
    model = model_of(ends[end])
    whole = predict(model, inputs(), batch_size=10)
    parts = predict(model, inputs(), batch_size=batch_size)
    np.testing.assert_allclose(parts.probabilities, whole.probabilities, atol=1e-6)
    alone = predict(model, inputs()[7:8], batch_size=batch_size)
    np.testing.assert_allclose(alone.probabilities[:, 0], whole.probabilities[:, 7], atol=1e-6)


@pytest.mark.parametrize("masks", ["per_item", "per_pass"])
def test_the_last_batch_may_be_smaller(inputs, head, model_of, masks):
    model = model_of(head())
    settings = {"passes": 3, "draws": DRAWS, "masks": masks, "seed": 4}
    even = MonteCarloDropout(model, **settings).predict(inputs(12), batch_size=4)
    odd = MonteCarloDropout(model, **settings).predict(inputs(12)[:10], batch_size=4)
    assert odd.probabilities.shape == (3, 10, CLASSES)
    np.testing.assert_allclose(odd.probabilities, even.probabilities[:, :10], atol=1e-6)
    assert (odd.probabilities > 0).all()


def test_masks_per_pass_do_not_depend_on_the_batches(inputs, head, model_of):
    passes = MonteCarloDropout(model_of(head()), passes=3, draws=DRAWS, masks="per_pass")
    whole = passes.predict(inputs(), batch_size=10)
    for batch_size in (1, 4):
        parts = passes.predict(inputs(), batch_size=batch_size)
        np.testing.assert_allclose(parts.probabilities, whole.probabilities, atol=1e-6)


def test_the_same_seed_gives_the_same_passes_to_the_bit(inputs, head, model_of):
    model = model_of(head())
    passes = MonteCarloDropout(model, passes=3, draws=DRAWS, seed=4)
    first = passes.predict(inputs(), batch_size=4)
    again = passes.predict(inputs(), batch_size=4)
    anew = MonteCarloDropout(model, passes=3, draws=DRAWS, seed=4).predict(inputs(), batch_size=4)
    more = MonteCarloDropout(model, passes=5, draws=DRAWS, seed=4).predict(inputs(), batch_size=4)
    other = MonteCarloDropout(model, passes=3, draws=DRAWS, seed=5).predict(inputs(), batch_size=4)
    np.testing.assert_array_equal(first.probabilities, again.probabilities)
    np.testing.assert_array_equal(first.probabilities, anew.probabilities)
    np.testing.assert_allclose(first.probabilities, more.probabilities[:3], atol=1e-6)
    assert (first.probabilities != other.probabilities).any(axis=-1).all()


def test_training_between_predictions_is_seen(inputs, head, model_of):
    model = model_of(head())
    passes = MonteCarloDropout(model, passes=2, draws=5)
    before = passes.predict(inputs())
    for weight in model.trainable_weights:
        weight.assign(weight * 1.5)
    assert (passes.predict(inputs()).loc != before.loc).all()


def test_a_model_without_dropout_is_refused_for_passes_and_taken_for_one(inputs, head, model_of):
    model = keras.Sequential([keras.Input((FEATURES,)), head()])
    with pytest.raises(ValueError, match="must hold a dropout"):
        MonteCarloDropout(model, passes=2)
    with pytest.raises(ValueError, match="must hold a dropout"):
        MonteCarloDropout(model_of(head(), rate=0.0), passes=2)
    assert predict(model, inputs(), draws=5).passes == 1
    inserted = MonteCarloDropout(model, passes=2, draws=5, insertion_rate=0.3).predict(inputs())
    assert (inserted.loc[0] != inserted.loc[1]).any()


def test_ids_come_with_the_items(inputs, head, model_of):
    names = np.array([f"image {n}" for n in range(10)])
    np.testing.assert_array_equal(
        predict(model_of(head()), inputs(), ids=names, draws=5).ids, names
    )
    found = MonteCarloDropout(model_of(head()), passes=2, draws=5).predict(
        inputs(), ids=range(100, 110), batch_size=4
    )
    np.testing.assert_array_equal(found.ids, np.arange(100, 110))


def test_ids_of_another_length_are_refused_before_any_work(inputs, head, model_of, monkeypatch):
    passes = MonteCarloDropout(model_of(head()), passes=2, draws=5)
    monkeypatch.setattr(passes._passes, "run", lambda *_: pytest.fail("it went to work"))
    with pytest.raises(ValueError, match="`ids` must be 10 integers or strings"):
        passes.predict(inputs(), ids=range(9))


def test_whole_numbers_are_taken_as_images(head, model_of):
    model = model_of(head())
    whole = np.arange(40).reshape(10, FEATURES)
    np.testing.assert_array_equal(
        predict(model, whole, draws=5).loc, predict(model, whole.astype("float32"), draws=5).loc
    )


def test_one_call_is_the_class_and_its_method(inputs, head, model_of):
    model = model_of(head())
    settings = {"passes": 3, "draws": DRAWS, "seed": 4, "masks": "per_pass"}
    ids = range(5, 15)
    one = predict_passes(model, inputs(), batch_size=4, ids=ids, **settings)
    other = MonteCarloDropout(model, **settings).predict(inputs(), batch_size=4, ids=ids)
    np.testing.assert_array_equal(one.probabilities, other.probabilities)
    np.testing.assert_array_equal(one.ids, other.ids)


def test_integers_reach_an_embedding_and_padding_stays_masked(head):
    model = keras.Sequential(
        [
            keras.Input((None,), dtype="int32"),
            layers.Embedding(7, 3, mask_zero=True),
            layers.SpatialDropout1D(0.4, seed=1),
            layers.LSTM(4),
            head(),
        ]
    )
    settings = {"passes": 3, "draws": 5, "masks": "per_pass"}
    passes = MonteCarloDropout(model, **settings)
    short, padded = (
        passes.predict(np.array(tokens)) for tokens in ([[2, 3, 1]], [[2, 3, 1, 0, 0]])
    )
    np.testing.assert_allclose(padded.loc, short.loc, rtol=1e-5)
