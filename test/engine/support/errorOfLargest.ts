type Outputs = Readonly<Record<string, { readonly data: ArrayLike<number> }>>;

/** An output below it, as the gradient of a bias of keys, which is zero, is measured against it. */
const SMALL = 1e-3;

/** Largest error of an output ÷ its largest entry, over all outputs. */
export function errorOfLargest(given: Outputs, exact: Outputs): number {
  return Math.max(
    ...Object.entries(exact).map(([name, { data }]) => {
      const size = Array.from(data).reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      const { data: values } = given[name];
      const error = Array.from(data).reduce((most, value, i) => Math.max(most, Math.abs(values[i] - value)), 0);
      return values.length === data.length ? error / Math.max(size, SMALL) : Number.NaN;
    }),
  );
}
