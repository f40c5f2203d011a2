// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

import {PoseidonHash} from "../../../contracts/judges/PoseidonHash.sol";
import {Bn254} from "../../../contracts/libraries/Bn254.sol";
import {PoseidonTables} from "./PoseidonTables.sol";

contract PoseidonHashTest is PoseidonTables {
    /// circomlib's, for two inputs.
    bytes private table;

    function setUp() public {
        table = tableOf(2);
        poseidon(2);
    }

    function _counting(uint256 count) private pure returns (uint256[] memory values) {
        values = new uint256[](count);
        for (uint256 i = 0; i < count; ++i) values[i] = i + 1;
    }

    /// Of 1, 2, … n, by circomlibjs' compiled permutation, which is another derivation.
    function test_agreesWithCircomlib() public {
        assertEq(poseidon(1).hash(_counting(1)), 18586133768512220936620570745912940619677854269274689475585506675881198879027);
        assertEq(poseidon(2).hash(_counting(2)), 7853200120776062878684798364095072458815029376092732009249414926327459813530);
        assertEq(poseidon(3).hash(_counting(3)), 6542985608222806190361240322586112750744169038454362455181422643027100751666);
        assertEq(poseidon(4).hash(_counting(4)), 18821383157269793795438455681495246036402687001665670618754263018637548127333);
        assertEq(poseidon(5).hash(_counting(5)), 6183221330272524995739186171720101788151706631170188140075976616310159254464);
        assertEq(poseidon(10).hash(_counting(10)), 3657500514307717306974218405144578736633140001277925127187636780142269815841);
        assertEq(poseidon(16).hash(_counting(16)), 9989051620750914585850546081941653841776809718687451684622678807385399211877);
    }

    function test_hasNoMemoryOfTheCallBefore(uint256 a, uint256 b) public {
        uint256[] memory values = new uint256[](2);
        (values[0], values[1]) = (bound(a, 0, Bn254.SCALAR_MODULUS - 1), bound(b, 0, Bn254.SCALAR_MODULUS - 1));
        PoseidonHash two = poseidon(2);
        uint256 once = two.hash(values);
        assertLt(once, Bn254.SCALAR_MODULUS);
        assertEq(two.hash(values), once);
        (values[0], values[1]) = (values[1], values[0]);
        if (values[0] != values[1]) assertNotEq(two.hash(values), once);
    }

    function test_takesAsManyInputsAsItWasMadeFor() public {
        PoseidonHash two = poseidon(2);
        for (uint256 count = 0; count < 5; ++count) {
            if (count == 2) continue;
            vm.expectPartialRevert(PoseidonHash.WrongInputCount.selector);
            two.hash(_counting(count));
        }
        address[3] memory none;
        for (uint256 count = 0; count < 20; count += 17) {
            vm.expectPartialRevert(PoseidonHash.WrongInputCount.selector);
            new PoseidonHash(count, none);
        }
    }

    function test_isMadeFromCircomlibsTableOnly(uint256 at, uint8 bit) public {
        at = bound(at, 0, table.length - 1);
        bytes memory changed = bytes.concat(table);
        changed[at] = bytes1(uint8(changed[at]) ^ uint8(1 << (bit % 8)));
        address[3] memory tables = tablesOf(changed);
        vm.expectPartialRevert(PoseidonHash.WrongTable.selector);
        new PoseidonHash(2, tables);
        tables = tablesOf(table);
        vm.expectPartialRevert(PoseidonHash.WrongTable.selector);
        new PoseidonHash(3, tables);
        tables[2] = tables[0]; // twice
        vm.expectPartialRevert(PoseidonHash.WrongTable.selector);
        new PoseidonHash(2, tables);
        address[3] memory none;
        vm.expectPartialRevert(PoseidonHash.WrongTable.selector);
        new PoseidonHash(2, none);
    }

    function test_readsATableInAnyParts() public {
        bytes memory front = new bytes(33);
        bytes memory back = new bytes(table.length - 33);
        bytes memory whole = table;
        for (uint256 i = 0; i < 33; ++i) front[i] = whole[i];
        for (uint256 i = 33; i < whole.length; ++i) back[i - 33] = whole[i];
        address[3] memory tables = [stored(bytes.concat(hex"00", front)), address(0), stored(bytes.concat(hex"00", back))];
        PoseidonHash made = new PoseidonHash(2, tables);
        assertEq(made.hash(_counting(2)), poseidon(2).hash(_counting(2)));
    }

    function test_refusesATableThatCouldBeRun() public {
        address[3] memory tables = tablesOf(table);
        bytes memory code = tables[0].code;
        code[0] = 0x01;
        tables[0] = stored(code);
        vm.expectPartialRevert(PoseidonHash.WrongTable.selector);
        new PoseidonHash(2, tables);
    }

    function test_gas() public {
        uint256[4] memory counts = [uint256(2), 5, 10, 16];
        for (uint256 i = 0; i < 4; ++i) {
            PoseidonHash made = poseidon(counts[i]);
            made.hash(_counting(counts[i]));
            vm.snapshotGasLastCall("Judges", string.concat("Poseidon of ", vm.toString(counts[i])));
        }
    }
}
