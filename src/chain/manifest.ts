/**
 * A deployment as other programs read it: beside where the contracts lie, the network as a wallet adds it (EIP-3085), the
 * token as a wallet watches it (EIP-747), and each contract's interface, with the four bytes that name each function and
 * error, so that a page can call it without a library. `parseDeployment` reads the same file.
 * The trap: the node's URL is in it, so it is of use only where that can be reached.
 */
import { Contract, Interface, type JsonRpcProvider } from 'ethers';
import type { JsonObject } from '../foundation/index.js';
import { CONTRACT_NAMES, type CompiledContract, compileContracts } from './compile.js';
import { type Deployment, deploymentJson } from './deploy.js';
import { count, integer, text } from './values.js';

/** @param url where wallets reach the node */
export async function deploymentManifest(
  provider: JsonRpcProvider,
  url: string,
  deployment: Deployment,
): Promise<JsonObject> {
  const compiled = await compileContracts();
  const { AttributionToken } = deployment.addresses;
  const token = new Contract(AttributionToken, compiled.AttributionToken.abi, provider);
  const decimals = integer(await token.getFunction('decimals').staticCall(), 'decimals');
  return {
    ...deploymentJson(deployment),
    network: {
      chainId: `0x${deployment.chainId.toString(16)}`,
      chainName: `Meed chain ${deployment.chainId}`,
      rpcUrls: [url],
      nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
    },
    token: {
      address: AttributionToken,
      symbol: text(await token.getFunction('symbol').staticCall(), 'symbol'),
      decimals: count(decimals, 'decimals'),
    },
    interfaces: Object.fromEntries(CONTRACT_NAMES.map((name) => [name, interfaceJson(compiled[name])])),
  };
}

function interfaceJson({ abi }: CompiledContract): JsonObject {
  const known = new Interface(abi);
  const selectors: Record<string, string> = {};
  known.forEachFunction((fragment) => {
    selectors[fragment.format()] = fragment.selector;
  });
  known.forEachError((fragment) => {
    selectors[fragment.format()] = fragment.selector;
  });
  return { abi: JSON.parse(JSON.stringify(abi)), selectors };
}
