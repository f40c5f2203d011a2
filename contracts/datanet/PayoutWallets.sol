// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {Nonces} from "@openzeppelin/contracts/utils/Nonces.sol";

/// @title The wallet that acts for a contributor and receives its pay
/// @notice A contributor is the address that proposed; it stays the name in ids, slots and credits for ever. Its wallet
/// is that address until it is moved. Moving takes three steps: the present wallet signs (EIP-712, or EIP-1271 if it is
/// a contract), seven days pass in which it can still cancel, and the new wallet accepts with a transaction of its own.
/// @dev The wallet is recorded per contributor and never looked up again, so there are no chains to follow and no cycles:
/// if A's wallet is B and B's is A, each is paid to the other and nothing loops. The delays are constants, because
/// whoever could shorten them could help to take a contributor's pay.
abstract contract PayoutWallets is EIP712, Nonces {
    struct PendingWallet {
        address wallet;
        /// Unix seconds; from then on the wallet may accept.
        uint64 acceptableFrom;
    }

    /// Seconds between request and effect: the time to notice a stolen signature.
    uint64 public constant WALLET_CHANGE_DELAY = 7 days;
    /// Seconds in which the new wallet may accept; an old request does not lie in wait.
    uint64 public constant ACCEPTANCE_WINDOW = 30 days;
    bytes32 public constant WALLET_CHANGE_TYPEHASH =
        keccak256("WalletChange(address contributor,address newWallet,uint256 nonce,uint256 deadline)");

    event WalletChangeRequested(
        address indexed contributor, address indexed wallet, address indexed newWallet, uint64 acceptableFrom
    );
    event WalletChangeCancelled(address indexed contributor, address indexed wallet, uint256 nextNonce);
    event WalletChanged(address indexed contributor, address indexed wallet, address indexed newWallet);

    error SignatureExpired(uint256 deadline);
    error InvalidWalletSignature(address contributor, address wallet);
    error SameWallet(address contributor, address wallet);
    error NotContributorWallet(address contributor, address caller);
    error NotPendingWallet(address contributor, address caller);
    error WalletChangeNotDue(address contributor, uint64 acceptableFrom);
    error WalletChangeLapsed(address contributor, uint64 acceptableUntil);

    mapping(address contributor => address) private _wallets;
    mapping(address contributor => PendingWallet) public pendingWalletOf;

    constructor() EIP712("Meed DatanetRegistry", "1") {}

    /// @notice Starts moving a contributor's wallet; anyone may bring the signature. A newer request replaces an older one.
    /// @param deadline unix seconds after which the signature is worth nothing
    /// @param signature of the contributor's present wallet over WalletChange with nonces(contributor)
    function requestWalletChange(address contributor, address newWallet, uint256 deadline, bytes calldata signature)
        external
    {
        if (block.timestamp > deadline) revert SignatureExpired(deadline);
        address wallet = payoutOf(contributor);
        if (newWallet == wallet) revert SameWallet(contributor, newWallet);
        bytes32 change =
            keccak256(abi.encode(WALLET_CHANGE_TYPEHASH, contributor, newWallet, _useNonce(contributor), deadline));
        if (!SignatureChecker.isValidSignatureNowCalldata(wallet, _hashTypedDataV4(change), signature)) {
            revert InvalidWalletSignature(contributor, wallet);
        }
        uint64 acceptableFrom = uint64(block.timestamp) + WALLET_CHANGE_DELAY;
        pendingWalletOf[contributor] = PendingWallet(newWallet, acceptableFrom);
        emit WalletChangeRequested(contributor, wallet, newWallet, acceptableFrom);
    }

    /// @notice Stops the pending change, if there is one, and makes every signature given so far worthless.
    function cancelWalletChange(address contributor) external {
        _requireWallet(contributor);
        delete pendingWalletOf[contributor];
        _useNonce(contributor);
        emit WalletChangeCancelled(contributor, msg.sender, nonces(contributor));
    }

    /// @notice The new wallet takes over, after the delay.
    function acceptWallet(address contributor) external {
        PendingWallet memory pending = pendingWalletOf[contributor];
        if (msg.sender != pending.wallet) revert NotPendingWallet(contributor, msg.sender);
        if (block.timestamp < pending.acceptableFrom) revert WalletChangeNotDue(contributor, pending.acceptableFrom);
        uint64 acceptableUntil = pending.acceptableFrom + ACCEPTANCE_WINDOW;
        if (block.timestamp > acceptableUntil) revert WalletChangeLapsed(contributor, acceptableUntil);
        emit WalletChanged(contributor, payoutOf(contributor), msg.sender);
        _wallets[contributor] = msg.sender;
        delete pendingWalletOf[contributor];
    }

    /// @notice Where a contributor's pay goes, and who acts for it: itself until its wallet was moved.
    function payoutOf(address contributor) public view returns (address) {
        address wallet = _wallets[contributor];
        return wallet == address(0) ? contributor : wallet;
    }

    function _requireWallet(address contributor) internal view {
        if (msg.sender != payoutOf(contributor)) revert NotContributorWallet(contributor, msg.sender);
    }
}
