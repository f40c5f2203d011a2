// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

import {Test} from "forge-std/Test.sol";
import {Groth16Verifier} from "../../../contracts/Groth16Verifier.sol";
import {Bn254} from "../../../contracts/libraries/Bn254.sol";
import {Groth16Key} from "../../../contracts/libraries/Groth16Key.sol";
import {TestKeys} from "../support/TestKeys.sol";

/// verify
/// ├── a signal of r or more → false
/// ├── a coordinate of q or more → false
/// ├── a point off its curve → false
/// └── otherwise whether the equation holds, for exactly these signals
/// verifyBatch
/// ├── no proof, or other numbers of proofs and signals → false
/// ├── anything that verify refuses, wherever it stands → false
/// ├── false proofs that cancel under weights known beforehand → false
/// └── otherwise true, in any order and with repetitions
contract Groth16VerifierTest is Test {
    uint256 private constant R = Bn254.SCALAR_MODULUS;
    uint256 private constant Q = Bn254.BASE_MODULUS;
    uint256 private constant FIRST = 7;
    /// Enough for any proof; a precompile that refuses takes all it is given.
    uint256 private constant GAS = 3_000_000;

    Groth16Verifier private verifier;

    function setUp() public {
        verifier = new Groth16Verifier(TestKeys.words(FIRST));
    }

    function inField(uint256[4] memory signals) private pure {
        for (uint256 i = 0; i < 4; ++i) signals[i] %= R;
    }

    /// n proofs of signals that all differ.
    function batchOf(uint256 n, uint256 seed)
        private
        view
        returns (uint256[8][] memory proofs, uint256[4][] memory signals)
    {
        (proofs, signals) = (new uint256[8][](n), new uint256[4][](n));
        for (uint256 i = 0; i < n; ++i) {
            for (uint256 j = 0; j < 4; ++j) signals[i][j] = uint256(keccak256(abi.encode(seed, i, j))) % R;
            proofs[i] = TestKeys.forge(FIRST, signals[i], uint256(keccak256(abi.encode(seed, i))) % R);
        }
    }

    function test_TheDevelopmentDeltaIsTheLibrarys() public view {
        assertEq(verifier.DEVELOPMENT_DELTA_X1(), Groth16Key.DEVELOPMENT_DELTA_X1);
        assertEq(verifier.DEVELOPMENT_DELTA_X0(), Groth16Key.DEVELOPMENT_DELTA_X0);
    }

    /// forge-config: default.fuzz.runs = 16
    function testFuzz_AProofHoldsForItsSignalsAndForNoOthers(uint256[4] memory signals, uint256 c, uint256 change)
        public
        view
    {
        inField(signals);
        uint256[8] memory proof = TestKeys.forge(FIRST, signals, c % R);
        assertTrue(verifier.verify(proof, signals));
        change = bound(change, 1, R - 1);
        for (uint256 i = 0; i < 4; ++i) {
            uint256 old = signals[i];
            signals[i] = addmod(old, change, R);
            assertFalse(verifier.verify{gas: GAS}(proof, signals));
            signals[i] = old;
        }
    }

    /// forge-config: default.fuzz.runs = 16
    function testFuzz_AProofHoldsForItsKeyOnly(uint256[4] memory signals, uint8 first) public view {
        inField(signals);
        vm.assume(first != FIRST);
        // equal by chance for one set of signals in r
        assertFalse(verifier.verify{gas: GAS}(TestKeys.forge(first, signals, 5), signals));
    }

    /// forge-config: default.fuzz.runs = 16
    function testFuzz_AttackASignalPlusR(uint256[4] memory signals, uint256 which) public view {
        inField(signals);
        uint256[8] memory proof = TestKeys.forge(FIRST, signals, 5);
        signals[which % 4] += R; // the precompile would take it for the same number
        assertFalse(verifier.verify{gas: GAS}(proof, signals));
        (uint256[8][] memory proofs, uint256[4][] memory many) = batchOf(2, which);
        (proofs[1], many[1]) = (proof, signals);
        assertFalse(verifier.verifyBatch{gas: GAS}(proofs, many));
    }

    /// forge-config: default.fuzz.runs = 16
    function testFuzz_AttackACoordinatePlusQ(uint256[4] memory signals, uint256 which) public view {
        inField(signals);
        uint256[8] memory proof = TestKeys.forge(FIRST, signals, 5);
        proof[which % 8] += Q;
        assertFalse(verifier.verify{gas: GAS}(proof, signals));
        (uint256[8][] memory proofs, uint256[4][] memory many) = batchOf(2, which);
        (proofs[0], many[0]) = (proof, signals);
        assertFalse(verifier.verifyBatch{gas: GAS}(proofs, many));
    }

    /// forge-config: default.fuzz.runs = 16
    function testFuzz_NoBitOfAProofIsFree(uint256[4] memory signals, uint256 bit) public view {
        inField(signals);
        for (uint256 i = 0; i < 8; ++i) {
            uint256[8] memory proof = TestKeys.forge(FIRST, signals, 5);
            proof[i] ^= 1 << (bit % 256);
            assertFalse(verifier.verify{gas: GAS}(proof, signals));
        }
    }

    /// What a proof's hash must never be used for: −A, −B make another proof of the same.
    function test_AProofIsMalleable() public view {
        uint256[4] memory signals = [uint256(1), 2, 3, 4];
        uint256[8] memory proof = TestKeys.forge(FIRST, signals, 5);
        (proof[1], proof[4], proof[5]) = (Q - proof[1], Q - proof[4], Q - proof[5]);
        assertTrue(verifier.verify(proof, signals));
    }

    function test_PointsAtInfinityAreJudgedByTheEquation() public view {
        uint256[4] memory signals = [uint256(1), 2, 3, 4];
        // a = 0 leaves c = −(alpha + input)/2: only who knows the secrets can make it
        uint256 c = mulmod(R - TestKeys.exponentOfA(FIRST, TestKeys.listOf(signals), 0), (R + 1) / 2, R);
        uint256[8] memory proof = TestKeys.proofOf(0, c);
        assertEq(proof[0] | proof[1], 0);
        assertTrue(verifier.verify(proof, signals));
        (uint256[8][] memory proofs, uint256[4][] memory many) = batchOf(3, 1);
        (proofs[1], many[1]) = (proof, signals);
        assertTrue(verifier.verifyBatch(proofs, many));
        uint256[8] memory nothing;
        assertFalse(verifier.verify{gas: GAS}(nothing, signals));
        proofs[1] = nothing;
        assertFalse(verifier.verifyBatch{gas: GAS}(proofs, many));
    }

    /// forge-config: default.fuzz.runs = 16
    function testFuzz_ABatchOfProofsThatHoldHolds(uint256 seed, uint256 n) public view {
        (uint256[8][] memory proofs, uint256[4][] memory signals) = batchOf(bound(n, 1, 6), seed);
        assertTrue(verifier.verifyBatch(proofs, signals));
    }

    function test_ABatchMayRepeatAProof() public view {
        (uint256[8][] memory proofs, uint256[4][] memory signals) = batchOf(2, 1);
        (proofs[1], signals[1]) = (proofs[0], signals[0]);
        assertTrue(verifier.verifyBatch(proofs, signals));
    }

    /// forge-config: default.fuzz.runs = 16
    function testFuzz_OneFalseProofSpoilsABatchWhereverItStands(uint256 seed, uint256 error) public view {
        error = bound(error, 1, R - 1);
        for (uint256 at = 0; at < 4; ++at) {
            (uint256[8][] memory proofs, uint256[4][] memory signals) = batchOf(4, seed);
            uint256 a = TestKeys.exponentOfA(FIRST, TestKeys.listOf(signals[at]), 5);
            proofs[at] = TestKeys.proofOf(addmod(a, error, R), 5);
            assertFalse(verifier.verify{gas: GAS}(proofs[at], signals[at]));
            assertFalse(verifier.verifyBatch{gas: GAS}(proofs, signals));
        }
    }

    function test_PointsOffTheCurveSpoilABatch() public view {
        for (uint256 word = 0; word < 8; ++word) {
            (uint256[8][] memory proofs, uint256[4][] memory signals) = batchOf(3, 2);
            proofs[2][word] ^= 1;
            assertFalse(verifier.verifyBatch{gas: GAS}(proofs, signals));
        }
    }

    function test_NoProofsAndOtherNumbersOfSignalsAreRefused() public view {
        assertFalse(verifier.verifyBatch{gas: GAS}(new uint256[8][](0), new uint256[4][](0)));
        (uint256[8][] memory proofs, uint256[4][] memory signals) = batchOf(2, 3);
        assertFalse(verifier.verifyBatch{gas: GAS}(proofs, new uint256[4][](1)));
        assertFalse(verifier.verifyBatch{gas: GAS}(proofs, new uint256[4][](3)));
        assertFalse(verifier.verifyBatch{gas: GAS}(new uint256[8][](0), signals));
    }

    function test_ProofsBelongToTheirSignals() public view {
        (uint256[8][] memory proofs, uint256[4][] memory signals) = batchOf(3, 4);
        (proofs[0], proofs[2]) = (proofs[2], proofs[0]);
        assertFalse(verifier.verifyBatch{gas: GAS}(proofs, signals));
        (signals[0], signals[2]) = (signals[2], signals[0]);
        assertTrue(verifier.verifyBatch(proofs, signals));
    }

    /// Two false proofs, off by amounts that cancel under the weights given, which the test derives on its own. With
    /// weights that do not depend on everything a prover may choose the attack would work: the sum below is what the
    /// contract's product would be, in the exponent.
    /// forge-config: default.fuzz.runs = 16
    function testFuzz_AttackErrorsThatCancel(uint256 seed, uint256 error) public view {
        error = bound(error, 1, R - 1);
        (uint256[8][] memory proofs, uint256[4][] memory signals) = batchOf(2, seed);
        uint256[2] memory cancelling = [uint256(1), weightOf(proofs, signals, 1)];
        for (uint256 guess = 0; guess < 2; ++guess) {
            if (guess == 1) cancelling = [uint256(1), 1];
            // the first is off by error · w_1, the second by −error · w_0
            uint256 first = mulmod(error, cancelling[1], R);
            uint256 second = R - mulmod(error, cancelling[0], R);
            assertEq(addmod(mulmod(cancelling[0], first, R), mulmod(cancelling[1], second, R), R), 0);
            uint256[8][] memory forged = new uint256[8][](2);
            forged[0] = offBy(signals[0], first);
            forged[1] = offBy(signals[1], second);
            assertFalse(verifier.verify{gas: GAS}(forged[0], signals[0]));
            assertFalse(verifier.verify{gas: GAS}(forged[1], signals[1]));
            assertFalse(verifier.verifyBatch{gas: GAS}(forged, signals));
        }
    }

    function offBy(uint256[4] memory signals, uint256 error) private view returns (uint256[8] memory) {
        return TestKeys.proofOf(addmod(TestKeys.exponentOfA(FIRST, TestKeys.listOf(signals), 5), error, R), 5);
    }

    /// The weight of a proof by its definition.
    function weightOf(uint256[8][] memory proofs, uint256[4][] memory signals, uint256 i)
        private
        view
        returns (uint256)
    {
        bytes memory transcript = abi.encodePacked(verifier.keyHash(), proofs.length);
        for (uint256 j = 0; j < proofs.length; ++j) transcript = abi.encodePacked(transcript, proofs[j]);
        for (uint256 j = 0; j < signals.length; ++j) transcript = abi.encodePacked(transcript, signals[j]);
        return uint128(uint256(keccak256(abi.encode(keccak256(transcript), i))));
    }

    /// forge-config: default.isolate = true
    function test_Gas() public {
        uint256[4] memory signals = [R - 1, R - 2, R - 3, R - 4];
        verifier.verify(TestKeys.forge(FIRST, signals, R - 5), signals);
        vm.snapshotGasLastCall("Groth16Verifier", "verify");
        (uint256[8][] memory proofs, uint256[4][] memory many) = batchOf(8, 1);
        verifier.verifyBatch(proofs, many);
        vm.snapshotGasLastCall("Groth16Verifier", "verifyBatch of 8");
    }
}
