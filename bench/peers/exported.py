"""Runs exported graphs with Python's onnxruntime and compares with the outputs beside them (bench/exported.ts).

Prints the largest difference of each graph, relative to its output's largest entry; above 1e-5 is a failure.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy
import onnxruntime

TOLERANCE = 1e-5


def read(folder: Path, entry: dict[str, object]) -> numpy.ndarray:
    return numpy.fromfile(folder / str(entry['file']), dtype=numpy.float32).reshape(entry['shape'])


def worst(folder: Path) -> float:
    """Largest relative difference over all outputs of one graph."""
    tensors = json.loads((folder / 'tensors.json').read_text())
    session = onnxruntime.InferenceSession(str(folder / 'model.onnx'), providers=['CPUExecutionProvider'])
    feeds = {entry['name']: read(folder, entry) for entry in tensors['inputs']}
    found = session.run([entry['name'] for entry in tensors['outputs']], feeds)
    differences = []
    for entry, theirs in zip(tensors['outputs'], found, strict=True):
        ours = read(folder, entry)
        scale = max(float(numpy.abs(ours).max()), 1e-30)
        differences.append(float(numpy.abs(ours - theirs).max()) / scale)
    return max(differences)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument('folder', type=Path)
    parser.add_argument('--json', type=Path)
    options = parser.parse_args()
    figures: dict[str, object] = {'onnxruntime': onnxruntime.__version__}
    print(f'| exported graph | largest relative difference in onnxruntime {onnxruntime.__version__} for Python |')
    print('|---|---|')
    for folder in sorted(path for path in options.folder.iterdir() if path.is_dir()):
        figures[folder.name] = worst(folder)
        print(f'| {folder.name} | {figures[folder.name]:.1e} |')
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + '\n')
    # `not <=` also catches differences that are no number
    failed = [name for name, value in figures.items() if isinstance(value, float) and not value <= TOLERANCE]
    for name in failed:
        print(f'{name} differs by more than {TOLERANCE}.', file=sys.stderr)
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
