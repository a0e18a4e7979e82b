"""What options a link accepts, and what it says of the others."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from specc.catalog.registry import LINKS


def errors(kind, **given):
    with pytest.raises(ValidationError) as caught:
        LINKS[kind].Options.model_validate(given)
    return [(error["loc"], error["type"]) for error in caught.value.errors()]


def test_sizes_are_a_list_of_positive_whole_numbers():
    assert LINKS["mlp"].Options.model_validate({"mlp": [3, 4]}).mlp == (3, 4)
    assert errors("mlp", mlp=500) == [(("mlp",), "tuple_type")]
    assert errors("mlp", mlp=[0]) == [(("mlp", 0), "greater_than_equal")]
    assert errors("mlp", mlp=[5.0]) == [(("mlp", 0), "int_type")]
    assert errors("mlp", mlp=[True]) == [(("mlp", 0), "int_type")]
    assert errors("mlp", mlp=[10**30]) == [(("mlp", 0), "less_than_equal")]
    assert errors("conv", conv=[0]) == [(("conv", 0), "greater_than_equal")]
    assert errors("conv", conv=[]) == [(("conv",), "too_short")]
    assert errors("mlp") == [(("mlp",), "missing")]


def test_dropout_is_a_share():
    assert errors("mlp", mlp=[3], dropout=1.0) == [(("dropout",), "less_than")]
    assert errors("mlp", mlp=[3], dropout=float("nan")) == [(("dropout",), "less_than")]


def test_an_unknown_activation_lists_the_known_ones():
    assert errors("mlp", mlp=[3], activation="swish") == [(("activation",), "literal_error")]


def test_an_initial_scheme_is_a_name_or_a_name_with_a_gain():
    options = LINKS["mlp"].Options
    assert options.model_validate({"mlp": [3], "init": "orthogonal"}).init == "orthogonal"
    given = options.model_validate({"mlp": [3], "init": {"orthogonal": {"gain": 2}}})
    assert given.init["orthogonal"].gain == 2.0
    assert errors("mlp", mlp=[3], init="orthogonall") == [(("init", "name"), "literal_error")]
    assert errors("mlp", mlp=[3], init={}) == [(("init", "options"), "too_short")]
    assert errors("mlp", mlp=[3], init={"orthogonal": {"gain": 0}}) == [
        (("init", "options", "orthogonal", "gain"), "greater_than")
    ]


def test_a_listed_layer_is_a_known_name_with_at_most_one_key():
    assert errors("layers", layers=["tanhh"]) == [(("layers", 0, "bare"), "literal_error")]
    assert errors("layers", layers=[{"lstm": 3}]) == [(("layers", 0), "union_tag_invalid")]
    assert errors("layers", layers=[{"linear": 3, "dropout": 0.1}]) == [
        (("layers", 0, "linear", "dropout"), "extra_forbidden")
    ]
    assert errors("layers", layers=[{"conv2d": {"kernel": 3}}]) == [
        (("layers", 0, "conv2d", "conv2d", "channels"), "missing")
    ]
    assert errors("layers", layers=[{}]) == [(("layers", 0), "union_tag_invalid")]
    assert errors("layers", layers=[3]) == [(("layers", 0, "bare"), "literal_error")]


def test_options_do_not_change():
    options = LINKS["mlp"].Options(mlp=(3,))
    with pytest.raises(ValidationError, match="frozen"):
        options.mlp = (4,)
