/** Vectors of outputs times a number for each direction: what a diagonal curvature does to them. */
import type { LayerVectors } from './layerVectors.js';

/** @param factors of each layer, [width] @param weight of all */
export function scaledVectors(vectors: LayerVectors, factors: readonly Float32Array[], weight: number): LayerVectors {
  return vectors.map(({ shape, data }, l) => {
    const [factor, width] = [factors[l], shape[1]];
    const scaled = new Float32Array(data.length);
    for (let row = 0; row < data.length; row += width) {
      for (let i = 0; i < width; i++) scaled[row + i] = data[row + i] * factor[i] * weight;
    }
    return { shape, data: scaled };
  });
}
