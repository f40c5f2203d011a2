// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

import {Test} from "forge-std/Test.sol";
import {Groth16Verifier} from "../../contracts/Groth16Verifier.sol";
import {IGroth16Verifier} from "../../contracts/IGroth16Verifier.sol";
import {VerifierRouter} from "../../contracts/VerifierRouter.sol";
import {TestKeys} from "./support/TestKeys.sol";

/// @notice An attacker's verifier that says of its key whatever it was last told.
contract LyingVerifier {
    bytes32 public keyHash;

    constructor(bytes32 keyHash_) {
        keyHash = keyHash_;
    }

    function say(bytes32 keyHash_) external {
        keyHash = keyHash_;
    }
}

/// announce
/// ├── by anyone but the timelock → NotTimelock
/// ├── zero id → ZeroCircuitId
/// ├── id with an active verifier → CircuitAlreadyRouted
/// ├── id with a pending announcement → AlreadyAnnounced
/// ├── verifier without code, zero among them → NotAContract
/// ├── verifier that cannot say its key hash → reverts
/// ├── key hash that is zero or another's → KeyHashMismatch
/// └── otherwise pending until its delay has passed
/// cancel
/// ├── by anyone but the timelock → NotTimelock
/// ├── nothing pending → NotAnnounced
/// └── otherwise gone; the id may be announced again and waits again
/// activate
/// ├── nothing pending → NotAnnounced
/// ├── before the delay → ActivationTooEarly
/// ├── code changed → VerifierCodeChanged
/// ├── key hash changed → KeyHashMismatch
/// └── otherwise active for ever, by anyone
contract VerifierRouterTest is Test {
    uint64 internal constant DELAY = 3 days;
    bytes32 internal constant CIRCUIT = keccak256("ScoreMatrix(16, 16, 128)");

    VerifierRouter internal router;
    IGroth16Verifier internal verifier;
    IGroth16Verifier internal another;
    address internal timelock = makeAddr("timelock");

    function setUp() public {
        vm.warp(1_800_000_000);
        vm.etch(timelock, hex"00"); // an account with code; who it is does not matter here
        router = new VerifierRouter(timelock, DELAY);
        verifier = new Groth16Verifier(TestKeys.words(1));
        another = new Groth16Verifier(TestKeys.words(2));
    }

    function announce(bytes32 circuitId, IGroth16Verifier candidate) internal {
        bytes32 keyHash = candidate.keyHash();
        vm.prank(timelock);
        router.announce(circuitId, candidate, keyHash);
    }

    function route(bytes32 circuitId, IGroth16Verifier candidate) internal {
        announce(circuitId, candidate);
        skip(DELAY);
        router.activate(circuitId);
    }

    function test_AnnouncedThenActivatedByAnyone() public {
        uint64 activeFrom = uint64(vm.getBlockTimestamp()) + DELAY;
        bytes32 keyHash = verifier.keyHash();
        vm.expectEmit(address(router));
        emit VerifierRouter.VerifierAnnounced(CIRCUIT, verifier, keyHash, activeFrom);
        announce(CIRCUIT, verifier);
        VerifierRouter.Announcement memory pending = router.announcementOf(CIRCUIT);
        assertEq(address(pending.verifier), address(verifier));
        assertEq(pending.activeFrom, activeFrom);
        assertEq(pending.keyHash, keyHash);
        assertEq(pending.codeHash, address(verifier).codehash);
        skip(DELAY);
        vm.expectEmit(address(router));
        emit VerifierRouter.VerifierActivated(CIRCUIT, verifier, keyHash);
        vm.prank(makeAddr("anyone"));
        router.activate(CIRCUIT);
        assertEq(address(router.verifierOf(CIRCUIT)), address(verifier));
        vm.expectRevert(abi.encodeWithSelector(VerifierRouter.NotAnnounced.selector, CIRCUIT));
        router.announcementOf(CIRCUIT);
    }

    function test_ConstructorWantsATimelockAndADelay() public {
        address nobody = makeAddr("nobody");
        vm.expectRevert(abi.encodeWithSelector(VerifierRouter.NotAContract.selector, nobody));
        new VerifierRouter(nobody, DELAY);
        vm.expectRevert(abi.encodeWithSelector(VerifierRouter.NotAContract.selector, address(0)));
        new VerifierRouter(address(0), DELAY);
        vm.expectRevert(VerifierRouter.NoActivationDelay.selector);
        new VerifierRouter(timelock, 0);
    }

    function testFuzz_OnlyTheTimelockAnnouncesAndCancels(address caller) public {
        vm.assume(caller != timelock);
        bytes32 keyHash = verifier.keyHash();
        vm.prank(caller);
        vm.expectRevert(abi.encodeWithSelector(VerifierRouter.NotTimelock.selector, caller));
        router.announce(CIRCUIT, verifier, keyHash);
        announce(CIRCUIT, verifier);
        vm.prank(caller);
        vm.expectRevert(abi.encodeWithSelector(VerifierRouter.NotTimelock.selector, caller));
        router.cancel(CIRCUIT);
    }

    function testFuzz_AnUnknownCircuitHasNoVerifier(bytes32 circuitId) public {
        route(CIRCUIT, verifier);
        vm.assume(circuitId != CIRCUIT);
        vm.expectRevert(abi.encodeWithSelector(VerifierRouter.UnknownCircuit.selector, circuitId));
        router.verifierOf(circuitId);
    }

    function testFuzz_AnnouncementIsNoRouteYet(uint256 wait) public {
        announce(CIRCUIT, verifier);
        uint64 activeFrom = uint64(vm.getBlockTimestamp()) + DELAY;
        skip(bound(wait, 0, DELAY - 1));
        vm.expectRevert(abi.encodeWithSelector(VerifierRouter.UnknownCircuit.selector, CIRCUIT));
        router.verifierOf(CIRCUIT);
        vm.expectRevert(abi.encodeWithSelector(VerifierRouter.ActivationTooEarly.selector, CIRCUIT, activeFrom));
        router.activate(CIRCUIT);
    }

    function test_ZeroIsNoCircuit() public {
        bytes32 keyHash = verifier.keyHash();
        vm.prank(timelock);
        vm.expectRevert(VerifierRouter.ZeroCircuitId.selector);
        router.announce(0, verifier, keyHash);
    }

    function testFuzz_AnAccountWithoutCodeIsNoVerifier(address account, bytes32 keyHash) public {
        vm.assume(account.code.length == 0);
        vm.prank(timelock);
        vm.expectRevert(abi.encodeWithSelector(VerifierRouter.NotAContract.selector, account));
        router.announce(CIRCUIT, IGroth16Verifier(account), keyHash);
    }

    function test_ZeroIsNoVerifier() public {
        vm.prank(timelock);
        vm.expectRevert(abi.encodeWithSelector(VerifierRouter.NotAContract.selector, address(0)));
        router.announce(CIRCUIT, IGroth16Verifier(address(0)), bytes32(uint256(1)));
    }

    function test_AContractWithoutAKeyIsNoVerifier() public {
        vm.prank(timelock);
        vm.expectRevert();
        router.announce(CIRCUIT, IGroth16Verifier(address(this)), bytes32(uint256(1)));
        LyingVerifier keyless = new LyingVerifier(0);
        vm.prank(timelock);
        vm.expectRevert(abi.encodeWithSelector(VerifierRouter.KeyHashMismatch.selector, bytes32(0), bytes32(0)));
        router.announce(CIRCUIT, IGroth16Verifier(address(keyless)), 0);
    }

    function testFuzz_TheKeyIsTheOneAnnounced(bytes32 keyHash) public {
        bytes32 actual = verifier.keyHash();
        vm.assume(keyHash != actual);
        vm.prank(timelock);
        vm.expectRevert(abi.encodeWithSelector(VerifierRouter.KeyHashMismatch.selector, keyHash, actual));
        router.announce(CIRCUIT, verifier, keyHash);
    }

    function test_CancelledBeforeActivationAndThenAnnouncedAnewWaitsAnew() public {
        announce(CIRCUIT, verifier);
        skip(DELAY);
        vm.expectEmit(address(router));
        emit VerifierRouter.AnnouncementCancelled(CIRCUIT, verifier);
        vm.prank(timelock);
        router.cancel(CIRCUIT);
        vm.expectRevert(abi.encodeWithSelector(VerifierRouter.NotAnnounced.selector, CIRCUIT));
        router.activate(CIRCUIT);
        vm.prank(timelock);
        vm.expectRevert(abi.encodeWithSelector(VerifierRouter.NotAnnounced.selector, CIRCUIT));
        router.cancel(CIRCUIT);
        announce(CIRCUIT, another);
        uint64 activeFrom = uint64(vm.getBlockTimestamp()) + DELAY;
        vm.expectRevert(abi.encodeWithSelector(VerifierRouter.ActivationTooEarly.selector, CIRCUIT, activeFrom));
        router.activate(CIRCUIT);
        skip(DELAY);
        router.activate(CIRCUIT);
        assertEq(address(router.verifierOf(CIRCUIT)), address(another));
    }

    function test_AttackReplacedVerifierAfterActivation() public {
        route(CIRCUIT, verifier);
        bytes32 keyHash = another.keyHash();
        vm.startPrank(timelock);
        vm.expectRevert(
            abi.encodeWithSelector(VerifierRouter.CircuitAlreadyRouted.selector, CIRCUIT, address(verifier))
        );
        router.announce(CIRCUIT, another, keyHash);
        vm.expectRevert(abi.encodeWithSelector(VerifierRouter.NotAnnounced.selector, CIRCUIT));
        router.cancel(CIRCUIT);
        vm.stopPrank();
        vm.expectRevert(abi.encodeWithSelector(VerifierRouter.NotAnnounced.selector, CIRCUIT));
        router.activate(CIRCUIT);
        assertEq(address(router.verifierOf(CIRCUIT)), address(verifier));
    }

    function test_AttackReplacedVerifierWhileItWaits() public {
        announce(CIRCUIT, verifier);
        bytes32 keyHash = another.keyHash();
        skip(DELAY - 1);
        vm.prank(timelock);
        vm.expectRevert(abi.encodeWithSelector(VerifierRouter.AlreadyAnnounced.selector, CIRCUIT, address(verifier)));
        router.announce(CIRCUIT, another, keyHash);
        skip(1);
        router.activate(CIRCUIT);
        assertEq(address(router.verifierOf(CIRCUIT)), address(verifier));
    }

    function test_AttackReplacedVerifierCode() public {
        announce(CIRCUIT, verifier);
        bytes32 before = address(verifier).codehash;
        skip(DELAY);
        // as by self-destruction and another creation at the same address
        vm.etch(address(verifier), address(another).code);
        vm.expectRevert(
            abi.encodeWithSelector(VerifierRouter.VerifierCodeChanged.selector, before, address(another).codehash)
        );
        router.activate(CIRCUIT);
        vm.etch(address(verifier), "");
        vm.expectPartialRevert(VerifierRouter.VerifierCodeChanged.selector);
        router.activate(CIRCUIT);
    }

    function test_AttackReplacedVerifierKey() public {
        bytes32 keyHash = verifier.keyHash();
        LyingVerifier lying = new LyingVerifier(keyHash);
        vm.prank(timelock);
        router.announce(CIRCUIT, IGroth16Verifier(address(lying)), keyHash);
        skip(DELAY);
        lying.say(keccak256("forgeable"));
        vm.expectRevert(
            abi.encodeWithSelector(VerifierRouter.KeyHashMismatch.selector, keyHash, keccak256("forgeable"))
        );
        router.activate(CIRCUIT);
    }

    /// forge-config: default.isolate = true
    function test_Gas() public {
        announce(CIRCUIT, verifier);
        vm.snapshotGasLastCall("VerifierRouter", "announce");
        skip(DELAY);
        router.activate(CIRCUIT);
        vm.snapshotGasLastCall("VerifierRouter", "activate");
        router.verifierOf(CIRCUIT);
        vm.snapshotGasLastCall("VerifierRouter", "verifierOf");
    }
}

/// @notice A timelock that may do all it can and anyone who activates, over few circuits and verifiers.
contract RouterHandler is Test {
    VerifierRouter public router;
    IGroth16Verifier[] public verifiers;
    bytes32[] public circuits;
    /// The first verifier that each circuit was seen with.
    mapping(bytes32 circuitId => address) public first;
    mapping(bytes32 circuitId => uint256) public announcedAt;
    uint256 public activations;
    bool public activatedEarly;

    constructor() {
        for (uint256 i = 1; i <= 3; ++i) {
            verifiers.push(new Groth16Verifier(TestKeys.words(i)));
            circuits.push(keccak256(abi.encode(i)));
        }
    }

    /// Not in the constructor: there the handler has no code yet, and the router refuses it.
    function start() external {
        if (address(router) == address(0)) router = new VerifierRouter(address(this), 1 days);
    }

    function announce(uint256 circuit, uint256 verifier) external {
        IGroth16Verifier candidate = verifiers[verifier % 3];
        router.announce(circuits[circuit % 3], candidate, candidate.keyHash());
        announcedAt[circuits[circuit % 3]] = vm.getBlockTimestamp();
    }

    function cancel(uint256 circuit) external {
        router.cancel(circuits[circuit % 3]);
    }

    function activate(uint256 circuit) external {
        bytes32 circuitId = circuits[circuit % 3];
        router.activate(circuitId);
        ++activations;
        if (vm.getBlockTimestamp() < announcedAt[circuitId] + 1 days) activatedEarly = true;
        if (first[circuitId] == address(0)) first[circuitId] = address(router.verifierOf(circuitId));
    }

    function pass(uint256 time) external {
        skip(bound(time, 1 hours, 2 days));
    }
}

contract VerifierRouterInvariantTest is Test {
    RouterHandler private handler;

    function setUp() public {
        vm.warp(1_800_000_000);
        handler = new RouterHandler();
        handler.start();
        targetContract(address(handler));
    }

    function invariant_ACircuitKeepsItsFirstVerifierForEver() public view {
        uint256 routed;
        for (uint256 i = 0; i < 3; ++i) {
            bytes32 circuitId = handler.circuits(i);
            address first = handler.first(circuitId);
            if (first == address(0)) continue;
            ++routed;
            assertEq(address(handler.router().verifierOf(circuitId)), first);
        }
        assertEq(handler.activations(), routed);
        assertFalse(handler.activatedEarly());
    }
}
