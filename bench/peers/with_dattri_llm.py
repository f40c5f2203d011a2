"""dattri-LLM (Liu et al., 2026): gradient products from captured factors, and the Kronecker-factored methods on them.

Of the peers it is the fast one at exact gradient products, since like this project it never forms the gradients. It
knows a sample by the hash of its inputs, and two equal samples would become one row: that is an error here. Losses are
summed over a batch, or its gradients would depend on the batch. Scores are products of gradients of losses, positive
where a sample helps. It writes its result to a folder, which is timed with it.
"""

import tempfile

import numpy
import torch
from dattri_llm import AttributionArguments, AttributionTask, HookManagerConfig, REGISTER_ALL
from dattri_llm import EKFACAttributor, KFACAttributor, TracInAttributor
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import Dataset

from clock import Clock
from exchange import Exchange, Floats

TRAIN_BATCH = 1000
Queries = NDArray[numpy.int64]
Settings = dict[str, float]


class Rows(Dataset):
    """Samples as the dictionaries that its data loader collates."""

    def __init__(self, images: Tensor, labels: Tensor) -> None:
        self.images, self.labels = images, labels

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        return {'images': self.images[index], 'labels': self.labels[index]}


def summed_loss(model: nn.Module, batch: dict[str, Tensor]) -> Tensor:
    return F.cross_entropy(model(batch['images']), batch['labels'], reduction='sum')


def score(
    exchange: Exchange, queries: Queries, clock: Clock, runs: list[int], attributor_type: type, **options: object
) -> list[Floats]:
    """Scores at each checkpoint."""
    chosen = torch.from_numpy(queries)
    train = Rows(exchange.x_train, exchange.y_train)
    test = Rows(exchange.x_test[chosen], exchange.y_test[chosen])
    found = []
    for run in runs:
        with tempfile.TemporaryDirectory() as folder:
            arguments = AttributionArguments(
                output_dir=folder,
                use_cpu=True,
                per_device_train_batch_size=min(TRAIN_BATCH, exchange.samples),
                per_device_eval_batch_size=len(queries),
            )
            task = AttributionTask(summed_loss, exchange.model(run))
            attributor = attributor_type(arguments, task=task)
            with clock.stage('attribute'):
                hooks = HookManagerConfig(linear_io=REGISTER_ALL)
                result = attributor.attribute(train, test, hook_config=hooks, **options)
                ids, matrix = result.agnostic_matrix()
            if len(ids) != exchange.samples or matrix.shape[1] != len(queries):
                raise LookupError(
                    f'It made {list(matrix.shape)} scores of {exchange.samples} samples and {len(queries)} queries: '
                    'equal samples became one.'
                )
            found.append(matrix.detach().T.contiguous().to(torch.float32).numpy())
    return found


def grad_dot(exchange: Exchange, queries: Queries, settings: Settings, clock: Clock) -> Floats:
    return score(exchange, queries, clock, [exchange.full], TracInAttributor)[0]


def grad_cosine(exchange: Exchange, queries: Queries, settings: Settings, clock: Clock) -> Floats:
    return score(exchange, queries, clock, [exchange.full], TracInAttributor, normalized_grad=True)[0]


def tracin(exchange: Exchange, queries: Queries, settings: Settings, clock: Clock) -> Floats:
    path = exchange.path
    if path is None:
        raise LookupError('task.json names no path of checkpoints.')
    parts = score(exchange, queries, clock, path.runs, TracInAttributor)
    return sum((rate * part for rate, part in zip(path.rates, parts)), start=numpy.float32(0)).astype(numpy.float32)


def kfac(exchange: Exchange, queries: Queries, settings: Settings, clock: Clock) -> Floats:
    damping = {'damping': settings['damping'], 'relative_damping': True}
    return score(exchange, queries, clock, [exchange.full], KFACAttributor, **damping)[0]


def ekfac(exchange: Exchange, queries: Queries, settings: Settings, clock: Clock) -> Floats:
    damping = {'damping': settings['damping'], 'relative_damping': True}
    return score(exchange, queries, clock, [exchange.full], EKFACAttributor, **damping)[0]
