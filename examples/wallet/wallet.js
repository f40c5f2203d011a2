/**
 * What an account was credited, and its withdrawal, with nothing but the browser's wallet (EIP-1193) and deployment.json:
 * the network to add, the token to watch, and the four bytes that name each function and error. Arguments and results
 * here are addresses and numbers alone, one word each.
 * The traps: the person may change account or network at any time, so both are asked for before every step; and a sent
 * transaction is not yet mined.
 */

const WORD = 64;
const POLLING_MS = 500;
/** Answers of wallets (EIP-1193, EIP-3085): the person refused; the network is not known. */
const REFUSED = 4001;
const UNKNOWN_NETWORK = 4902;

const element = (id) => document.getElementById(id);

/** "12.5 MEED" from the token's smallest units. */
function amountText(units, { symbol, decimals }) {
  const digits = String(units).padStart(decimals + 1, '0');
  const fraction = digits.slice(digits.length - decimals).replace(/0+$/, '');
  const whole = digits.slice(0, digits.length - decimals);
  return `${whole}${fraction === '' ? '' : `.${fraction}`} ${symbol}`;
}

/** Wallets hand a contract's error on at different depths. */
function revertData(error) {
  for (let at = error; at !== null && typeof at === 'object'; at = at.data ?? at.cause) {
    if (typeof at.data === 'string' && /^0x[0-9a-f]{8}/i.test(at.data)) return at.data;
  }
  return undefined;
}

/** A sentence about what went wrong, with the contract's own word for it where there is one. */
function problemText(error, selectors) {
  if (error?.code === REFUSED) return 'You refused in the wallet; nothing was sent.';
  const data = revertData(error);
  const name = Object.keys(selectors).find((known) => data?.startsWith(selectors[known]));
  if (name !== undefined) return `The contract refused: ${name.split('(')[0]}.`;
  return `It did not work: ${error?.message ?? String(error)}`;
}

class Page {
  #wallet;
  #deployment;

  constructor(wallet, deployment) {
    this.#wallet = wallet;
    this.#deployment = deployment;
  }

  get selectors() {
    return this.#deployment.interfaces.EpochSettlement.selectors;
  }

  #ask(method, ...params) {
    return this.#wallet.request({ method, params });
  }

  /** A view's result, one number. */
  async #view(contract, signature, address) {
    const { addresses, interfaces } = this.#deployment;
    const argument = address.slice(2).toLowerCase().padStart(WORD, '0');
    const data = `${interfaces[contract].selectors[signature]}${argument}`;
    return BigInt(await this.#ask('eth_call', { to: addresses[contract], data }, 'latest'));
  }

  async #onNetwork() {
    return Number(await this.#ask('eth_chainId')) === Number(this.#deployment.network.chainId);
  }

  /** Makes the wallet use the deployment's network, which it is told when it does not know it. */
  async #enterNetwork() {
    const { network } = this.#deployment;
    if (await this.#onNetwork()) return;
    try {
      await this.#ask('wallet_switchEthereumChain', { chainId: network.chainId });
    } catch (error) {
      if (error.code !== UNKNOWN_NETWORK) throw error;
      await this.#ask('wallet_addEthereumChain', network);
    }
    if (!(await this.#onNetwork())) throw new Error(`the wallet is still on another network than ${network.chainName}`);
  }

  async connect() {
    await this.#ask('eth_requestAccounts');
    await this.#enterNetwork();
    await this.refresh();
    return 'Connected.';
  }

  async watch() {
    const { address, symbol, decimals } = this.#deployment.token;
    // the one method whose parameters are no list
    const params = { type: 'ERC20', options: { address, symbol, decimals } };
    const added = await this.#wallet.request({ method: 'wallet_watchAsset', params });
    return added ? 'The wallet shows the token.' : 'The wallet does not show the token.';
  }

  async withdraw() {
    await this.#enterNetwork();
    const [from] = await this.#ask('eth_accounts');
    const transaction = { from, to: this.#deployment.addresses.EpochSettlement, data: this.selectors['withdraw()'] };
    // asked first, so that a refusal comes with the contract's reason and not as a guess of the wallet about gas
    await this.#ask('eth_call', transaction, 'latest');
    const hash = await this.#ask('eth_sendTransaction', transaction);
    say(`Sent ${hash}; waiting for its block …`);
    for (;;) {
      const receipt = await this.#ask('eth_getTransactionReceipt', hash);
      if (receipt !== null) {
        await this.refresh();
        return Number(receipt.status) === 1 ? `Withdrawn in transaction ${hash}.` : `Transaction ${hash} failed.`;
      }
      await new Promise((resolve) => setTimeout(resolve, POLLING_MS));
    }
  }

  /** Shows what the present account has; nothing of it on another network. */
  async refresh() {
    const [account] = await this.#ask('eth_accounts');
    const { network, token } = this.#deployment;
    const here = await this.#onNetwork();
    element('network').textContent = here ? network.chainName : `another network than ${network.chainName}`;
    element('account').textContent = account ?? 'not connected';
    const known = here && account !== undefined;
    const credit = known ? await this.#view('EpochSettlement', 'creditOf(address)', account) : undefined;
    const balance = known ? await this.#view('AttributionToken', 'balanceOf(address)', account) : undefined;
    element('credit').textContent = credit === undefined ? '–' : amountText(credit, token);
    element('balance').textContent = balance === undefined ? '–' : amountText(balance, token);
    element('watch').disabled = !known;
    element('withdraw').disabled = !known;
  }
}

function say(text) {
  element('status').textContent = text;
}

/** Does one step at a time and says what became of it. */
async function step(page, work) {
  say('…');
  try {
    say(await work());
  } catch (error) {
    say(problemText(error, page.selectors));
  }
}

async function start() {
  const response = await fetch('deployment.json');
  if (!response.ok) {
    say('deployment.json is not beside this page: write it with `meed chain up --file`.');
    return;
  }
  const deployment = await response.json();
  element('network').textContent = deployment.network.chainName;
  const wallet = window.ethereum;
  if (wallet === undefined) {
    say('There is no wallet in this browser.');
    return;
  }
  const page = new Page(wallet, deployment);
  for (const name of ['connect', 'watch', 'withdraw']) {
    element(name).addEventListener('click', () => step(page, () => page[name]()));
  }
  for (const event of ['accountsChanged', 'chainChanged']) {
    wallet.on?.(event, () => step(page, () => page.refresh().then(() => 'The wallet changed.')));
  }
  element('connect').disabled = false;
}

await start();
