export { type CompiledCircuit, compileCircuit, instanceName } from './circuit.js';
export { developmentKey, type ProvingKey } from './devkey/index.js';
export { type CircuitInput, type Groth16Proof, prove, verify, witness } from './groth16.js';
export { expectedConstraints, type ListedInstance, listedInstances } from './instances.js';
export {
  type ScoreMatrixStatement,
  type ScoreMatrixWitness,
  scoreMatrixInput,
  scoreMatrixStatement,
} from './scoreMatrix.js';
export { assertKeyIsSound, circuitId, keyWords, type VerificationKey } from './verificationKey.js';
