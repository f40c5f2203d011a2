/**
 * A deployment compared with what stands on a chain: the chain, the code at every address, who names whom, and the key. What
 * the code is compiled from `meed audit` checks, from the transactions that created it.
 */
import { Contract, type JsonRpcProvider } from 'ethers';
import { MeedError } from '../foundation/index.js';
import { type ContractName, compileContracts } from './compile.js';
import { codeHashes, type Deployment } from './deploy.js';

export interface DeploymentCheck {
  readonly name: string;
  readonly found: string;
  readonly expected: string;
  readonly passed: boolean;
}

/** Which view of a contract must give the address of which other. */
const NAMES: readonly (readonly [ContractName, string, ContractName])[] = [
  ['IndexRegistry', 'datanets', 'DatanetRegistry'],
  ['IndexRegistry', 'token', 'AttributionToken'],
  ['IndexRegistry', 'protocolTerms', 'ProtocolTerms'],
  ['ReceiptBook', 'token', 'AttributionToken'],
  ['ReceiptBook', 'indexes', 'IndexRegistry'],
  ['EpochSettlement', 'book', 'ReceiptBook'],
  ['EpochSettlement', 'verifier', 'Groth16Verifier'],
  ['EpochSettlement', 'protocolTerms', 'ProtocolTerms'],
];

/** Every check, passed or not, in one order. @throws MeedError when the node does not answer */
export async function verifyDeployment(provider: JsonRpcProvider, deployment: Deployment): Promise<DeploymentCheck[]> {
  const checks: DeploymentCheck[] = [];
  const check = (name: string, found: string, expected: string): void => {
    checks.push({ name, found, expected, passed: found.toLowerCase() === expected.toLowerCase() });
  };
  const { addresses, instance } = deployment;
  const compiled = await compileContracts();
  const view = async (name: ContractName, method: string): Promise<string> => {
    try {
      const contract = new Contract(addresses[name], compiled[name].abi, provider);
      return String(await contract.getFunction(method).staticCall());
    } catch (error) {
      return `no answer (${error instanceof Error ? error.message.slice(0, 80) : String(error)})`;
    }
  };
  const chainId: unknown = await provider.send('eth_chainId', []).catch((cause: unknown) => {
    throw new MeedError('The node does not answer', 'Start it, or check its address', { cause });
  });
  check('chain id', String(Number(chainId)), String(deployment.chainId));
  const hashes = await codeHashes(provider, addresses);
  for (const [name, hash] of Object.entries(deployment.codeHashes)) {
    check(`code of ${name}`, Reflect.get(hashes, name) ?? 'none', hash);
  }
  for (const [name, method, other] of NAMES) check(`${name}.${method}`, await view(name, method), addresses[other]);
  check('circuit id', await view('EpochSettlement', 'circuitId'), deployment.circuitId);
  for (const side of ['slots', 'queries', 'columns'] as const) {
    check(`${side} of the circuit`, await view('EpochSettlement', side), String(instance[side]));
  }
  if (deployment.seal !== undefined) {
    check('key of the ceremony', await view('Groth16Verifier', 'keyHash'), deployment.seal.keyHash);
  }
  return checks;
}
