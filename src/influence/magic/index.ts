export { type DeterministicRun, type Magic, magic } from './magic.js';
export type { MagicBlock, MagicBlockInput } from './magicBlock.task.js';
export { fewestStates, record, rewind, type Steps, type Tape } from './rewind.js';
