"""The accuracy of a classifier on samples with known classes."""

from __future__ import annotations

from pydantic import Field

from specc.catalog.entry import Reference
from specc.catalog.metric import Metric, MetricOptions


class Options(MetricOptions):
    """`{metric: label_accuracy, run: digit_classifier-1, label: y}`."""

    run: str = Field(
        description="The run of the classifier: a folder, or the name of one in `runs/`."
    )
    label: str = Field(description="The node with the class of each sample, given or drawn.")


ENTRY = Metric(
    name="label_accuracy",
    title="accuracy of a classifier on samples",
    summary="The fraction of samples for which a classifier, trained as a run, predicts the class "
    "that they are conditioned on, which is that of a row of data. The standard error "
    "is binomial.",
    formula="fraction of i with argmax over c of p(y = c | x_i) = y_i,  x_i drawn given y_i",
    references=(
        Reference("Ravuri and Vinyals 2019, Classification accuracy score", "section 3"),
        Reference("Odena, Olah and Shlens 2017, AC-GAN", "section 4.1"),
    ),
    example="evaluate: {classes: {metric: label_accuracy, run: digit_classifier-1, label: y}}",
    values={"accuracy": "the fraction of samples that are recognized"},
    Options=Options,
    units="data",
    label="label",
)
