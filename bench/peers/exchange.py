"""The folder through which the bench hands one attribution task to the Python peers; attribution.py says what it holds.

Everything is checked as it is read, because a peer fed with a transposed layer or with the wrong sign still answers,
and its answer looks like a bad method. The strongest check is `losses.npy`: the losses that the other side measured
with the same weights must come out here too.

LDS (Park et al., 2023, section 2): for each query the Spearman correlation, over the retrained subsets, of the measured
output with the sum of the scores of the subset's samples; the mean over queries. A query whose outputs or predictions
are all equal has no correlation and is left out.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy
import torch
from numpy.typing import NDArray
from scipy.stats import rankdata
from torch import Tensor, nn
from torch.nn import functional as F

from models import perceptron

Floats = NDArray[numpy.float32]
MOST_RUNS = 1_000_000
LOSS_TOLERANCE = 1e-3
"""Largest difference of a loss, relative to one plus it, between two float32 engines on the same weights."""


class ExchangeError(Exception):
    """What is wrong with the folder and what to do, in two sentences."""


@dataclass(frozen=True)
class Checkpoints:
    """Checkpoints along one training run, with the learning rate at each."""

    runs: list[int]
    rates: list[float]


@dataclass(frozen=True)
class Exchange:
    """One task, read and checked. Scores are [queries, samples], positive where the sample helped the query."""

    folder: Path
    setting: str
    widths: tuple[int, ...]
    dropout: float
    threads: int
    full: int
    ensemble: list[int]
    path: Checkpoints | None
    held_out: NDArray[numpy.int64]
    methods: list[dict[str, object]] | None
    x_train: Tensor
    y_train: Tensor
    x_test: Tensor
    y_test: Tensor
    masks: NDArray[numpy.uint8]
    truth: Floats

    @property
    def samples(self) -> int:
        return len(self.x_train)

    @property
    def judged(self) -> NDArray[numpy.int64]:
        """The queries that figures are about: all but those that settings are chosen on."""
        return numpy.setdiff1d(numpy.arange(len(self.x_test)), self.held_out)

    def state(self, run: int) -> dict[str, Tensor]:
        """Weights of one run as PyTorch names and lays them out ([out, in])."""
        flat = array(self.folder / 'runs' / str(run) / 'parameters.npy', 'f', (parameter_count(self.widths),))
        state: dict[str, Tensor] = {}
        names = [name for name, module in self.empty().named_modules() if isinstance(module, nn.Linear)]
        at = 0
        for name, inputs, outputs in zip(names, self.widths, self.widths[1:]):
            weight = flat[at : at + inputs * outputs].reshape(inputs, outputs)
            at += inputs * outputs
            state[f'{name}.weight'] = torch.from_numpy(weight.T.copy())
            state[f'{name}.bias'] = torch.from_numpy(flat[at : at + outputs].copy())
            at += outputs
        return state

    def empty(self) -> nn.Sequential:
        return perceptron(self.widths, self.dropout)

    def model(self, run: int) -> nn.Sequential:
        """One run's model in eval mode."""
        model = self.empty()
        model.load_state_dict(self.state(run))
        return model.eval()

    def check_losses(self, run: int) -> None:
        """Compares the losses of a run on the queries with those the other side measured, where it gave any."""
        file = self.folder / 'runs' / str(run) / 'losses.npy'
        if not file.exists():
            return
        theirs = array(file, 'f', (len(self.x_test),))
        with torch.no_grad():
            ours = F.cross_entropy(self.model(run)(self.x_test), self.y_test, reduction='none').numpy()
        difference = float((numpy.abs(ours - theirs) / (1 + numpy.abs(theirs))).max())
        if not difference <= LOSS_TOLERANCE:
            raise ExchangeError(
                f'The losses of run {run} differ by {difference:.2g} from {file.name}. '
                'Write the parameters layer by layer, weight [in, out] row-major and then bias.'
            )

    def lds(self, scores: Floats, queries: NDArray[numpy.int64]) -> float | None:
        """Mean over `queries` of the Spearman correlation over subsets; none where no query has one.

        Scores are [len(queries), samples].
        """
        if scores.shape != (len(queries), self.samples):
            raise ExchangeError(
                f'The scores are {list(scores.shape)}, not {[len(queries), self.samples]}. Return [queries, samples].'
            )
        if not numpy.isfinite(scores).all():
            raise ExchangeError('The scores hold values that are no finite number. Raise the damping.')
        predicted = self.masks.astype(numpy.float64) @ scores.T.astype(numpy.float64)
        correlations = column_correlations(rankdata(predicted, axis=0), rankdata(self.truth[:, queries], axis=0))
        known = correlations[numpy.isfinite(correlations)]
        return float(known.mean()) if len(known) > 0 else None


def column_correlations(a: NDArray[numpy.float64], b: NDArray[numpy.float64]) -> NDArray[numpy.float64]:
    """Pearson correlation of each pair of columns; NaN where one is constant."""
    a, b = a - a.mean(0), b - b.mean(0)
    with numpy.errstate(invalid='ignore', divide='ignore'):
        return (a * b).sum(0) / numpy.sqrt((a * a).sum(0) * (b * b).sum(0))


def parameter_count(widths: tuple[int, ...]) -> int:
    return sum((inputs + 1) * outputs for inputs, outputs in zip(widths, widths[1:]))


def array(file: Path, kind: str, shape: tuple[int | None, ...]) -> NDArray:
    """Reads an .npy file of a NumPy kind ('f', 'i', 'u') and a shape whose None fits anything."""
    if not file.exists():
        raise ExchangeError(f'There is no {file}. Write it before the peers are run.')
    values = numpy.load(file, allow_pickle=False)
    fits = len(values.shape) == len(shape) and all(want in (None, have) for want, have in zip(shape, values.shape))
    if values.dtype.kind != kind or not fits:
        wanted = ['any' if want is None else want for want in shape]
        raise ExchangeError(f'{file} is {values.dtype} {list(values.shape)}. It must be of kind {kind} and {wanted}.')
    if kind == 'f' and not numpy.isfinite(values).all():
        raise ExchangeError(f'{file} holds values that are no finite number. Write finite ones.')
    return values


def indices(values: object, name: str, count: int) -> list[int]:
    """A JSON list of distinct indices below `count`."""
    if not isinstance(values, list) or any(type(value) is not int or not 0 <= value < count for value in values):
        raise ExchangeError(f'{name} of task.json is {values}. It must be a list of indices below {count}.')
    if len(set(values)) != len(values):
        raise ExchangeError(f'{name} of task.json names an index twice. Name each once.')
    return values


def read(folder: Path) -> Exchange:
    """Reads and checks the whole folder."""
    file = folder / 'task.json'
    if not file.exists():
        raise ExchangeError(f'There is no {file}. Write the exchange folder first.')
    task = json.loads(file.read_text())
    absent = [key for key in ('setting', 'widths', 'dropout', 'threads', 'full') if key not in task]
    if absent:
        raise ExchangeError(f'task.json lacks {", ".join(absent)}. attribution.py lists what it must hold.')
    widths = tuple(task['widths'])
    if len(widths) < 2 or any(type(width) is not int or width < 1 for width in widths):
        raise ExchangeError(f'widths of task.json is {list(widths)}. Give at least inputs and classes, all above 0.')
    if type(task['threads']) is not int or task['threads'] < 1:
        raise ExchangeError(f'threads of task.json is {task["threads"]}. Give a whole number above 0.')
    x_train = array(folder / 'x_train.npy', 'f', (None, widths[0])).astype(numpy.float32)
    x_test = array(folder / 'x_test.npy', 'f', (None, widths[0])).astype(numpy.float32)
    masks = array(folder / 'masks.npy', 'u', (None, len(x_train)))
    path = task.get('path')
    exchange = Exchange(
        folder=folder,
        setting=task['setting'],
        widths=widths,
        dropout=float(task['dropout']),
        threads=int(task['threads']),
        full=task['full'],
        ensemble=indices(task.get('ensemble', []), 'ensemble', MOST_RUNS),
        path=None if path is None else checkpoints(path),
        held_out=numpy.array(indices(task.get('heldOut', []), 'heldOut', len(x_test)), dtype=numpy.int64),
        methods=task.get('methods'),
        x_train=torch.from_numpy(x_train),
        y_train=labels(folder / 'y_train.npy', len(x_train), widths[-1]),
        x_test=torch.from_numpy(x_test),
        y_test=labels(folder / 'y_test.npy', len(x_test), widths[-1]),
        masks=masks,
        truth=array(folder / 'truth.npy', 'f', (len(masks), len(x_test))),
    )
    if len(exchange.judged) == 0:
        raise ExchangeError('heldOut of task.json names every query. Leave some to be judged on.')
    for run in {exchange.full, *exchange.ensemble, *(exchange.path.runs if exchange.path is not None else [])}:
        exchange.check_losses(run)
    return exchange


def checkpoints(path: dict[str, list[float]]) -> Checkpoints:
    runs, rates = indices(path.get('runs'), 'path.runs', MOST_RUNS), path.get('rates', [])
    if len(runs) != len(rates):
        raise ExchangeError(f'path of task.json has {len(runs)} runs and {len(rates)} rates. Give each its rate.')
    return Checkpoints(runs, [float(rate) for rate in rates])


def labels(file: Path, count: int, classes: int) -> Tensor:
    values = array(file, 'i', (count,)).astype(numpy.int64)
    if values.min() < 0 or values.max() >= classes:
        raise ExchangeError(f'{file} holds {values.min()} to {values.max()}. Labels are 0 to {classes - 1}.')
    return torch.from_numpy(values)
