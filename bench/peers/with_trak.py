"""TRAK's own library (Park et al., 2023; PyPI `traker`), on its projector for machines without CUDA.

`BasicProjector` draws the projection again for every batch, so batches are large; half precision, its default, is off,
since CPUs multiply it slowly and it says in its source that its inverses need float32. Its image-classification output
is the margin, so scores are positive where a sample helps. It writes its features to a folder, which is part of what it
does and is timed with it.
"""

import logging
import tempfile

import numpy
import torch
from numpy.typing import NDArray
from trak import TRAKer

from clock import Clock
from exchange import Exchange, Floats


def trak(exchange: Exchange, queries: NDArray[numpy.int64], settings: dict[str, float], clock: Clock) -> Floats:
    count, batch = int(settings['models']), int(settings['batch'])
    if len(exchange.ensemble) < count:
        raise LookupError(f'task.json names an ensemble of {len(exchange.ensemble)} models, and {count} are asked for.')
    states = {run: exchange.state(run) for run in exchange.ensemble[:count]}
    chosen = torch.from_numpy(queries)
    with tempfile.TemporaryDirectory() as folder:
        traker = TRAKer(
            model=exchange.empty().eval(),
            task='image_classification',
            train_set_size=exchange.samples,
            save_dir=folder,
            device='cpu',
            proj_dim=int(settings['dimensions']),
            use_half_precision=False,
            lambda_reg=settings['damping'],
            logging_level=logging.WARNING,
        )
        with clock.stage('cache'):
            for run, state in states.items():
                traker.load_checkpoint(state, model_id=run)
                for images, labels in zip(exchange.x_train.split(batch), exchange.y_train.split(batch)):
                    traker.featurize(batch=(images, labels), num_samples=len(images))
            traker.finalize_features()
        with clock.stage('attribute'):
            for run, state in states.items():
                traker.start_scoring_checkpoint('queries', state, model_id=run, num_targets=len(queries))
                traker.score(batch=(exchange.x_test[chosen], exchange.y_test[chosen]), num_samples=len(queries))
            scores = numpy.array(traker.finalize_scores(exp_name='queries'), dtype=numpy.float32)
        return numpy.ascontiguousarray(scores.T)
