/** The mean of a figure that there is one of for each query and each repetition of a training, with an interval over both. */
import { type BootstrapOptions, bootstrap, type Estimate, meanOf, percentileInterval } from './bootstrap.js';

/**
 * Mean of a matrix of queries × repeats with an interval over both.
 * @param values row-major; NaN where there is none
 */
export function crossedMean(
  values: Float64Array,
  [queries, repeats]: readonly [number, number],
  options: BootstrapOptions = {},
): Estimate {
  const replicates = bootstrap(
    [queries, repeats],
    (queryCounts, repeatCounts) => {
      const counts = Uint32Array.from(
        values,
        (_, i) => queryCounts[Math.floor(i / repeats)] * repeatCounts[i % repeats],
      );
      return meanOf(values, counts);
    },
    options,
  );
  return { value: meanOf(values), ...percentileInterval(replicates, options) };
}
