export type { ProvingKey } from '../provingKey.js';
export { developmentKey } from './developmentKey.js';
