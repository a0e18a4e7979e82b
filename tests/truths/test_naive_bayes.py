"""Naive Bayes of counts: its mode is scikit-learn's estimate in closed form, to a millionth."""

import numpy as np
import pytest
from sklearn.naive_bayes import MultinomialNB

from benchmarks.naive_bayes import model_of, posterior, put, slope

CLASSES, WORDS, ALPHA = 3, 12, 1.0


@pytest.fixture(scope="module")
def documents():
    """Counts of words and the groups of 300 documents, with words that a group never has."""
    rng = np.random.default_rng(0)
    use = rng.dirichlet(np.full(WORDS, 0.3), CLASSES)
    y = rng.choice(CLASSES, 300, p=[0.5, 0.3, 0.2])
    words = [rng.multinomial(n, use[k]) for n, k in zip(rng.integers(3, 9, 300), y, strict=True)]
    return np.array(words, dtype=float), y


def test_the_mode_is_that_of_scikit_learn(documents):
    """The log-posterior is concave in the logits, and its gradient is 0 there, and not beside."""
    words, y = documents
    model = model_of(CLASSES, WORDS, ALPHA)
    put(model, MultinomialNB(alpha=ALPHA).fit(words, y))
    assert slope(model, words, y) < 1e-12
    put(model, MultinomialNB(alpha=1.1 * ALPHA).fit(words, y))
    assert slope(model, words, y) > 1e-4


def test_predictions_are_those_of_scikit_learn(documents):
    words, y = documents
    exact = MultinomialNB(alpha=ALPHA).fit(words, y)
    model = model_of(CLASSES, WORDS, ALPHA)
    put(model, exact)
    found = posterior(model, words, CLASSES)
    np.testing.assert_allclose(found, exact.predict_log_proba(words), atol=1e-10)
