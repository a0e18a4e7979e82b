"""The leave-one-out figure of few rows."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from specc.evaluate.inference_data import arviz
from specc.evaluate.leave_one_out import LeaveOneOut, leave_one_out


def test_a_single_row_has_no_standard_error():
    log_p = np.random.default_rng(0).normal(size=(100, 2))
    both = leave_one_out(arviz(), np.zeros(100), log_p)
    one = leave_one_out(arviz(), np.zeros(100), log_p[:, :1])
    assert both.standard_error > 0 and np.isnan(one.standard_error)
    found = SimpleNamespace(elpd_loo=-3.0, se=0.0, n_data_points=1, pareto_k=np.array([0.1]))
    assert np.isnan(LeaveOneOut.of_arviz(found).standard_error)
    found.n_data_points, found.se = 2, 0.5
    assert LeaveOneOut.of_arviz(found).standard_error == 0.5
