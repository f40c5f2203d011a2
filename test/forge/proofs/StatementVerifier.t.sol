// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

import {Test} from "forge-std/Test.sol";
import {Groth16Verifier} from "../../../contracts/Groth16Verifier.sol";
import {StatementVerifier} from "../../../contracts/StatementVerifier.sol";
import {Bn254} from "../../../contracts/libraries/Bn254.sol";
import {TestKeys} from "../support/TestKeys.sol";

/// Makes a verifier with no more gas than it was called with.
contract VerifierMaker {
    function make(uint256[] calldata key) external returns (StatementVerifier) {
        return new StatementVerifier(key);
    }
}

/// verify
/// ├── another number of signals → false
/// ├── a signal of r or more, a coordinate of q or more → false
/// ├── a point off its curve → false
/// └── otherwise whether the equation holds, for exactly these signals
contract StatementVerifierTest is Test {
    uint256 private constant R = Bn254.SCALAR_MODULUS;
    uint256 private constant Q = Bn254.BASE_MODULUS;
    uint256 private constant FIRST = 7;
    /// Enough for any proof; a precompile that refuses takes all it is given.
    uint256 private constant GAS = 3_000_000;
    uint256 private constant COUNT = 7;

    StatementVerifier private verifier;

    function setUp() public {
        verifier = new StatementVerifier(TestKeys.statement(FIRST, COUNT));
    }

    function signalsOf(uint256 seed, uint256 count) private pure returns (uint256[] memory signals) {
        signals = new uint256[](count);
        for (uint256 i = 0; i < count; ++i) signals[i] = uint256(keccak256(abi.encode(seed, i))) % R;
    }

    /// forge-config: default.fuzz.runs = 16
    function testFuzz_AProofHoldsForItsSignalsAndForNoOthers(uint256 seed, uint256 c, uint256 change) public view {
        uint256[] memory signals = signalsOf(seed, COUNT);
        uint256[8] memory proof = TestKeys.forge(FIRST, signals, c % R);
        assertTrue(verifier.verify{gas: GAS}(proof, signals));
        change = bound(change, 1, R - 1);
        for (uint256 i = 0; i < COUNT; ++i) {
            uint256 old = signals[i];
            signals[i] = addmod(old, change, R);
            assertFalse(verifier.verify{gas: GAS}(proof, signals));
            signals[i] = old + R;
            assertFalse(verifier.verify{gas: GAS}(proof, signals));
            signals[i] = old;
        }
    }

    /// forge-config: default.fuzz.runs = 16
    function testFuzz_AnyNumberOfSignals(uint256 seed, uint256 count) public {
        count = bound(count, 1, 40);
        StatementVerifier any = new StatementVerifier(TestKeys.statement(FIRST, count));
        assertEq(any.signalCount(), count);
        uint256[] memory signals = signalsOf(seed, count);
        assertTrue(any.verify(TestKeys.forge(FIRST, signals, seed % R), signals));
    }

    /// forge-config: default.fuzz.runs = 16
    function testFuzz_AnotherNumberOfSignalsIsRefused(uint256 seed, uint256 count) public view {
        count = bound(count, 0, 20);
        vm.assume(count != COUNT);
        uint256[] memory signals = signalsOf(seed, count);
        assertFalse(verifier.verify(TestKeys.forge(FIRST, signals, 5), signals));
    }

    /// A proof of the first signals alone: the others at zero.
    function test_AttackASignalLeftOut() public view {
        uint256[] memory signals = signalsOf(1, COUNT);
        signals[COUNT - 1] = 0;
        uint256[8] memory proof = TestKeys.forge(FIRST, signals, 5);
        assertTrue(verifier.verify{gas: GAS}(proof, signals));
        uint256[] memory fewer = new uint256[](COUNT - 1);
        for (uint256 i = 0; i < COUNT - 1; ++i) fewer[i] = signals[i];
        assertFalse(verifier.verify(proof, fewer));
    }

    /// forge-config: default.fuzz.runs = 16
    function testFuzz_NoBitOfAProofIsFree(uint256 seed, uint256 bit) public view {
        uint256[] memory signals = signalsOf(seed, COUNT);
        for (uint256 i = 0; i < 8; ++i) {
            uint256[8] memory proof = TestKeys.forge(FIRST, signals, 5);
            proof[i] ^= 1 << (bit % 256);
            assertFalse(verifier.verify{gas: GAS}(proof, signals));
            proof[i] = TestKeys.forge(FIRST, signals, 5)[i] + Q;
            assertFalse(verifier.verify{gas: GAS}(proof, signals));
        }
    }

    /// forge-config: default.fuzz.runs = 16
    function testFuzz_JudgesAsTheVerifierOfFourSignals(uint256[4] memory signals, uint256 c, uint256 error) public {
        for (uint256 i = 0; i < 4; ++i) signals[i] %= R;
        error = bound(error, 0, 1);
        uint256[] memory list = TestKeys.listOf(signals);
        uint256[8] memory proof = TestKeys.proofOf(addmod(TestKeys.exponentOfA(FIRST, list, c % R), error, R), c % R);
        bool holds = new Groth16Verifier(TestKeys.words(FIRST)).verify(proof, signals);
        assertEq(holds, error == 0);
        assertEq(new StatementVerifier(TestKeys.statement(FIRST, 4)).verify(proof, list), holds);
    }

    /// The size of the key's code is pushed in two bytes. A key of 65,536 bytes would wrap round to a code of one byte, and
    /// a key of zeros accepts the zero proof of anything.
    function test_AttackAKeyTooLongForItsCode() public {
        uint256[] memory key = TestKeys.statement(FIRST, 1016);
        assertEq(key.length, 2048);
        vm.expectRevert(StatementVerifier.KeyNotStored.selector);
        new StatementVerifier(key);
    }

    function test_AKeyWhoseCodeCannotBePaidForIsNotStored() public {
        VerifierMaker maker = new VerifierMaker();
        uint256[] memory key = TestKeys.statement(FIRST, 300);
        StatementVerifier made = maker.make(key);
        uint256[] memory signals = signalsOf(1, 300);
        assertTrue(made.verify(TestKeys.forge(FIRST, signals, 5), signals));
        vm.expectRevert(StatementVerifier.KeyNotStored.selector);
        maker.make{gas: 4_500_000}(key);
    }

    /// forge-config: default.isolate = true
    function test_Gas() public {
        uint256[] memory signals = signalsOf(1, COUNT);
        verifier.verify(TestKeys.forge(FIRST, signals, R - 5), signals);
        vm.snapshotGasLastCall("StatementVerifier", "verify 7 signals");
    }
}
