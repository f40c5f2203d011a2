// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

import {DatanetRegistry} from "../../../contracts/DatanetRegistry.sol";
import {Disputes} from "../../../contracts/Disputes.sol";
import {IPayoutPolicy} from "../../../contracts/IPayoutPolicy.sol";
import {IStatementVerifier} from "../../../contracts/IStatementVerifier.sol";
import {IndexRegistry} from "../../../contracts/IndexRegistry.sol";
import {ProtocolTerms} from "../../../contracts/ProtocolTerms.sol";
import {StatementVerifier} from "../../../contracts/StatementVerifier.sol";
import {ValidatorStaking} from "../../../contracts/ValidatorStaking.sol";
import {Committee} from "../../../contracts/judges/Committee.sol";
import {DataRequests} from "../../../contracts/judges/DataRequests.sol";
import {Equivocation} from "../../../contracts/judges/Equivocation.sol";
import {RowAnswers} from "../../../contracts/judges/RowAnswers.sol";
import {PositivePart} from "../../../contracts/policies/PositivePart.sol";
import {StakePool} from "../../../contracts/libraries/StakePool.sol";
import {OpenToken} from "../staking/Tokens.sol";
import {TestKeys} from "../support/TestKeys.sol";
import {PoseidonTables} from "./PoseidonTables.sol";

/// Registries, staking, disputes and the three judges as they are deployed, with people around them and indexes of six rows.
/// The trap: the optimiser may read block.timestamp once for a whole function, so tests that move the clock ask the machine.
abstract contract JudgesWorld is PoseidonTables {
    uint256 internal constant WAD = 1e18;
    uint256 internal constant WINDOW = 10 days;
    uint256 internal constant HOLD = 30 days;
    uint96 internal constant INDEX_BOND = 1001;
    uint256 internal constant MINIMUM = 1000;
    uint256 internal constant COLUMNS = 16;
    uint256 internal constant SLASH_SHARE = WAD / 5;
    uint256 internal constant EQUIVOCATION_SHARE = WAD / 4;
    uint32 internal constant ROWS = 6;

    address internal immutable TIMELOCK = makeAddr("timelock");
    address internal immutable CONTRIBUTOR = makeAddr("contributor");
    address internal immutable CHALLENGER = makeAddr("challenger");
    address internal immutable STRANGER = makeAddr("stranger");
    address internal OWNER;
    uint256 internal OWNER_KEY;

    OpenToken internal token;
    ValidatorStaking internal staking;
    DatanetRegistry internal datanets;
    IndexRegistry internal indexes;
    Disputes internal disputes;
    Committee internal committee;
    Equivocation internal equivocation;
    DataRequests internal requests;
    uint256 private _published;

    function setUp() public virtual {
        vm.warp(1_800_000_000);
        (OWNER, OWNER_KEY) = makeAddrAndKey("owner of indexes");
        token = new OpenToken();
        staking = new ValidatorStaking(token, TIMELOCK, TIMELOCK, MINIMUM, StakePool.Clock(1 days, 45, 46, 2));
        ProtocolTerms.Terms memory terms;
        (terms.deltaBps, terms.treasury, terms.stakers) = (10_000, TIMELOCK, TIMELOCK);
        (terms.policy, terms.indexBond) = (IPayoutPolicy(address(new PositivePart())), INDEX_BOND);
        terms.challengeWindow = uint32(WINDOW);
        ProtocolTerms protocolTerms = new ProtocolTerms(terms, TIMELOCK);
        datanets = new DatanetRegistry();
        RowAnswers.Hashers memory hashers = hashersFor(COLUMNS);
        IStatementVerifier[3] memory verifiers = [_verifier(5), _verifier(4), _verifier(7)];
        uint256 nonce = vm.getNonce(address(this));
        Disputes.Judges memory judges = Disputes.Judges(_next(nonce + 2), _next(nonce + 3), _next(nonce + 4));
        disputes = new Disputes(
            IndexRegistry(_next(nonce + 1)),
            verifiers[0],
            verifiers[1],
            verifiers[2],
            20,
            3,
            judges,
            staking,
            SLASH_SHARE
        );
        indexes = new IndexRegistry(datanets, token, protocolTerms, address(disputes), HOLD);
        committee = new Committee(disputes, committeeTerms(), TIMELOCK);
        equivocation = new Equivocation(disputes, EQUIVOCATION_SHARE);
        requests = new DataRequests(disputes, COLUMNS, hashers, requestTerms());
        assertEq(address(requests), judges.requests);
        vm.prank(TIMELOCK);
        staking.appoint(address(disputes), new address[](0));
    }

    function committeeTerms() internal pure returns (Committee.Terms memory) {
        return Committee.Terms({
            memberBond: 1000,
            caseBond: 301,
            commitPeriod: 2 days,
            revealPeriod: 1 days,
            appealPeriod: 16 days,
            executionPeriod: 2 days,
            leaveDelay: 22 days,
            quorumShare: uint64(WAD / 2),
            absenceShare: uint64(WAD / 100),
            dissentShare: uint64(WAD / 5)
        });
    }

    function requestTerms() internal pure returns (DataRequests.Terms memory) {
        return DataRequests.Terms({
            responseWindow: 2 days,
            refutationWindow: 1 days,
            openMax: 3,
            answerPrice: 50,
            deposit: 61
        });
    }

    function hashersFor(uint256 columns) internal returns (RowAnswers.Hashers memory hashers) {
        uint256 words = (columns + 14) / 15;
        hashers.node = poseidon(2);
        hashers.leaf = poseidon(5);
        if (words > 15) hashers.block = poseidon(16);
        hashers.lastBlock = poseidon((words - 1) % 15 + 2);
    }

    // ---- moves ----

    function register(uint256 root) internal returns (bytes32) {
        return registerRows(root, ROWS);
    }

    /// An index of the owner in slots of one row, all of one contributor, three slots a shard.
    function registerRows(uint256 root, uint32 rows) internal returns (bytes32) {
        IndexRegistry.Registration memory r = registrationOf(root, rows);
        fund(OWNER, INDEX_BOND, address(indexes));
        vm.prank(OWNER);
        return indexes.register(r);
    }

    function registrationOf(uint256 root, uint32 rows) internal returns (IndexRegistry.Registration memory r) {
        address[] memory contributors = new address[](1);
        contributors[0] = CONTRIBUTOR;
        r.datasetId = datanets.publish(keccak256(abi.encode(++_published)), "manifest", rows, "MIT", contributors);
        (r.indexId, r.modelId, r.encoderHash) = (_published, "model", "encoder");
        (r.indexRoot, r.rows, r.slotsPerShard) = (root, rows, 3);
        r.slots = new IndexRegistry.Slot[](rows);
        for (uint32 k = 0; k < rows; ++k) r.slots[k] = IndexRegistry.Slot(k + 1, CONTRIBUTOR);
        r.shardCommitments = new uint256[]((rows + 2) / 3);
        for (uint256 k = 0; k < r.shardCommitments.length; ++k) r.shardCommitments[k] = k + 1;
    }

    /// Makes the owner a validator, active from the next day.
    function stakeOwner(uint256 amount) internal {
        fund(OWNER, amount, address(staking));
        vm.prank(OWNER);
        staking.register(amount);
        later(1 days);
    }

    function fund(address account, uint256 amount, address spender) internal {
        token.mint(account, amount);
        vm.prank(account);
        token.approve(spender, type(uint256).max);
    }

    function later(uint256 time) internal {
        vm.warp(vm.getBlockTimestamp() + time);
    }

    function isDisabled(bytes32 index) internal view returns (bool) {
        return indexes.indexOf(index).disabled;
    }

    function refused(bytes4 error) internal {
        vm.expectPartialRevert(error);
    }

    function _next(uint256 nonce) private view returns (address) {
        return vm.computeCreateAddress(address(this), nonce);
    }

    function _verifier(uint256 signals) private returns (IStatementVerifier) {
        return new StatementVerifier(TestKeys.statement(signals, signals));
    }
}
