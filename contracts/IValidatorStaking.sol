// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

/// @title What other contracts ask of the staking contract
/// @notice `Disputes` slashes and freezes; it and `IndexRegistry` lock a part of a validator's own stake as a bond.
/// All amounts are token units, all times seconds, all shares WAD (1e18 is the whole).
interface IValidatorStaking {
    /// @notice Reserves own active stake of a validator, so that it cannot be unbonded; lockers only.
    /// @dev Locked stake stays slashable like any other: a slash may leave less than what is locked.
    /// @param id the locker's own name of the bond; lockers' names do not collide
    function lock(address validator, uint256 amount, bytes32 id) external;

    /// @notice Gives a bond of the caller free again; lockers only.
    function unlock(bytes32 id) external;

    /// @notice Takes `share` of all stake of a validator, own and delegated, that was active or unbonding at `offenceAt`
    /// and is still here; slasher only. No tokens move: see `burnSlashed` and `claimReward`.
    /// @param offenceId what is punished: once each
    /// @param offenceAt at most the evidence span ago
    /// @param challenger is owed `rewardShare` of what is taken of the validator's own stake; the rest is burned
    /// @param rewardShare at most one half
    /// @return taken of own and delegated stake together
    /// @return reward of the challenger
    function slash(
        address validator,
        bytes32 offenceId,
        uint256 offenceAt,
        uint256 share,
        address challenger,
        uint256 rewardShare
    ) external returns (uint256 taken, uint256 reward);

    /// @notice Holds back withdrawals of a validator's stake until `until`; slasher only. A past time lifts the freeze.
    /// @dev However often this is called, no request waits longer than the freeze span after its release.
    function freeze(address validator, uint256 until) external;

    /// @notice Own active stake of a validator now.
    function ownStake(address validator) external view returns (uint256);

    /// @notice Own active stake of a validator that no bond reserves.
    function freeStake(address validator) external view returns (uint256);

    /// @notice Whether a validator is registered and has the minimum of own active stake.
    function isBonded(address validator) external view returns (bool);

    /// @notice What a slash of the whole for an offence at that time would take now.
    function exposedStake(address validator, uint256 offenceAt) external view returns (uint256 own, uint256 delegated);

    /// @notice Active stake at the end of a past second.
    function stakeAt(address validator, uint256 timestamp) external view returns (uint256 own, uint256 delegated);
}
