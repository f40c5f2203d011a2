"""dattri 0.3 (Deng et al., 2024): its attributors, with the settings of its own MNIST benchmark where it has one.

What its source says and its pages do not, and what is done about it:
- `TracInAttributor(projector_kwargs=None)` still projects, to 512 random dimensions; the attribute is cleared after
  construction to get exact products. `projected` keeps what it ships.
- Whatever transforms queries is done again for every batch of training samples, so training samples come in one batch.
- Its TRAK draws the projection again for every batch, so batches are large.
- log(p/(1−p)) as its benchmark writes it is infinite at p = 1 in float32 and its gradient is then set to zero; the
  same quantity as a difference of logits is finite, and that is what it gets here.
- LoGra and FactGraSS try the model on the first sample without a batch axis, so a sample gets one of its own, which
  the model flattens away. Losses are summed over a batch: a mean would scale every gradient by the batch.
- EK-FAC multiplies by the eigenvectors from the wrong side and, where a layer has a bias, reshapes weights and bias
  into one matrix out of step. It runs as shipped.
Signs: gradient products of losses are positive where a sample helps, TRAK's margin and RPS' logits too. None is turned.
"""

from typing import Callable

import numpy
import torch
from dattri.algorithm import (
    FactGraSSAttributor,
    IFAttributorArnoldi,
    IFAttributorCG,
    IFAttributorDataInf,
    IFAttributorEKFAC,
    IFAttributorExplicit,
    IFAttributorLiSSA,
    LoGraAttributor,
    RPSAttributor,
    TRAKAttributor,
    TracInAttributor,
)
from dattri.algorithm.base import BaseInnerProductAttributor
from dattri.task import AttributionTask
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from clock import Clock
from exchange import Exchange, Floats

Queries = NDArray[numpy.int64]
Pair = tuple[Tensor, Tensor]
TRAIN_BATCH = 1000
"""Training samples in a batch where nothing is repeated for each batch."""


def loader(images: Tensor, labels: Tensor, batch: int) -> DataLoader:
    return DataLoader(TensorDataset(images, labels), batch_size=min(batch, len(images)))


def train_loader(exchange: Exchange, batch: int) -> DataLoader:
    return loader(exchange.x_train, exchange.y_train, batch)


def query_loader(exchange: Exchange, queries: Queries, batch: int) -> DataLoader:
    chosen = torch.from_numpy(queries)
    return loader(exchange.x_test[chosen], exchange.y_test[chosen], batch)


def as_ours(scores: Tensor) -> Floats:
    """[samples, queries] to [queries, samples]."""
    return scores.detach().T.contiguous().to(torch.float32).numpy()


def batch_loss(model: nn.Module) -> Callable[[dict[str, Tensor], Pair], Tensor]:
    """Mean loss of a batch; the influence attributors map it over samples themselves."""

    def loss(parameters: dict[str, Tensor], pair: Pair) -> Tensor:
        image, label = pair
        return F.cross_entropy(functional_call(model, parameters, image), label.long())

    return loss


def sample_loss(model: nn.Module) -> Callable[[dict[str, Tensor], Pair], Tensor]:
    """Loss of one sample without a batch axis."""

    def loss(parameters: dict[str, Tensor], pair: Pair) -> Tensor:
        image, label = pair
        return F.cross_entropy(functional_call(model, parameters, image[None]), label[None].long())

    return loss


def task_of(exchange: Exchange, runs: list[int], loss: Callable[[nn.Module], Callable[..., Tensor]]) -> AttributionTask:
    model = exchange.empty().eval()
    return AttributionTask(loss_func=loss(model), model=model, checkpoints=[exchange.state(run) for run in runs])


def influence(
    exchange: Exchange, queries: Queries, clock: Clock, attributor: BaseInnerProductAttributor, batch: int
) -> Floats:
    """Runs an influence attributor with all training samples in one batch and `batch` queries at a time."""
    train, test = train_loader(exchange, exchange.samples), query_loader(exchange, queries, batch)
    with clock.stage('cache'):
        attributor.cache(train)
    with clock.stage('attribute'), torch.no_grad():
        return as_ours(attributor.attribute(train, test))


def explicit(exchange: Exchange, queries: Queries, settings: dict[str, float], clock: Clock) -> Floats:
    task = task_of(exchange, [exchange.full], batch_loss)
    attributor = IFAttributorExplicit(task=task, regularization=settings['damping'])
    return influence(exchange, queries, clock, attributor, len(queries))


def conjugate_gradients(exchange: Exchange, queries: Queries, settings: dict[str, float], clock: Clock) -> Floats:
    task = task_of(exchange, [exchange.full], batch_loss)
    attributor = IFAttributorCG(task=task, regularization=settings['damping'], max_iter=int(settings['iterations']))
    return influence(exchange, queries, clock, attributor, int(settings['batch']))


def lissa(exchange: Exchange, queries: Queries, settings: dict[str, float], clock: Clock) -> Floats:
    task = task_of(exchange, [exchange.full], batch_loss)
    attributor = IFAttributorLiSSA(
        task=task,
        batch_size=min(int(settings['samples']), exchange.samples),
        recursion_depth=int(settings['depth']),
        scaling=settings['scaling'],
        damping=settings['damping'],
    )
    return influence(exchange, queries, clock, attributor, int(settings['batch']))


def arnoldi(exchange: Exchange, queries: Queries, settings: dict[str, float], clock: Clock) -> Floats:
    task = task_of(exchange, [exchange.full], batch_loss)
    attributor = IFAttributorArnoldi(
        task=task,
        regularization=settings['damping'],
        max_iter=int(settings['iterations']),
        proj_dim=int(settings['dimensions']),
    )
    return influence(exchange, queries, clock, attributor, len(queries))


def datainf(exchange: Exchange, queries: Queries, settings: dict[str, float], clock: Clock) -> Floats:
    task = task_of(exchange, [exchange.full], batch_loss)
    attributor = IFAttributorDataInf(task=task, regularization=settings['damping'])
    return influence(exchange, queries, clock, attributor, int(settings['batch']))


def ekfac(exchange: Exchange, queries: Queries, settings: dict[str, float], clock: Clock) -> Floats:
    task = task_of(exchange, [exchange.full], batch_loss)
    attributor = IFAttributorEKFAC(task=task, damping=settings['damping'])
    train, test = train_loader(exchange, exchange.samples), query_loader(exchange, queries, len(queries))
    with clock.stage('cache'):
        attributor.cache(train_loader(exchange, TRAIN_BATCH))
    with clock.stage('attribute'), torch.no_grad():
        return as_ours(attributor.attribute(train, test))


def products(
    exchange: Exchange, queries: Queries, clock: Clock, runs: list[int], rates: list[float], cosine: str, projected: str
) -> Floats:
    """TracIn's sum over checkpoints. `cosine` is 'cosine' or 'dot', `projected` 'projected' or 'exact'."""
    attributor = TracInAttributor(
        task=task_of(exchange, runs, sample_loss),
        weight_list=torch.tensor(rates),
        normalized_grad=cosine == 'cosine',
    )
    if projected == 'exact':
        attributor.projector_kwargs = None
    train, test = train_loader(exchange, TRAIN_BATCH), query_loader(exchange, queries, len(queries))
    with clock.stage('attribute'), torch.no_grad():
        return as_ours(attributor.attribute(train, test))


def grad_dot(exchange: Exchange, queries: Queries, settings: dict[str, float], clock: Clock) -> Floats:
    return products(exchange, queries, clock, [exchange.full], [1.0], 'dot', 'exact')


def grad_dot_projected(exchange: Exchange, queries: Queries, settings: dict[str, float], clock: Clock) -> Floats:
    return products(exchange, queries, clock, [exchange.full], [1.0], 'dot', 'projected')


def grad_cosine(exchange: Exchange, queries: Queries, settings: dict[str, float], clock: Clock) -> Floats:
    return products(exchange, queries, clock, [exchange.full], [1.0], 'cosine', 'exact')


def tracin(exchange: Exchange, queries: Queries, settings: dict[str, float], clock: Clock) -> Floats:
    path = exchange.path
    if path is None:
        raise LookupError('task.json names no path of checkpoints.')
    return products(exchange, queries, clock, path.runs, path.rates, 'dot', 'exact')


def representer_points(exchange: Exchange, queries: Queries, settings: dict[str, float], clock: Clock) -> Floats:
    model = exchange.empty().eval()
    final = [name for name, module in model.named_modules() if isinstance(module, nn.Linear)][-1]

    def loss(logits: Tensor, labels: Tensor) -> Tensor:
        return F.cross_entropy(logits, labels)

    task = AttributionTask(loss_func=loss, model=model, checkpoints=exchange.state(exchange.full))
    attributor = RPSAttributor(
        task=task, final_linear_layer_name=final, normalize_preactivate=True, l2_strength=settings['l2']
    )
    train, test = train_loader(exchange, TRAIN_BATCH), query_loader(exchange, queries, len(queries))
    with clock.stage('cache'):
        attributor.cache(train)
    with clock.stage('attribute'):
        return as_ours(attributor.attribute(train, test))


def trak(exchange: Exchange, queries: Queries, settings: dict[str, float], clock: Clock) -> Floats:
    model = exchange.empty().eval()

    def log_probability(parameters: dict[str, Tensor], pair: Pair) -> Tensor:
        image, label = pair
        return -F.cross_entropy(functional_call(model, parameters, image[None]), label[None].long())

    def margin(parameters: dict[str, Tensor], pair: Pair) -> Tensor:
        image, label = pair
        logits = functional_call(model, parameters, image[None])[0]
        own = torch.arange(len(logits)) == label
        return torch.where(own, logits, 0).sum() - torch.where(own, -torch.inf, logits).logsumexp(0)

    runs = members(exchange, int(settings['models']))
    attributor = TRAKAttributor(
        task=AttributionTask(loss_func=margin, model=model, checkpoints=[exchange.state(run) for run in runs]),
        correct_probability_func=lambda parameters, pair: log_probability(parameters, pair).exp(),
        projector_kwargs={'proj_dim': int(settings['dimensions']), 'device': 'cpu'},
        regularization=settings['damping'],
    )
    with clock.stage('cache'), torch.no_grad():
        attributor.cache(train_loader(exchange, int(settings['batch'])))
    with clock.stage('attribute'), torch.no_grad():
        return as_ours(attributor.attribute(query_loader(exchange, queries, len(queries))))


def members(exchange: Exchange, count: int) -> list[int]:
    """The first `count` models of the ensemble."""
    if len(exchange.ensemble) < count:
        raise LookupError(f'task.json names an ensemble of {len(exchange.ensemble)} models, and {count} are asked for.')
    return exchange.ensemble[:count]


def block_projected(
    exchange: Exchange, queries: Queries, settings: dict[str, float], clock: Clock, attributor_type: type
) -> Floats:
    def loss(model: nn.Module, pair: Pair, device: str) -> Tensor:
        image, label = pair
        return F.cross_entropy(model(image), label, reduction='sum')

    model = nn.Sequential(nn.Flatten(), exchange.model(exchange.full)).eval()
    task = AttributionTask(loss_func=loss, model=model, checkpoints=model.state_dict())
    attributor = attributor_type(
        task=task, hessian='eFIM', damping=settings['damping'], proj_dim=int(settings['dimensions']), offload='none'
    )
    train = loader(exchange.x_train[:, None], exchange.y_train, TRAIN_BATCH)
    rows = torch.from_numpy(queries)
    test = loader(exchange.x_test[rows, None], exchange.y_test[rows], len(queries))
    with clock.stage('cache'):
        attributor.cache(train)
    with clock.stage('attribute'):
        return as_ours(attributor.attribute(train, test))


def logra(exchange: Exchange, queries: Queries, settings: dict[str, float], clock: Clock) -> Floats:
    return block_projected(exchange, queries, settings, clock, LoGraAttributor)


def factgrass(exchange: Exchange, queries: Queries, settings: dict[str, float], clock: Clock) -> Floats:
    return block_projected(exchange, queries, settings, clock, FactGraSSAttributor)
