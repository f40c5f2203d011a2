// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

import {Test} from "forge-std/Test.sol";
import {StatementVerifier} from "../../../contracts/StatementVerifier.sol";
import {Groth16Verifier} from "../../../contracts/Groth16Verifier.sol";
import {Bn254} from "../../../contracts/libraries/Bn254.sol";
import {Groth16Key} from "../../../contracts/libraries/Groth16Key.sol";
import {TestKeys} from "../support/TestKeys.sol";

/// The library behind a call of its own, so that a test can see it revert.
contract KeyChecks {
    function requireSound(uint256[] memory key) external view {
        Groth16Key.requireSound(key);
    }
}

/// requireSound
/// ├── another length than 16 + 2n words, n above zero → WrongKeyLength
/// ├── a point that is zero → ZeroKeyPoint
/// ├── a point off the curve, with a coordinate of q or more, or outside its group → KeyPointNotOnCurve
/// ├── gamma = ±delta, by which anybody can forge → GammaEqualsDelta
/// ├── the development key's ±delta on any chain but the development chain → DevelopmentKeyOnPublicChain
/// └── otherwise sound
contract Groth16KeyTest is Test {
    /// The development key's delta, as test/chain/forge.ts derives it; a test below derives it again.
    uint256 private constant DEVELOPMENT_Y1 =
        3871915302595718774059244171087591018580325627954916225920407580042146463851;
    uint256 private constant DEVELOPMENT_Y0 =
        20300642030508004788818983494572690236524118153654625903991700590624035120039;
    /// A point of the twist at x = 1 that is outside the subgroup.
    uint256 private constant OUTSIDE_Y0 =
        18278151005453108793778860132295291098363647455926340152056652516292830556603;
    uint256 private constant OUTSIDE_Y1 = 5912654199736721486680175016176231956195085055698687135131307249486702594212;
    uint256 private constant Q = Bn254.BASE_MODULUS;

    KeyChecks private checks = new KeyChecks();
    uint256 private signals = 5;

    function soundKey() private view returns (uint256[] memory) {
        return TestKeys.statement(1, signals);
    }

    function setG2(uint256[] memory key, uint256 word, uint256 x1, uint256 x0, uint256 y1, uint256 y0) private pure {
        (key[word], key[word + 1], key[word + 2], key[word + 3]) = (x1, x0, y1, y0);
    }

    function setDevelopmentDelta(uint256[] memory key) private pure {
        setG2(
            key,
            10,
            Groth16Key.DEVELOPMENT_DELTA_X1,
            Groth16Key.DEVELOPMENT_DELTA_X0,
            DEVELOPMENT_Y1,
            DEVELOPMENT_Y0
        );
    }

    /// A precompile that refuses takes all the gas it is given.
    function refused(uint256[] memory key, bytes memory error) private {
        vm.expectRevert(error);
        checks.requireSound{gas: 3_000_000}(key);
    }

    /// forge-config: default.fuzz.runs = 32
    function testFuzz_ASoundKeyPassesAndIsNamedByItsWords(uint8 first, uint8 count) public {
        uint256[] memory key = TestKeys.statement(bound(first, 1, 255), bound(count, 1, 40));
        checks.requireSound(key);
        StatementVerifier verifier = new StatementVerifier(key);
        assertEq(verifier.keyHash(), keccak256(abi.encodePacked(key)));
        assertEq(verifier.signalCount(), bound(count, 1, 40));
    }

    function test_OneKeyHasOneHashWhicheverVerifierHoldsIt() public {
        uint256[24] memory key = TestKeys.words(3);
        bytes32 keyHash = new Groth16Verifier(key).keyHash();
        assertEq(keyHash, keccak256(abi.encode(key)));
        assertEq(keyHash, new StatementVerifier(TestKeys.statement(3, 4)).keyHash());
    }

    /// forge-config: default.fuzz.runs = 64
    function testFuzz_AnotherLengthIsNoKey(uint256 length) public {
        length = bound(length, 0, 60);
        vm.assume(length < 18 || length % 2 == 1);
        uint256[] memory key = new uint256[](length);
        uint256[] memory sound = TestKeys.statement(1, 30);
        for (uint256 i = 0; i < length; ++i) key[i] = sound[i];
        refused(key, abi.encodeWithSelector(Groth16Key.WrongKeyLength.selector, length));
    }

    function test_NoPointMayBeZero() public {
        for (uint256 word = 0; word < 26; word += wordsAt(word)) {
            uint256[] memory key = soundKey();
            for (uint256 i = 0; i < wordsAt(word); ++i) key[word + i] = 0;
            refused(key, abi.encodeWithSelector(Groth16Key.ZeroKeyPoint.selector, word));
        }
    }

    /// forge-config: default.fuzz.runs = 32
    function testFuzz_EveryPointLiesOnItsCurve(uint256 bit) public {
        bit = bound(bit, 0, 253);
        for (uint256 word = 0; word < 26; word += wordsAt(word)) {
            for (uint256 i = 0; i < wordsAt(word); ++i) {
                uint256[] memory key = soundKey();
                key[word + i] ^= 1 << bit;
                refused(key, abi.encodeWithSelector(Groth16Key.KeyPointNotOnCurve.selector, word));
            }
        }
    }

    function test_NoCoordinateIsWrittenInASecondWay() public {
        for (uint256 word = 0; word < 26; word += wordsAt(word)) {
            for (uint256 i = 0; i < wordsAt(word); ++i) {
                uint256[] memory key = soundKey();
                key[word + i] += Q;
                refused(key, abi.encodeWithSelector(Groth16Key.KeyPointNotOnCurve.selector, word));
            }
        }
    }

    function test_AttackAPointOfTheTwistOutsideTheSubgroup() public {
        // (1, OUTSIDE_Y) satisfies y² = x³ + 3/(9 + u), so only the check of the subgroup can refuse it
        uint256 square0 = addmod(mulmod(OUTSIDE_Y0, OUTSIDE_Y0, Q), Q - mulmod(OUTSIDE_Y1, OUTSIDE_Y1, Q), Q);
        uint256 square1 = mulmod(2 * OUTSIDE_Y0 % Q, OUTSIDE_Y1, Q);
        (uint256 b0, uint256 b1) = (addmod(square0, Q - 1, Q), square1);
        assertEq(addmod(mulmod(9, b0, Q), Q - b1, Q), 3);
        assertEq(addmod(b0, mulmod(9, b1, Q), Q), 0);
        for (uint256 word = 2; word < 14; word += 4) {
            uint256[] memory key = soundKey();
            setG2(key, word, 0, 1, OUTSIDE_Y1, OUTSIDE_Y0);
            refused(key, abi.encodeWithSelector(Groth16Key.KeyPointNotOnCurve.selector, word));
        }
    }

    function test_AttackGammaIsDelta() public {
        uint256[] memory key = soundKey();
        setG2(key, 6, key[10], key[11], key[12], key[13]);
        refused(key, abi.encodeWithSelector(Groth16Key.GammaEqualsDelta.selector));
        setG2(key, 6, key[10], key[11], Q - key[12], Q - key[13]);
        refused(key, abi.encodeWithSelector(Groth16Key.GammaEqualsDelta.selector));
    }

    /// forge-config: default.fuzz.runs = 32
    function testFuzz_AttackTheDevelopmentKeyOnAnyOtherChain(uint64 chain) public {
        vm.assume(chain != Groth16Key.DEVELOPMENT_CHAIN);
        uint256[] memory key = soundKey();
        setDevelopmentDelta(key);
        checks.requireSound(key);
        vm.chainId(chain);
        bytes memory error = abi.encodeWithSelector(Groth16Key.DevelopmentKeyOnPublicChain.selector, uint256(chain));
        refused(key, error);
        (key[12], key[13]) = (Q - key[12], Q - key[13]);
        refused(key, error);
        checks.requireSound(soundKey());
    }

    /// Everybody knows the discrete logarithm of that delta: e(delta·G1, G2) = e(G1, delta·G2).
    function test_TheDevelopmentDeltaIsWhatItsNameSays() public view {
        uint256[] memory key = soundKey();
        setDevelopmentDelta(key);
        (uint256 x, uint256 y) =
            TestKeys.multiple(uint256(sha256("meed development key: delta")) % Bn254.SCALAR_MODULUS);
        (bool works, bytes memory product) = address(8).staticcall(
            abi.encode(
                [x, Q - y, key[2], key[3], key[4], key[5], 1, 2, key[10], key[11], key[12], key[13]]
            )
        );
        assertTrue(works);
        assertEq(abi.decode(product, (uint256)), 1);
    }

    /// Words of the point that begins here.
    function wordsAt(uint256 word) private pure returns (uint256) {
        return word >= 2 && word < 14 ? 4 : 2;
    }
}
