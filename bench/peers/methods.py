"""Which methods of which peer are run, with which settings and how much of the task.

A setting that is a list is chosen on the held-out queries, never on those that are judged; the grids are those of the
peers' own benchmarks, shortened where one value costs minutes. A method with `most` is too slow for all queries on two
cores and gets the first so many of the judged ones; its result says so. `settings` of a row of `methods` in task.json
replace single settings here.
"""

from dataclasses import dataclass, field

DAMPINGS = [1.0, 0.1, 0.01, 5e-3, 1e-3, 1e-4, 1e-5]
FEW_DAMPINGS = [1.0, 0.1, 0.01]
RELATIVE_DAMPINGS = [1.0, 0.1, 0.01, 1e-3]
TRAK_DAMPINGS = [0.0, 1e-4, 1e-2]
KRONFLUENCE_DAMPINGS = [None, 1e-1, 1e-2, 1e-3, 1e-4]

Setting = float | None | list[float | None]


@dataclass(frozen=True)
class Method:
    """One run of one peer."""

    peer: str
    """The package as PyPI names it, whose version is reported."""
    name: str
    module: str
    function: str
    settings: dict[str, Setting] = field(default_factory=dict)
    on: tuple[str, ...] = ('mnist-lr', 'mnist-mlp')
    most: dict[str, int] = field(default_factory=dict)
    """Largest number of judged queries, by setting of the task."""
    tune: dict[str, int] = field(default_factory=dict)
    """Largest number of held-out queries that settings are chosen on, by setting of the task."""
    tuned_with: dict[str, Setting] = field(default_factory=dict)
    """Settings replaced while others are chosen, where the whole would take too long."""
    kept: tuple[str, ...] = ()
    """Settings whose product is the count of float32 numbers kept of a sample; 'layers' is the model's layers."""


def trak(peer: str, module: str, models: int, dimensions: int) -> Method:
    return Method(
        peer,
        f'trak-{models}-{dimensions}',
        module,
        'trak',
        {'models': models, 'dimensions': dimensions, 'batch': 2500, 'damping': TRAK_DAMPINGS},
        tuned_with={'models': 1},
        kept=('models', 'dimensions'),
    )


MLP, LR = 'mnist-mlp', 'mnist-lr'
DATTRI, DATTRI_LLM, KRONFLUENCE, TRAKER = 'with_dattri', 'with_dattri_llm', 'with_kronfluence', 'with_trak'
DAMPED: dict[str, Setting] = {'damping': DAMPINGS}
KEPT_A_LAYER = ('layers', 'dimensions')

METHODS: list[Method] = [
    Method('dattri', 'grad-dot', DATTRI, 'grad_dot'),
    Method('dattri', 'grad-dot-projected', DATTRI, 'grad_dot_projected'),
    Method('dattri', 'grad-cosine', DATTRI, 'grad_cosine'),
    Method('dattri', 'tracin', DATTRI, 'tracin'),
    Method('dattri', 'explicit', DATTRI, 'explicit', DAMPED, on=(LR,)),
    Method(
        'dattri',
        'cg',
        DATTRI,
        'conjugate_gradients',
        {'iterations': 10, 'batch': 25, 'damping': FEW_DAMPINGS},
        most={MLP: 100},
        tune={MLP: 25},
    ),
    Method(
        'dattri',
        'lissa',
        DATTRI,
        'lissa',
        {'samples': 50, 'depth': 100, 'scaling': 50.0, 'damping': 0.0, 'batch': 25},
        most={MLP: 50},
    ),
    Method(
        'dattri',
        'arnoldi',
        DATTRI,
        'arnoldi',
        {'iterations': 50, 'dimensions': [100, 20], 'damping': FEW_DAMPINGS},
    ),
    Method(
        'dattri',
        'datainf',
        DATTRI,
        'datainf',
        {'batch': 25, 'damping': [0.1, 0.01]},
        most={MLP: 50},
        tune={MLP: 25},
    ),
    Method('dattri', 'ekfac', DATTRI, 'ekfac', DAMPED),
    Method('dattri', 'logra', DATTRI, 'logra', {'dimensions': 1024, 'damping': FEW_DAMPINGS}, kept=KEPT_A_LAYER),
    Method(
        'dattri',
        'factgrass',
        DATTRI,
        'factgrass',
        {'dimensions': 1024, 'damping': FEW_DAMPINGS},
        kept=KEPT_A_LAYER,
        on=(MLP,),
    ),
    Method('dattri', 'rps', DATTRI, 'representer_points', {'l2': [1.0, 0.1, 0.01, 1e-3]}),
    trak('dattri', DATTRI, 1, 512),
    trak('dattri', DATTRI, 1, 2048),
    trak('dattri', DATTRI, 10, 512),
    trak('dattri', DATTRI, 10, 2048),
    trak('traker', TRAKER, 1, 512),
    trak('traker', TRAKER, 1, 2048),
    trak('traker', TRAKER, 10, 512),
    trak('traker', TRAKER, 10, 2048),
    Method('kronfluence', 'identity', KRONFLUENCE, 'identity'),
    Method('kronfluence', 'diagonal', KRONFLUENCE, 'diagonal', {'damping': KRONFLUENCE_DAMPINGS}),
    Method('kronfluence', 'kfac', KRONFLUENCE, 'kfac', {'damping': KRONFLUENCE_DAMPINGS}),
    Method('kronfluence', 'ekfac', KRONFLUENCE, 'ekfac', {'damping': KRONFLUENCE_DAMPINGS}),
    Method('dattri-llm', 'grad-dot', DATTRI_LLM, 'grad_dot'),
    Method('dattri-llm', 'grad-cosine', DATTRI_LLM, 'grad_cosine'),
    Method('dattri-llm', 'tracin', DATTRI_LLM, 'tracin'),
    Method('dattri-llm', 'kfac', DATTRI_LLM, 'kfac', {'damping': RELATIVE_DAMPINGS}),
    Method('dattri-llm', 'ekfac', DATTRI_LLM, 'ekfac', {'damping': RELATIVE_DAMPINGS}),
]
