export { PROVER_NAMES, type ProverChoice, type ProverName } from './backend.js';
export { type Capacity, capacityWithin, proverBytes } from './capacity.js';
export { queryMeanStatementOf, querySumStatements } from './foldStatements.js';
export { ProofStore, type StoredProof } from './proofStore.js';
export { ProverPool } from './proverPool.js';
export { type ProvenStatements, type ProvingOptions, proveStatements } from './proveStatements.js';
export { findRapidsnark } from './rapidsnark.js';
export { type SentSignals, type Statement, sentSignals, statementId } from './statement.js';
