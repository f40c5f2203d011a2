/** The numbers of docs/protocol.md that a verifier needs, and the largest bundle that it will look at. */

/** Order of BN254's groups: public signals, commitments and challenges are below it. */
export const SCALAR_MODULUS = 21888242871839275222246405745257275088548364400416034343698204186575808495617n;
/** Modulus of BN254's base field: coordinates are below it. */
export const BASE_MODULUS = 21888242871839275222246405745257275088696311157297823662689037894645226208583n;
/** Slot and query entries are in [−32767, 32767]. */
export const ENTRY_MAX = 32767;
export const BASIS_POINTS = 10_000;
/** shardCommitment, queryBatchCommitment, rho, evaluation. */
export const PUBLIC_SIGNALS = 4;
/** α (2) β (4) γ (4) δ (4) IC_0 … IC_4 (2 each), imaginary parts first. */
export const KEY_WORDS = 24;
export const PROOF_WORDS = 8;

/** Meed's development key has this x of δ and public secrets: it counts on this chain only. */
export const DEVELOPMENT_DELTA_X: readonly [bigint, bigint] = [
  21143968729057999302115787582452985956821065258138870958822533271768036480642n,
  3690447125038241572931432816337289511675275435568491449119848201216176909813n,
];
export const DEVELOPMENT_CHAIN = 31337n;

/** Bounds on what is read, so that no input takes more than its share of memory. */
export const TEXT_MAX = 1 << 26;
export const SHAPE_MAX = 256;
export const SHARDS_MAX = 256;
export const BATCHES_MAX = 4096;
export const PROOFS_MAX = 4096;
/** Four roles at most for each contributor of each batch. */
export const CREDITS_MAX = 1 << 20;
