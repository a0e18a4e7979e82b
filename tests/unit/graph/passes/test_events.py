"""The shape of an event and of its parameters, each from what is known of the other."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specc.catalog.arithmetic import broadcast
from specc.catalog.registry import DISTRIBUTIONS
from specc.graph.passes.events import Conflict, Event
from specc.graph.queries import parameter_of


def event(name):
    return Event(DISTRIBUTIONS[name])


def observe(found, key, shape):
    found.observe(parameter_of(found.entry, key)[0], shape)


def test_numbers_take_the_declared_shape():
    found = event("normal")
    found.declare((4, 5))
    observe(found, "loc", ())
    observe(found, "scale", (5,))
    assert found.result() == (4, 5)


def test_parameters_give_the_shape_where_none_is_declared():
    found = event("normal")
    observe(found, "loc", (4, 1))
    observe(found, "scale", (5,))
    assert found.result() == (4, 5)


def test_a_vector_distribution_keeps_its_own_axis():
    found = event("categorical")
    observe(found, "logits", (7, 10))
    assert found.result() == (7,)
    assert found.dims == {"n": 10}


def test_a_declared_shape_sizes_a_matrix_parameter():
    found = event("multivariate_normal")
    found.declare((3, 6))
    wanted = found.wanted(parameter_of(found.entry, "scale_tril")[0])
    assert wanted == (3, 6, 6)


@pytest.mark.parametrize("shape", [(3,), (4, 4), (2, 5)])
def test_a_parameter_that_does_not_broadcast_is_a_conflict(shape):
    found = event("normal")
    found.declare((4, 5))
    with pytest.raises(Conflict) as conflict:
        observe(found, "loc", shape)
    assert conflict.value.shape == shape
    assert conflict.value.wanted == (4, 5)


def test_probs_are_another_way_to_give_logits():
    parameter, alternative = parameter_of(DISTRIBUTIONS["bernoulli"], "probs")
    assert parameter.name == "logits"
    assert alternative is not None and alternative.function == "logit"


shapes = st.lists(st.sampled_from([1, 2, 3]), max_size=3).map(tuple)


@given(shapes, shapes)
def test_broadcasting_is_numpys(left, right):
    import numpy as np

    try:
        expected = np.broadcast_shapes(left, right)
    except ValueError:
        expected = None
    assert broadcast(left, right) == expected
