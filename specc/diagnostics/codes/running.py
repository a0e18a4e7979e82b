"""Codes of runs: folders, checkpoints, numbers that are not finite."""

from __future__ import annotations

from specc.diagnostics.codes.code import Code, error

CODES: tuple[Code, ...] = (
    error(
        "E0801",
        "run-of-another-spec",
        "the run folder `{path}` belongs to another spec",
        "choose another folder, or train the spec that is in it",
    ),
    error("E0802", "run-missing", "there is no run folder `{path}`", "{hint}"),
    error(
        "E0803",
        "checkpoint-damaged",
        "the checkpoint `{path}` is damaged: {problem}",
        "train again, or use an earlier checkpoint",
    ),
    error(
        "E0804",
        "not-finite",
        "training stopped in epoch {epoch}: {what} was not finite in {count} steps",
        "lower the learning rate, or examine `{name}`",
    ),
    error(
        "E0805",
        "capability-missing",
        "the program `{name}` cannot {capability}",
        "{hint}",
    ),
    error(
        "E0806",
        "run-folder-used",
        "the run folder `{path}` already contains a run",
        "add `--resume` to continue it, or choose another folder",
    ),
    error(
        "E0807",
        "device-missing",
        "the device `{device}` does not exist on this machine",
        "{hint}",
    ),
    error(
        "E0808",
        "generated-code-damaged",
        "the generated code in `{path}` cannot be used: {problem}",
        "compile the spec again, with `specc compile`",
    ),
    error(
        "E0809",
        "generated-code-stopped",
        "the code of node `{node}` failed: {problem}",
        "{hint}",
    ),
    error(
        "E0810",
        "out-of-memory",
        "there is not enough memory for `{node}`",
        "use a smaller batch_size or fewer particles",
    ),
    error(
        "E0811",
        "cannot-write",
        "`{path}` cannot be written: {problem}",
        "make room, or choose another folder with `--out`",
    ),
    error(
        "E0812",
        "interrupted",
        "interrupted after step {step} of {steps}; the run is saved",
        "`--resume` continues from there",
    ),
    error(
        "E0813",
        "no-estimate",
        "the estimate `{estimator}` cannot be made for the program `{name}`: {problem}",
        "{hint}",
    ),
    error(
        "E0815",
        "lost-process",
        "process {rank} of {size} lost the connection to another process of the run",
        "start all processes again with `--resume`",
    ),
    error(
        "E0816",
        "run-does-not-compile",
        "the spec of the run {path} does not compile",
        "its weights are intact; `specc train SPEC --from RUN` starts from them",
    ),
    error(
        "E0817",
        "tensorboard-missing",
        "--tensorboard needs the package tensorboard",
        "install it with `pip install 'specc[tensorboard]'`, or omit the option",
    ),
    error(
        "E0818",
        "optimizer-needs-complete-parameters",
        "the optimizer `{name}` needs complete parameters, which --shard splits",
        "omit --shard, or use one of {optimizers}",
    ),
    error(
        "E0814",
        "nothing-carries-over",
        "no tensor of the run `{run}` has the name and shape of a tensor of this program",
        "`moved: {{old.name: new.name}}` in the spec renames; `specc diff` shows what carries over",
    ),
    error(
        "E0819",
        "nothing-missing",
        "no field of `{name}` allows missing values",
        "state in a node of the model how missing values are treated: `missing: ...`",
    ),
    error(
        "E0820",
        "not-solved",
        "the equation of node `{node}` was not solved: {what}, {count} times",
        "the bijection there has become too steep",
    ),
    error(
        "E0821",
        "run-of-another-version",
        "the run folder `{path}` was written by another version of specc: {problem}",
        "train it again with this version, or read it with the version that wrote it",
    ),
    error(
        "E0822",
        "metric-not-finite",
        "the metric `{name}` is not finite",
        "look for rows of probability 0 under the model, or numbers that overflow",
    ),
    error(
        "E0823",
        "no-sample-metric",
        "the metric `{metric}` cannot be computed for the program `{name}`: {problem}",
        "{hint}",
    ),
    error(
        "E0824",
        "no-classifier",
        "the run {path} is not a classifier of these rows: {problem}",
        "{hint}",
    ),
    error(
        "E0825",
        "no-inception",
        "there are no Inception features: {problem}",
        "{hint}",
    ),
    error(
        "E0826",
        "unequal-micro-batches",
        "a batch of {size} rows cannot be split into {count} equal parts",
        "with several sources `batch_size` is a multiple of the micro-batches",
    ),
    error(
        "E0827",
        "no-start-of-a-chain",
        "chain {chain} found no start: at each of 100 random points the density was 0 or not a "
        "number",
        "the data may be outside the support of a node, or a scale 0 there",
    ),
    error(
        "E0836",
        "chains-stuck",
        "no chain moves: {count} draws of each of them are equal, with a mean probability of "
        "acceptance of {acceptance}",
        "a longer warm-up finds a smaller step; data and latents of the order of 1 help",
    ),
    error(
        "E0840",
        "no-such-chain",
        "the program `{name}` has no such chain: {problem}",
        "{hint}",
    ),
    error(
        "E0843",
        "too-many-draws-of-rows",
        "{latents} of {rows} rows have {numbers} numbers, and {draws} draws of them {count}; at "
        "most {limit} are kept",
        "make fewer draws, or learn parameters by `sampler:` beside an objective, which keeps no "
        "draws",
    ),
    error(
        "E0844",
        "too-many-chains-of-rows",
        "the chains of {rows} rows have a state of {count} numbers, and at most {limit} are kept",
        "write `persistent: false` in `sampler:`, so that chains start anew in each update",
    ),
    error(
        "E0829",
        "sampler-in-several-processes",
        "`{sampler}` computes all chains in one process, and there are {count}",
        "start it without torchrun",
    ),
    error(
        "E0830",
        "subsample-in-pieces",
        "`subsample` needs whole batches, and each comes in {pieces} pieces",
        "train in one process, or remove `subsample`",
    ),
    error(
        "E0828",
        "arviz-not-installed",
        "the diagnostics of draws need ArviZ, which is not installed",
        'install it, with `pip install "specc[bayes]"`',
    ),
    error(
        "E0833",
        "chain-not-finite",
        "chain {chain} left the finite numbers in transition {number}, with the step size {step}",
        "a smaller `step_size` helps",
    ),
    error(
        "E0838",
        "nothing-to-predict-by",
        "`{name}` conditions on no data, so it has nothing to predict by",
        "`specc sample` draws rows; a model predicts `y` from `x: {{given: ...}}`",
    ),
    error(
        "E0845",
        "summed-given-draws",
        "`{name}` is summed out given {given}, which the guide draws, so that its probabilities "
        "given the data alone are not known",
        "let the guide draw `{name}`, too, or sum out or sample all latents of the model",
    ),
)
