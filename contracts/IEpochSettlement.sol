// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

import {IPayoutPolicy} from "./IPayoutPolicy.sol";

/// @title What others see of a settlement contract: its shape, its events, and why it refuses
interface IEpochSettlement {
    enum Role {
        Contributor,
        ModelOwner,
        Stakers,
        Treasury,
        Refund
    }

    /// The scores of one shard against one batch, and their proof.
    struct Proven {
        uint256 shard;
        uint256 batch;
        /// S × Q, score[k·Q + q], five bytes each: two's complement, most significant first.
        bytes packedScores;
        /// S addresses, zero at unused slots.
        address[] slotContributors;
        uint256[8] proof;
    }

    /// The sums of one shard against one batch, as in its ShardSettled event.
    struct ShardSums {
        address[] contributors;
        bytes packedSums;
    }

    /// How far a distribution in parts has come. Every contributor is weighed first, shard by shard; then, from the first
    /// shard again, each is paid.
    struct Distribution {
        /// Whether all are weighed.
        bool paying;
        /// The next shard.
        uint256 shard;
        /// Token units credited to contributors.
        uint256 given;
        /// By the epoch's payout policy, of those weighed.
        uint256[] weights;
        /// The contributor whose slots may go on in the next shard, and Q sums of those so far; zero and none at first.
        address account;
        int256[] sums;
    }

    /// @notice A shard of a batch was proven. `packedSums` holds contributors × Q sums of scores, row by row, six bytes
    /// each: two's complement, most significant first.
    event ShardSettled(
        uint256 indexed epoch,
        uint256 indexed batch,
        uint256 indexed shard,
        uint256 rho,
        address[] contributors,
        bytes packedSums
    );
    event EpochFinalized(uint256 indexed epoch);
    /// @notice Part of a batch was distributed; whoever goes on says so far how.
    event DistributionAdvanced(uint256 indexed epoch, uint256 indexed batch, Distribution soFar);
    /// @notice One receipt's fee was split. `pool` is the contributors' part.
    event ReceiptPaid(
        uint256 indexed epoch,
        uint256 indexed batch,
        uint256 receipt,
        bytes32 outputHash,
        uint256 fee,
        uint256 pool
    );
    /// @notice A batch is paid whole. Of the contributors' parts `dust` went to the treasury: what rounding left, or pools
    /// that nobody earned.
    event BatchPaid(uint256 indexed epoch, uint256 indexed batch, uint256 dust);
    /// @notice Contributors may withdraw more, each for all receipts of this batch together: 20 bytes of the account,
    /// 12 of the amount. One event for many, since one each would cost more than half of the credit itself.
    event ContributorsCredited(uint256 indexed epoch, uint256 indexed batch, bytes32[] credits);
    /// @notice The account may withdraw `amount` more, for all receipts of this batch together.
    event Credited(
        address indexed account, uint256 indexed epoch, uint256 indexed batch, Role role, uint256 amount
    );
    event Withdrawn(address indexed account, address indexed to, uint256 amount);
    event RefundsOpened(uint256 indexed epoch);

    error PolicyOutOfBounds(IPayoutPolicy policy);
    error EmptyInstance();
    error TooManyColumns(uint256 columns);
    error SettledElsewhere(uint256 epoch, address settlement);
    error EpochStillOpen(uint256 epoch);
    error EpochNotSettling(uint256 epoch);
    error EpochNotFinal(uint256 epoch);
    error IndexNotPayable(bytes32 index);
    error AlreadySettled(uint256 epoch, uint256 shard, uint256 batch);
    error WrongScoreBytes(uint256 given, uint256 needed);
    error WrongSlotCount(uint256 given, uint256 needed);
    error ContributorsMismatch(bytes32 given, bytes32 registered);
    error ProofRejected(uint256 epoch, uint256 shard, uint256 batch);
    error ProofsRejected(uint256 epoch, uint256 proofs);
    error EpochIncomplete(uint256 settled, uint256 needed);
    error AlreadyDistributed(uint256 epoch, uint256 batch);
    error ReceiptsMismatch(bytes32 given, bytes32 posted);
    error WrongShardCount(uint256 given, uint256 needed);
    error SumsMismatch(uint256 shard);
    error DistributionBegun(uint256 epoch, uint256 batch);
    error DistributionMismatch(bytes32 given, bytes32 kept);
    error RefundNotDue(uint256 epoch, uint256 dueAt);
    error AlreadyRefunded(uint256 epoch, uint256 batch);
    error NothingToWithdraw(address account);
    error SignatureExpired(uint256 deadline);
    error NotSignedByAccount(address account);

    /// @notice S: slots of a shard.
    function slots() external view returns (uint256);
    /// @notice Q: receipts of a batch.
    function queries() external view returns (uint256);
}
