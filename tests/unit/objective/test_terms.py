"""The algebra of objectives: traversals of terms."""

from specc.objective.terms import Divergence, LogProb, Part, Reduce, Sum, densities_in, fold, walk

X, Z = LogProb("model", "x"), LogProb("model", "z")
KL = Divergence("h")
INNER = Sum((Part(2.0, X), Part(-3.0, Reduce("weighted", ("y",), Sum((Part(0.5, KL),))))))
BOUND = Sum((Part(-1.0, Reduce("mean", ("particle",), INNER)), Part(4.0, Z)))


def test_walk_goes_outside_in_and_left_to_right():
    assert [type(term) for term in walk(BOUND)] == [
        *(Sum, Reduce, Sum, LogProb),
        *(Reduce, Sum, Divergence, LogProb),
    ]


def test_a_leaf_has_the_product_of_the_coefficients_above_it():
    assert list(densities_in(BOUND)) == [(-2.0, X), (1.5, KL), (4.0, Z)]


def test_fold_computes_what_is_inside_first():
    def depth(term, inside):
        return 1 + max(inside, default=0)

    assert fold(BOUND, depth) == 6
    assert fold(X, depth) == 1
