/** The tasks that the tests' workers serve. */
import { registry } from '../../src/work/index.js';

export const testTasks = registry(import.meta.url, {
  'test.behave': './behave.task.js',
  'test.block-product': './blockProduct.task.js',
});
