"""Kronfluence (Grosse et al., 2023): no preconditioner, the diagonal, K-FAC and EK-FAC.

Losses are summed over a batch, as its examples do, and labels for the Fisher are sampled from the model. `damping` null
is its heuristic, a tenth of the mean eigenvalue. Its scores are products of the query's gradient with the
preconditioned gradient of a sample, positive where a sample helps. It writes its factors and scores to a folder, which
is part of what it does and is timed with it.
"""

import tempfile

import numpy
import torch
from kronfluence.analyzer import Analyzer, prepare_model
from kronfluence.arguments import FactorArguments, ScoreArguments
from kronfluence.task import Task
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import TensorDataset

from clock import Clock
from exchange import Exchange, Floats

TRAIN_BATCH = 1000
Settings = dict[str, float | None]


class Classification(Task):
    """Cross-entropy on both sides."""

    def compute_train_loss(self, batch: tuple[Tensor, Tensor], model: nn.Module, sample: bool = False) -> Tensor:
        images, labels = batch
        logits = model(images)
        if sample:
            with torch.no_grad():
                labels = torch.multinomial(logits.softmax(-1), 1).flatten()
        return F.cross_entropy(logits, labels, reduction='sum')

    def compute_measurement(self, batch: tuple[Tensor, Tensor], model: nn.Module) -> Tensor:
        return self.compute_train_loss(batch, model)


def run(exchange: Exchange, queries: NDArray[numpy.int64], settings: Settings, clock: Clock, strategy: str) -> Floats:
    torch.manual_seed(0)
    task = Classification()
    chosen = torch.from_numpy(queries)
    train = TensorDataset(exchange.x_train, exchange.y_train)
    test = TensorDataset(exchange.x_test[chosen], exchange.y_test[chosen])
    batch = min(TRAIN_BATCH, exchange.samples)
    with tempfile.TemporaryDirectory() as folder:
        model = prepare_model(exchange.model(exchange.full), task)
        analyzer = Analyzer('peers', model, task, cpu=True, disable_tqdm=True, output_dir=folder)
        with clock.stage('cache'):
            analyzer.fit_all_factors(
                'factors', train, per_device_batch_size=batch, factor_args=FactorArguments(strategy=strategy)
            )
        with clock.stage('attribute'):
            analyzer.compute_pairwise_scores(
                scores_name='scores',
                factors_name='factors',
                query_dataset=test,
                train_dataset=train,
                per_device_query_batch_size=len(queries),
                per_device_train_batch_size=batch,
                score_args=ScoreArguments(damping_factor=settings['damping']),
            )
            scores = analyzer.load_pairwise_scores('scores')['all_modules']
    return scores.to(torch.float32).contiguous().numpy()


def identity(exchange: Exchange, queries: NDArray[numpy.int64], settings: Settings, clock: Clock) -> Floats:
    return run(exchange, queries, {'damping': None}, clock, 'identity')


def diagonal(exchange: Exchange, queries: NDArray[numpy.int64], settings: Settings, clock: Clock) -> Floats:
    return run(exchange, queries, settings, clock, 'diagonal')


def kfac(exchange: Exchange, queries: NDArray[numpy.int64], settings: Settings, clock: Clock) -> Floats:
    return run(exchange, queries, settings, clock, 'kfac')


def ekfac(exchange: Exchange, queries: NDArray[numpy.int64], settings: Settings, clock: Clock) -> Floats:
    return run(exchange, queries, settings, clock, 'ekfac')
