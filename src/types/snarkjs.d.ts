declare module 'snarkjs' {
  export interface SnarkProof {
    readonly pi_a: readonly string[];
    readonly pi_b: readonly (readonly string[])[];
    readonly pi_c: readonly string[];
    readonly protocol: string;
    readonly curve: string;
  }

  export interface SnarkVerificationKey {
    readonly protocol: string;
    readonly curve: string;
    readonly nPublic: number;
    readonly vk_alpha_1: readonly string[];
    readonly vk_beta_2: readonly (readonly string[])[];
    readonly vk_gamma_2: readonly (readonly string[])[];
    readonly vk_delta_2: readonly (readonly string[])[];
    readonly IC: readonly (readonly string[])[];
  }

  export const groth16: {
    prove(
      zkey: string,
      witness: string,
      logger?: undefined,
      options?: { readonly singleThread?: boolean },
    ): Promise<{ proof: SnarkProof; publicSignals: string[] }>;
    verify(key: SnarkVerificationKey, publicSignals: readonly string[], proof: SnarkProof): Promise<boolean>;
  };

  export const zKey: {
    exportVerificationKey(zkey: string): Promise<SnarkVerificationKey>;
    verifyFromR1cs(r1cs: string, phase1: string, zkey: string): Promise<boolean>;
  };
}
