// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {Disputes} from "../../../contracts/Disputes.sol";
import {StakePositions} from "../../../contracts/StakePositions.sol";
import {ValidatorStaking} from "../../../contracts/ValidatorStaking.sol";
import {Equivocation} from "../../../contracts/judges/Equivocation.sol";
import {JudgesWorld} from "./JudgesWorld.sol";

/// A contract that says yes to every signature.
contract YesMan {
    function isValidSignature(bytes32, bytes calldata) external pure returns (bytes4) {
        return this.isValidSignature.selector;
    }
}

contract EquivocationTest is JudgesWorld {
    uint256 private constant STAKE = 10_000;
    bytes32 private constant SUBJECT = "subject";

    function setUp() public override {
        super.setUp();
        stakeOwner(STAKE);
    }

    function _statement(bytes32 value) private view returns (Equivocation.Statement memory) {
        return Equivocation.Statement(SUBJECT, value, uint64(vm.getBlockTimestamp()));
    }

    /// EIP-712, written out.
    function _sign(uint256 key, Equivocation.Statement memory s) private view returns (bytes memory) {
        return _signFor(address(equivocation), key, s);
    }

    function _signFor(address contract_, uint256 key, Equivocation.Statement memory s)
        private
        view
        returns (bytes memory)
    {
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("Meed statements"),
                keccak256("1"),
                block.chainid,
                contract_
            )
        );
        bytes32 message = keccak256(
            abi.encode(keccak256("Statement(bytes32 subject,bytes32 value,uint64 at)"), s.subject, s.value, s.at)
        );
        (uint8 v, bytes32 r, bytes32 z) = vm.sign(key, keccak256(abi.encodePacked(hex"1901", domain, message)));
        return abi.encodePacked(r, z, v);
    }

    function _announce(address challenger, Equivocation.Statement memory a, Equivocation.Statement memory b) private {
        equivocation.announce(equivocation.evidenceOf(challenger, a, b));
        later(1);
    }

    function _show(address challenger, Equivocation.Statement memory a, Equivocation.Statement memory b) private {
        (bytes memory first, bytes memory second) = (_sign(OWNER_KEY, a), _sign(OWNER_KEY, b));
        vm.prank(challenger);
        equivocation.show(a, first, b, second);
    }

    function test_takesTheStatedShareAtOnce_halfForTheChallenger() public {
        (Equivocation.Statement memory a, Equivocation.Statement memory b) = (_statement("one"), _statement("two"));
        _announce(CHALLENGER, a, b);
        vm.expectEmit(address(equivocation));
        emit Equivocation.Equivocated(OWNER, SUBJECT, CHALLENGER, "one", "two", a.at);
        _show(CHALLENGER, a, b);
        uint256 taken = STAKE * EQUIVOCATION_SHARE / WAD;
        assertEq(staking.ownStake(OWNER), STAKE - taken);
        assertEq(staking.rewardOf(CHALLENGER), taken / 2);
        assertEq(staking.burnable(), taken - taken / 2);
    }

    function test_punishesASubjectOnce_whateverThePair() public {
        (Equivocation.Statement memory a, Equivocation.Statement memory b) = (_statement("one"), _statement("two"));
        _announce(CHALLENGER, a, b);
        _show(CHALLENGER, a, b);
        Equivocation.Statement memory c = _statement("three");
        _announce(STRANGER, a, c);
        vm.expectPartialRevert(ValidatorStaking.OffenceAlreadySlashed.selector);
        this.showAs(STRANGER, a, c);
        // another subject is another offence
        (a.subject, c.subject) = ("other", "other");
        _announce(STRANGER, a, c);
        _show(STRANGER, a, c);
        assertLt(staking.ownStake(OWNER), STAKE - STAKE * EQUIVOCATION_SHARE / WAD);
    }

    function showAs(address challenger, Equivocation.Statement memory a, Equivocation.Statement memory b) external {
        _show(challenger, a, b);
    }

    function test_noContradictionNoOffence(bytes32 value, bytes32 other) public {
        (Equivocation.Statement memory a, Equivocation.Statement memory b) = (_statement(value), _statement(value));
        b.at += 1;
        _announce(CHALLENGER, a, b);
        vm.expectPartialRevert(Equivocation.NoContradiction.selector);
        this.showAs(CHALLENGER, a, b);
        (b.value, b.subject) = (other, "another");
        vm.expectPartialRevert(Equivocation.DifferentSubjects.selector);
        this.showAs(CHALLENGER, a, b);
    }

    function test_whoCopiesTheEvidenceComesTooLate() public {
        (Equivocation.Statement memory a, Equivocation.Statement memory b) = (_statement("one"), _statement("two"));
        vm.expectPartialRevert(Equivocation.EvidenceNotAnnounced.selector);
        this.showAs(STRANGER, a, b);
        bytes32 mine = equivocation.evidenceOf(STRANGER, a, b);
        equivocation.announce(mine); // in the second in which it sees the other's
        vm.expectPartialRevert(Equivocation.EvidenceNotAnnounced.selector);
        this.showAs(STRANGER, a, b);
        uint256 at = equivocation.announcedAt(mine);
        later(5);
        equivocation.announce(mine);
        assertEq(equivocation.announcedAt(mine), at);
        _show(STRANGER, a, b);
        assertGt(staking.rewardOf(STRANGER), 0);
    }

    function test_bothMustBeSignedByOneValidatorForThisContract() public {
        (Equivocation.Statement memory a, Equivocation.Statement memory b) = (_statement("one"), _statement("two"));
        _announce(CHALLENGER, a, b);
        (, uint256 strangersKey) = makeAddrAndKey("somebody");
        (bytes memory mine, bytes memory others) = (_sign(OWNER_KEY, a), _sign(strangersKey, b));
        bytes memory elsewhere = _signFor(address(this), OWNER_KEY, b);
        vm.startPrank(CHALLENGER);
        vm.expectPartialRevert(Equivocation.DifferentSigners.selector);
        equivocation.show(a, mine, b, others);
        vm.expectPartialRevert(Equivocation.DifferentSigners.selector);
        equivocation.show(a, mine, b, elsewhere);
        // one who has no stake: nothing to slash
        bytes memory first = _sign(strangersKey, a);
        vm.expectPartialRevert(StakePositions.UnknownValidator.selector);
        equivocation.show(a, first, b, others);
        vm.stopPrank();
    }

    /// A contract that is a validator: what it would answer is never asked.
    function test_aContractsWordIsNoEvidence() public {
        address validator = address(new YesMan());
        fund(validator, STAKE, address(staking));
        vm.prank(validator);
        staking.register(STAKE);
        later(1 days);
        (Equivocation.Statement memory a, Equivocation.Statement memory b) = (_statement("one"), _statement("two"));
        _announce(CHALLENGER, a, b);
        bytes memory anything = abi.encodePacked(validator, "yes");
        vm.startPrank(CHALLENGER);
        vm.expectPartialRevert(ECDSA.ECDSAInvalidSignatureLength.selector);
        equivocation.show(a, anything, b, anything);
        vm.expectRevert(ECDSA.ECDSAInvalidSignature.selector);
        equivocation.show(a, new bytes(65), b, new bytes(65));
        vm.stopPrank();
        assertEq(staking.ownStake(validator), STAKE);
    }

    function test_theStakeIsThatOfTheLaterStatement() public {
        Equivocation.Statement memory a = _statement("one");
        address delegator = makeAddr("delegator");
        fund(delegator, STAKE, address(staking));
        later(3 days);
        vm.prank(delegator);
        staking.stake(OWNER, STAKE);
        later(1 days);
        Equivocation.Statement memory b = _statement("two");
        _announce(CHALLENGER, b, a);
        _show(CHALLENGER, b, a);
        assertEq(staking.delegatedStake(OWNER), STAKE - STAKE * EQUIVOCATION_SHARE / WAD);
    }

    function test_joinersAfterTheOffenceLoseNothing() public {
        (Equivocation.Statement memory a, Equivocation.Statement memory b) = (_statement("one"), _statement("two"));
        address delegator = makeAddr("delegator");
        fund(delegator, STAKE, address(staking));
        vm.prank(delegator);
        staking.stake(OWNER, STAKE);
        later(1 days);
        _announce(CHALLENGER, a, b);
        _show(CHALLENGER, a, b);
        assertEq(staking.delegatedStake(OWNER), STAKE);
    }

    function test_timesOutOfReachAreRefused() public {
        (Equivocation.Statement memory a, Equivocation.Statement memory b) = (_statement("one"), _statement("two"));
        (a.at, b.at) = (a.at - 60 days, b.at - 50 days);
        _announce(CHALLENGER, a, b);
        vm.expectPartialRevert(ValidatorStaking.OffenceOutOfReach.selector);
        this.showAs(CHALLENGER, a, b);
        b.at = uint64(vm.getBlockTimestamp()) + 1 days; // said tomorrow
        _announce(CHALLENGER, a, b);
        vm.expectPartialRevert(ValidatorStaking.OffenceOutOfReach.selector);
        this.showAs(CHALLENGER, a, b);
        later(1 days);
        _show(CHALLENGER, a, b);
    }

    function test_aValidatorThatShowsItselfLosesMoreThanItGets() public {
        (Equivocation.Statement memory a, Equivocation.Statement memory b) = (_statement("one"), _statement("two"));
        _announce(STRANGER, a, b);
        _show(STRANGER, a, b);
        assertLe(staking.rewardOf(STRANGER), (STAKE - staking.ownStake(OWNER)) / 2);
    }

    function test_onlyItSlashesForThis() public {
        vm.expectPartialRevert(Disputes.NotJudge.selector);
        disputes.slashEquivocation(OWNER, "offence", vm.getBlockTimestamp(), WAD, STRANGER);
        vm.prank(address(committee));
        vm.expectPartialRevert(Disputes.NotJudge.selector);
        disputes.slashEquivocation(OWNER, "offence", vm.getBlockTimestamp(), WAD, STRANGER);
        for (uint256 share = 0; share <= WAD + 1; share += WAD + 1) {
            vm.expectPartialRevert(Equivocation.ShareOutOfRange.selector);
            new Equivocation(disputes, share);
        }
    }

    function test_subjectsDiffer() public view {
        bytes32 index = equivocation.indexSubject(OWNER, "set", "model");
        assertEq(index, keccak256(abi.encode("index", OWNER, bytes32("set"), bytes32("model"))));
        assertNotEq(index, equivocation.indexSubject(OWNER, "model", "set"));
        bytes32 scores = equivocation.scoresSubject(address(this), 1, 2, 3);
        assertEq(scores, keccak256(abi.encode("scores", address(this), uint256(1), uint256(2), uint256(3))));
        assertNotEq(scores, equivocation.scoresSubject(address(this), 1, 3, 2));
    }

    function test_gas() public {
        (Equivocation.Statement memory a, Equivocation.Statement memory b) = (_statement("one"), _statement("two"));
        (bytes memory first, bytes memory second) = (_sign(OWNER_KEY, a), _sign(OWNER_KEY, b));
        _announce(CHALLENGER, a, b);
        vm.prank(CHALLENGER);
        equivocation.show(a, first, b, second);
        vm.snapshotGasLastCall("Judges", "show an equivocation");
    }
}
