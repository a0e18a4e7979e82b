"""Laws of causal links: an entry depends on those before it and on the context, and no others."""

from __future__ import annotations

import itertools
import math
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
import yaml
from torch import nn

from specc.catalog import causal_links
from specc.catalog.link import LinkOptions, LinkShapeError
from specc.catalog.links.blocks.folding import sequence
from specc.catalog.parameters import parameters
from specc.catalog.registry import CAUSAL_LINKS, KINDS
from specc.codegen.code.layers import imported_by, write_module
from specc.codegen.code.writer import Writer
from specc.runtime.causal_links.transformer import CausalAttention
from specc.runtime.distributions import bernoulli, categorical
from tests.laws.causal_nets import (
    CASES,
    IDS,
    SEEDS,
    before,
    every_state,
    jacobian,
    lowered,
    net,
    reach,
)
from tests.laws.instantiate import module

ALL = pytest.mark.parametrize("case", CASES, ids=IDS)


def seen(case, leak=None):
    """The sum of the Jacobians over several weights, with the first network."""
    total, made = 0.0, None
    for seed in SEEDS:
        made = net(*case, seed=seed)
        if leak is not None:
            leak(made)
        x = torch.randn(made.shape, dtype=torch.float64)
        total = total + jacobian(made, x, made.vectors())
    return total, made


def assert_causal(case, leak=None):
    """Derivatives with respect to entries of the same or a later order number are exactly 0."""
    total, made = seen(case, leak)
    assert (total[~before(made)] == 0).all()
    return total, made


def wide(case):
    """Whether every layer has a unit for every degree."""
    kind, options, shape = case[:3]
    return kind != "masked_mlp" or min(options[kind], default=math.inf) >= math.prod(shape)


@ALL
def test_an_entry_sees_all_that_are_before_it_and_in_reach_and_none_else(case):
    total, made = assert_causal(case)
    expected = before(made) & reach(*case[:3])
    if wide(case):
        assert ((total > 0) == expected).all()
    last = made.order.reshape(made.members, -1).argmax(1)
    member = torch.arange(made.members)
    assert ((total > 0)[member, last] == expected[member, last]).all()


@ALL
def test_entries_of_the_last_axes_come_at_once(case):
    """Exactly that many last axes share an order number."""
    kind, _, shape, *_ = case
    made, count = net(*case), CAUSAL_LINKS[kind].together(shape)
    order = made.order.reshape(made.members, *shape)
    rank = len(shape)
    for axes in range(rank + 1):
        together = order.flatten(1 + rank - axes) if axes else order[..., None]
        alike = bool((together == together[..., :1]).all())
        assert alike == (axes <= count or math.prod(shape[rank - axes :]) == 1)


def test_pixels_have_no_blind_spot():
    """With enough layers, a pixel depends on all before it, also on those above to the right."""
    case = ("masked_conv", {"masked_conv": 3, "kernel": 3, "depth": 7}, (1, 6, 6), 0, ())
    total, made = assert_causal(case)
    assert ((total > 0) == before(made)).all()


def leak_in_the_head(made):
    """A head with <= in place of < between degrees."""
    order = made.order.reshape(made.members, -1).squeeze(0)
    made.head.mask = (order.unsqueeze(-2) <= order.unsqueeze(-1)).double()


def leak_in_the_pixel(made):
    made.trunk.layers[0].horizontal.mask = None


def leak_in_time(made):
    """A network without the shift of the input by one step."""
    trunk = made.trunk
    made.trunk = lambda x, *context: trunk(x.roll(-1, 0), *context)
    made.trunk.order = trunk.order


def leak_in_the_sum(made):
    """A sum that includes the entry itself."""
    made.trunk._terms = lambda x, terms=made.trunk._terms: terms(x).roll(-1, -2)


def leak_in_attention(made):
    """Attention without a mask, to all steps."""
    for block in made.trunk.blocks:
        attention = block.attention
        block.attention = nn.Module()
        block.attention.forward = unmasked(attention)


def unmasked(attention):
    """The attention of each step to all steps."""

    def forward(h, memory=None):
        split = attention.inputs(h).unflatten(-1, (3, attention.heads, -1))
        query, key, value = split.movedim(1, 3).unbind(1)
        weights = (query @ key.mT / math.sqrt(query.shape[-1])).softmax(-1)
        return attention.output((weights @ value).movedim(1, 2).flatten(-2))

    return forward


LEAKS = [
    (("masked_mlp", {"masked_mlp": []}, (4,), 0, ()), leak_in_the_head),
    (("masked_mlp", {"masked_mlp": [], "orders": 3}, (2, 2), 0, ()), leak_in_the_head),
    (("masked_conv", {"masked_conv": 4, "kernel": 3}, (3, 4), 0, ()), leak_in_the_pixel),
    (("masked_conv", {"masked_conv": 16, "kernel": 3}, (2, 2, 2), 0, ()), leak_in_the_pixel),
    (("causal_conv", {"causal_conv": 4}, (6,), 0, ()), leak_in_time),
    (("nade", {"nade": 5}, (6,), 0, ()), leak_in_the_sum),
    (("transformer", {"transformer": 8, "depth": 2}, (6,), 0, ()), leak_in_time),
    (("transformer", {"transformer": 8, "depth": 1}, (6,), 0, ()), leak_in_attention),
]


@pytest.mark.parametrize("case, leak", LEAKS)
def test_a_leak_is_noticed(case, leak):
    assert_causal(case)
    with pytest.raises(AssertionError):
        assert_causal(case, leak)


OF_CLASSES = [
    ("nade", {"nade": 6}, (5,), 0),
    ("nade", {"nade": 6, "orders": 3}, (2, 2), 2),
    ("transformer", {"transformer": 8, "depth": 2}, (5,), 0),
    ("transformer", {"transformer": 8, "depth": 1}, (3, 2), 2),
]
CLASSES = 3


def of_classes(kind, options, shape, context):
    """A network of class numbers."""
    return net(kind, options, shape, context, (CLASSES,), classes=CLASSES)


@pytest.mark.parametrize("case", OF_CLASSES, ids=lambda case: case[0])
def test_probabilities_of_classes_sum_to_one_and_depend_on_each_class(case):
    """Over all 3^D states; every class of an entry moves the results after it, and no other."""
    made, size = of_classes(*case), math.prod(case[2])
    numbers = itertools.product(range(CLASSES), repeat=size)
    states = torch.tensor(list(numbers), dtype=torch.float64).reshape(-1, *made.shape)
    logits = made(states, made.vectors()).detach()
    log_p = categorical.log_prob(states, 3.0 * logits).reshape(made.members, len(states), size)
    torch.testing.assert_close(log_p.sum(2).logsumexp(1), torch.zeros(made.members).double())
    rows = logits.reshape(made.members, *[CLASSES] * size, size, CLASSES)
    for entry in range(size):
        moved = [rows.select(1 + entry, k) - rows.select(1 + entry, 0) for k in (1, 2)]
        assert not torch.allclose(*moved) or before(made)[:, :, entry].sum() == 0
        for change in moved:
            seen = change.abs().reshape(made.members, -1, size, CLASSES).sum((1, 3)) > 1e-9
            assert torch.equal(seen, before(made)[:, :, entry])


def test_a_class_is_a_vector_and_not_a_number():
    """The classes of the states above as numbers: the change from 0 to 2 is twice that to 1."""
    made = net("nade", {"nade": 6, "activation": "identity"}, (2,), 0, (CLASSES,))
    states = torch.tensor([[0.0, 0.0], [1.0, 0.0], [2.0, 0.0]], dtype=torch.float64)
    one, two = (made(states)[1:] - made(states)[0])[:, 1]
    torch.testing.assert_close(2 * one, two)


def test_the_fused_attention_is_the_formula_and_the_formula_has_second_derivatives():
    attention = CausalAttention(8, 2, fused=True, bias=True).double()
    h = torch.randn(3, 6, 8, dtype=torch.float64, requires_grad=True)
    fused = attention(h)
    attention.fused = False
    torch.testing.assert_close(attention(h), fused)
    (slope,) = torch.autograd.grad(attention(h).square().sum(), h, create_graph=True)
    assert torch.autograd.grad(slope.square().sum(), h)[0].abs().sum() > 0


def reached(case):
    """The sum over several weights of the Jacobians with respect to the context."""
    total = 0.0
    for seed in SEEDS:
        made = net(*case, seed=seed)
        x = torch.randn(made.shape, dtype=torch.float64)
        found = torch.autograd.functional.jacobian(
            lambda h, made=made, x=x: made(x, h), made.vectors()
        )
        total = total + found.abs()
    return total


EVERYWHERE = [c for c in CASES if c[3] and not c[1].get("spatial")]


@pytest.mark.parametrize("case", EVERYWHERE, ids=lambda case: case[0])
def test_the_context_reaches_every_result(case):
    assert (reached(case) > 0).all()


def test_a_spatial_context_reaches_its_own_pixel():
    """With one layer it reaches no other; axes: channel, row, column, map, its row, its column."""
    case = ("masked_conv", {"masked_conv": 4, "depth": 1, "spatial": True}, (2, 3, 4), 36, ())
    total = reached(case).reshape(2, 12, 3, 12)
    own = torch.eye(12, dtype=torch.bool)[:, None].expand(2, 12, 3, 12)
    assert torch.equal(total > 0, own)


NORMALIZED = [
    ("masked_mlp", {"masked_mlp": [20, 20]}, (12,), 0),
    ("masked_mlp", {"masked_mlp": [7], "orders": 4, "direct": True}, (3, 4), 2),
    ("masked_mlp", {"masked_mlp": []}, (12,), 0),
    ("masked_conv", {"masked_conv": 6, "depth": 3, "kernel": 3}, (3, 4), 0),
    ("masked_conv", {"masked_conv": 6, "depth": 2, "kernel": 3}, (3, 2, 2), 2),
    ("masked_conv", {"masked_conv": 6, "depth": 2, "spatial": True}, (3, 2, 2), 8),
    ("causal_conv", {"causal_conv": 6}, (12,), 2),
    ("nade", {"nade": 9}, (12,), 0),
    ("nade", {"nade": 9, "orders": 3}, (3, 4), 2),
    ("transformer", {"transformer": 8, "depth": 2}, (12,), 2),
    ("transformer", {"transformer": 8, "depth": 1}, (4, 3), 0),
]


def log_densities(made, context=None):
    """log p(x) of each member at every state: [members, 2^D]."""
    states = every_state(math.prod(made.shape)).reshape(-1, *made.shape)
    log_p = bernoulli.log_prob(states, 3.0 * made(states, context))
    return log_p.reshape(made.members, len(states), -1).sum(-1).detach()


@pytest.mark.parametrize("case", NORMALIZED, ids=lambda case: case[0])
def test_probabilities_sum_to_one_over_all_states(case):
    made = net(*case)
    log_p = log_densities(made, made.vectors())
    torch.testing.assert_close(log_p.logsumexp(1), torch.zeros(made.members).double())
    mean = log_p.logsumexp(0) - math.log(made.members)
    torch.testing.assert_close(mean.logsumexp(0), torch.zeros(()).double())


@pytest.mark.parametrize("case, leak", LEAKS)
def test_probabilities_of_a_leak_do_not(case, leak):
    made = net(*case)
    leak(made)
    assert (log_densities(made).logsumexp(1).abs() > 1e-5).all()


@ALL
@pytest.mark.parametrize(
    "leading, above",
    [
        ((), ()),
        ((3,), (3,)),
        ((2, 3), ()),
        ((2, 3), (3,)),
        ((3,), (2, 1)),
        ((), (2,)),
        ((0,), (0,)),
    ],
    ids=str,
)
def test_any_leading_axes_and_no_row_sees_another(case, leading, above):
    made = net(*case)
    x = torch.randn((*leading, *made.shape), dtype=torch.float64)
    h = made.vectors(*above)
    y = made(x, h)
    axes = leading if h is None else torch.broadcast_shapes(leading, above)
    front = (made.members,) if made.members > 1 else ()
    assert y.shape == (*front, *axes, *made.shape, *case[4])
    rows = x.expand((*axes, *made.shape)).reshape(-1, *made.shape)
    contexts = [None] * len(rows) if h is None else h.expand(*axes, -1).reshape(-1, made.context)
    one_by_one = [made(row, context) for row, context in zip(rows, contexts, strict=True)]
    if one_by_one:
        torch.testing.assert_close(torch.stack(one_by_one, len(front)).reshape(y.shape), y)


@ALL
def test_every_parameter_takes_part(case):
    made = net(*case)
    y = made(torch.randn(4, *made.shape, dtype=torch.float64), made.vectors(4))
    y.mul(torch.randn_like(y)).sum().backward()
    whole = [*made.trunk.named_parameters(), *made.head.named_parameters()]
    assert [name for name, p in whole if p.grad is None] == []


@ALL
def test_the_parameters_are_known_without_torch(case):
    for part in lowered(*case):
        layer = sequence(part.layers)
        named = {name: tuple(p.shape) for name, p in module(layer).named_parameters()}
        assert parameters(layer) == named
        assert list(parameters(layer)) == list(named)


@ALL
def test_the_sizes_are_known_without_torch(case):
    made = net(*case)
    trunk, head = lowered(*case)
    x = torch.randn(2, *made.shape, dtype=torch.float64)
    features = made.trunk(x) if not made.context else made.trunk(x, made.vectors(2))
    front = (made.members,) if made.members > 1 else ()
    assert features.shape == (*front, 2, *trunk.output)
    assert head.output == (*made.shape, *case[4])
    assert made.order.shape == (*front, *made.shape)
    assert made.order.dtype == torch.int64


@ALL
def test_an_outline_needs_no_memory(case):
    """On the meta device names and shapes are known, without values."""
    with torch.device("meta"):
        for part in lowered(*case):
            layer = sequence(part.layers)
            named = {name: tuple(p.shape) for name, p in module(layer).named_parameters()}
            assert parameters(layer) == named


@ALL
def test_orders_and_masks_are_in_no_checkpoint(case):
    made = net(*case)
    for part in (made.trunk, made.head):
        assert part.state_dict().keys() == dict(part.named_parameters()).keys()


@ALL
def test_the_code_that_makes_them_is_python(case):
    for part in lowered(*case):
        out, imports = Writer(), sorted(set(imported_by(part)))
        write_module(out, "made", part)
        lines = ["from {} import {}".format(*at.rsplit(".", 1)) for at in imports]
        holder = SimpleNamespace()
        exec("\n".join([*lines, "from torch import nn", out.text()]), {"self": holder})
        named = {name: tuple(p.shape) for name, p in holder.made.named_parameters()}
        assert named == parameters(sequence(part.layers))


@ALL
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_one_graph_under_the_compiler_in_both_types(case, dtype):
    made = net(*case)
    made.parts().to(dtype)
    x, h = torch.randn(3, *made.shape, dtype=dtype), made.vectors(3)
    h = h if h is None else h.to(dtype)
    torch.compiler.reset()
    compiled = torch.compile(made.__call__, fullgraph=True, backend="eager")
    assert compiled(x, h).dtype == dtype
    torch.testing.assert_close(compiled(x, h), made(x, h))


@ALL
def test_no_optimizer_moves_what_is_masked(case):
    made = net(*case)
    masked = [p for p in made.parts().modules() if getattr(p, "mask", None) is not None]
    cut = [part.weight.detach().clone() for part in masked]
    optimizer = torch.optim.Adam(made.parts().parameters(), 0.1)
    for _ in range(3):
        x = torch.randn(4, *made.shape, dtype=torch.float64)
        y = made(x, made.vectors(4)).square().mean()
        optimizer.zero_grad()
        y.backward()
        optimizer.step()
    for part, start in zip(masked, cut, strict=True):
        free = (
            part.mask.expand(-1, *part.weight.shape).any(0)
            if part.mask.ndim > part.weight.ndim
            else part.mask > 0
        )
        assert torch.equal(part.weight[~free.bool()], start[~free.bool()])


def test_the_folder_holds_what_the_index_names():
    stems = {path.stem for path in Path(causal_links.__file__).parent.glob("*.py")}
    assert sorted(stems - {"__init__"}) == list(CAUSAL_LINKS)


@pytest.mark.parametrize("name", CAUSAL_LINKS)
def test_the_example_is_valid_and_shows_the_kind(name):
    entry = CAUSAL_LINKS[name]
    example = yaml.safe_load(entry.example)
    assert next(iter(example)) == entry.name == name
    assert isinstance(entry.Options.model_validate(example), LinkOptions)
    assert entry.members(entry.Options.model_validate(example)) == example.get("orders", 1)


@pytest.mark.parametrize("name", CAUSAL_LINKS)
def test_no_option_is_named_like_another_kind(name):
    """The kind of a link is the only key that is the name of a link."""
    assert CAUSAL_LINKS[name].Options.model_fields.keys() & set(KINDS) == {name}


@pytest.mark.parametrize("name", CAUSAL_LINKS)
def test_every_option_is_described_and_in_the_json_schema(name):
    properties = CAUSAL_LINKS[name].Options.model_json_schema()["properties"]
    assert properties.keys() == CAUSAL_LINKS[name].Options.model_fields.keys()
    assert all(option["description"].endswith(".") for option in properties.values())


@pytest.mark.parametrize("name", CAUSAL_LINKS)
def test_unknown_options_and_loose_types_are_refused(name):
    entry = CAUSAL_LINKS[name]
    example = yaml.safe_load(entry.example)
    for wrong in ({"kernels": 3}, {"bias": "yes"}, {"init": "xavier"}, {name: "500"}, {name: 0}):
        with pytest.raises(ValueError, match="validation error"):
            entry.Options.model_validate(example | wrong)


REFUSED = [
    ("masked_conv", {"masked_conv": 4}, (9,), (), "takes an image"),
    ("masked_conv", {"masked_conv": 4}, (1, 2, 3, 4), (), "takes an image"),
    ("masked_conv", {"masked_conv": 4, "kernel": 4}, (4, 4), (), "has no middle"),
    ("masked_conv", {"masked_conv": 2}, (3, 4, 4), (), "shares out 2 maps to 3 channels"),
    ("masked_conv", {"masked_conv": 4, "spatial": True}, (4, 4), (), "conditioned on 0 numbers"),
    ("causal_conv", {"causal_conv": 4}, (), (), "and is given one number"),
    ("causal_conv", {"causal_conv": 4}, (4, 4, 4), (), "takes a series"),
    ("transformer", {"transformer": 8}, (), (), "and is given one number"),
    ("transformer", {"transformer": 6}, (5,), (), "divides vectors of 6 among 4 heads"),
]


@pytest.mark.parametrize("kind, options, shape, each, reason", REFUSED)
def test_shapes_that_do_not_fit_are_refused(kind, options, shape, each, reason):
    with pytest.raises(LinkShapeError) as raised:
        lowered(kind, options, shape, 0, each)
    assert reason in raised.value.reason
    assert raised.value.fix


@pytest.mark.parametrize("kind, options, shape, context", [c[:4] for c in CASES], ids=IDS)
def test_a_result_that_has_nothing_for_each_entry_is_refused(kind, options, shape, context):
    entry = CAUSAL_LINKS[kind]
    chosen = entry.Options.model_validate(options)
    features = entry.trunk(chosen, shape, context).output
    if shape:
        with pytest.raises(LinkShapeError, match="for each entry"):
            entry.head(chosen, shape, features, (shape[0] + 1, *shape[1:]))
