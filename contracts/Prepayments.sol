// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {IPaidIn} from "./IReceipts.sol";

/// @title What payers left with hosts in advance
/// @notice A payer prepays one host, which may spend it on receipts of that payer and on nothing else. The payer takes
/// back what is not spent, after a notice: so a host that has served knows how long it has to post.
/// @dev Invariant: Σ balances = the contract's token balance, but for tokens sent here by mistake.
abstract contract Prepayments is IPaidIn, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    struct Prepayment {
        uint96 balance;
        /// Second from which the payer may take it back; 0 while it gave no notice.
        uint64 reclaimableFrom;
    }

    event Prepaid(address indexed payer, address indexed host, uint256 amount);
    event ReclaimAnnounced(address indexed payer, address indexed host, uint256 from);
    event Reclaimed(address indexed payer, address indexed host, uint256 amount);

    error PrepaymentTooSmall(address payer, address host, uint256 balance, uint256 needed);
    error ReclaimNotDue(address payer, address host, uint256 from);
    error NothingPrepaid(address payer, address host);

    IERC20 public immutable token;
    /// Seconds between a payer's notice and its money.
    uint64 public immutable reclaimNotice;

    mapping(address payer => mapping(address host => Prepayment)) public prepaidOf;

    constructor(IERC20 token_, uint64 reclaimNotice_) {
        token = token_;
        reclaimNotice = reclaimNotice_;
    }

    /// @notice Leaves `amount` token units with a host, from the caller's allowance; takes back a notice given before.
    function prepay(address host, uint96 amount) external nonReentrant {
        Prepayment storage prepayment = prepaidOf[msg.sender][host];
        prepayment.balance += amount;
        prepayment.reclaimableFrom = 0;
        emit Prepaid(msg.sender, host, amount);
        token.safeTransferFrom(msg.sender, address(this), amount);
    }

    /// @notice Announces that the caller wants back what the host has not spent when the notice is over.
    function announceReclaim(address host) external {
        Prepayment storage prepayment = prepaidOf[msg.sender][host];
        if (prepayment.balance == 0) revert NothingPrepaid(msg.sender, host);
        uint64 from = uint64(block.timestamp) + reclaimNotice;
        prepayment.reclaimableFrom = from;
        emit ReclaimAnnounced(msg.sender, host, from);
    }

    /// @notice Takes back what is left, once the notice is over.
    function reclaim(address host) external nonReentrant {
        Prepayment memory prepayment = prepaidOf[msg.sender][host];
        if (prepayment.balance == 0) revert NothingPrepaid(msg.sender, host);
        uint256 from = prepayment.reclaimableFrom;
        if (from == 0 || block.timestamp < from) revert ReclaimNotDue(msg.sender, host, from);
        delete prepaidOf[msg.sender][host];
        emit Reclaimed(msg.sender, host, prepayment.balance);
        token.safeTransfer(msg.sender, prepayment.balance);
    }

    /// @dev Whoever calls this moves the tokens.
    function _spend(address payer, address host, uint96 amount) internal {
        Prepayment storage prepayment = prepaidOf[payer][host];
        uint96 balance = prepayment.balance;
        if (balance < amount) revert PrepaymentTooSmall(payer, host, balance, amount);
        prepayment.balance = balance - amount;
    }
}
