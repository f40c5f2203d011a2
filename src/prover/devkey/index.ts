export { developmentKey, type ProvingKey } from './developmentKey.js';
