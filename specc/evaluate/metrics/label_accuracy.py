"""The accuracy of a classifier on samples, for the class that each sample is conditioned on.

    fraction of i with argmax over c of p(y = c | x_i) = y_i,  x_i drawn given y_i

(Odena, Olah and Shlens 2017, section 4.1; Ravuri and Vinyals 2019, section 3)
"""

from __future__ import annotations

from specc.evaluate.classifier import Classifier
from specc.evaluate.compared import Compared, Value, share


def compute(compared: Compared, *, run: str, label: str) -> dict[str, Value]:
    """The fraction, with its binomial standard error; one-hot vectors are converted to classes.

    Raises RunFailure: E0824, if the run is not a classifier of such rows.
    """
    classifier = Classifier.of(compared.open_run(run), compared.node)
    found = classifier.classes(compared.drawn[compared.node])
    wanted = compared.drawn[label].to(found.device)
    wanted = wanted.argmax(-1) if wanted.ndim > 1 else wanted
    return {"accuracy": share(found == wanted)}
