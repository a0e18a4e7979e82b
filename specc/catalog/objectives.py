"""The named objectives."""

from __future__ import annotations

from types import MappingProxyType

from specc.catalog.entry import Reference
from specc.catalog.objective import Objective

_PARTICLES = MappingProxyType({"particles": "The number K of draws from the guide for each row."})

ENTRIES: tuple[Objective, ...] = (
    Objective(
        name="cd",
        title="contrastive divergence",
        summary="The energy of the data minus that of draws, by some steps of a Markov chain from "
        "the data, or from where the chains of the step before stopped (`persistent`). Draws of "
        "the guide take the place of data for latent nodes that others below the energy depend "
        "on. In the loss of a player it is `cd(model)`, and `chain:` has its options.",
        formula="E_data[F(x)] - E_chain[F(x)], whose gradient is that of -log p(x) for long chains",
        references=(
            Reference("Hinton 2002", "section 3"),
            Reference("Tieleman 2008", "section 4: persistent, chains that go on"),
            Reference("Salakhutdinov and Hinton 2009", "section 2.1: mean-field latent nodes"),
        ),
        example="objective: {cd: {steps: 1, persistent: true, chains: 100}}",
        guided=False,
        variable="cd",
        options=MappingProxyType(
            {"steps": 1, "persistent": False, "chains": 100, "tolerance": 1e-3}
        ),
        meanings=MappingProxyType(
            {
                "steps": "The number of steps of block Gibbs sampling.",
                "persistent": "Whether the chains go on where they stopped in the step before.",
                "chains": "The number of persistent chains.",
                "tolerance": "The largest change of a mean at the end of mean-field updates, which "
                "give the latent nodes at the data if they cannot be summed out.",
            }
        ),
        contrastive=True,
    ),
    Objective(
        name="elbo",
        title="evidence lower bound",
        summary="The mean of log p - log q over draws from the guide.",
        formula="E_q[log p(x, z) - log q(z | x)]",
        references=(
            Reference("Jordan et al. 1999", "section 4"),
            Reference("Kingma and Welling 2014", "equation 3"),
            Reference(
                "Bowman et al. 2016", "section 3.1: warm_up, the rising weight of divergences"
            ),
            Reference("Kingma et al. 2016", "equation 15: free_bits, their least value in nats"),
            Reference("Kingma et al. 2021", "equations 15 and 18: steps, one random step"),
        ),
        example="objective: {elbo: {particles: 8}}",
        guided=True,
        variable="elbo",
        options=MappingProxyType(
            {"particles": 1, "warm_up": 0.0, "free_bits": 0.0, "steps": "all"}
        ),
        words=MappingProxyType({"steps": ("all", "random")}),
        meanings=MappingProxyType(
            {
                "particles": "The number of draws from the guide for each row.",
                "warm_up": "The fraction of the run in which the weight of the divergences rises "
                "from 0 to 1.",
                "free_bits": "The minimum of each divergence, in nats.",
                "steps": "Whether the bound has all steps of a sequence, or one random step of a "
                "noising chain, times their number: a sequence that the model draws backward, and "
                "the guide forward by normal steps that are affine in the step before.",
            }
        ),
    ),
    Objective(
        name="iwae",
        title="importance-weighted bound",
        summary="The log of the mean of K importance weights, which is tighter for larger K.",
        formula="E_q[log 1/K sum_k p(x, z_k) / q(z_k | x)]",
        references=(Reference("Burda et al. 2016", "equation 8"),),
        example="objective: {iwae: {particles: 50}}",
        guided=True,
        variable="iwae",
        reduction="logmeanexp",
        options=MappingProxyType({"particles": 5}),
        meanings=_PARTICLES,
        finite="refuse",
    ),
    Objective(
        name="map",
        title="log-posterior, up to a constant",
        summary="The log-density of the data and of the global latents at a learnt point.",
        formula="log p(x | w) + log p(w)",
        references=(Reference("Gelman et al. 2013", "section 13.1"),),
        example="objective: map",
        guided=False,
        variable="log_posterior",
        points=True,
    ),
    Objective(
        name="mle",
        title="log-likelihood",
        summary="The log-density of the data, with finite latents summed out exactly; for a model "
        "with an energy, log Z is a sum over at most 2^20 states.",
        formula="log p(x)",
        references=(Reference("Fisher 1922"),),
        example="objective: mle",
        guided=False,
        variable="log_likelihood",
        exact=True,
    ),
    Objective(
        name="pseudolikelihood",
        title="log-pseudolikelihood",
        summary="The log-densities of single entries of the data given all others, for a model "
        "with an energy; latents are summed out. It needs no log Z and no draws.",
        formula="sum_i log p(x_i | x_-i)",
        references=(
            Reference("Besag 1975, Statistical analysis of non-lattice data", "section 3"),
            Reference(
                "Hyvarinen 2006, Consistency of pseudolikelihood estimation of fully visible "
                "Boltzmann machines",
                "section 3",
            ),
        ),
        example="objective: pseudolikelihood",
        guided=False,
        variable="log_pseudolikelihood",
        conditionals=True,
    ),
    Objective(
        name="vimco",
        title="importance-weighted bound (score gradients)",
        summary="The bound of iwae, with score gradients and a leave-one-out baseline.",
        formula="E_q[log 1/K sum_k p(x, z_k) / q(z_k | x)]",
        references=(Reference("Mnih and Rezende 2016", "equations 5 to 9"),),
        example="objective: {vimco: {particles: 10}}",
        guided=True,
        variable="iwae",
        reduction="logmeanexp",
        options=MappingProxyType({"particles": 10}),
        meanings=_PARTICLES,
        finite="score function",
    ),
)
