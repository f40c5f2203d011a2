// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {DatanetRegistry} from "../../../contracts/DatanetRegistry.sol";
import {PayoutWallets} from "../../../contracts/datanet/PayoutWallets.sol";
import {RegistryTest} from "./Registry.sol";

/// A contract wallet with one key behind it (EIP-1271), which can also be told to call.
contract ContractWallet is IERC1271 {
    address private immutable _key;

    constructor(address key) {
        _key = key;
    }

    function isValidSignature(bytes32 digest, bytes calldata signature) external view returns (bytes4) {
        (address signer, ECDSA.RecoverError error,) = ECDSA.tryRecoverCalldata(digest, signature);
        bool good = error == ECDSA.RecoverError.NoError && signer == _key;
        return good ? IERC1271.isValidSignature.selector : bytes4(0xffffffff);
    }
}

/// A wallet that says yes to whatever it is asked.
contract CarelessWallet is IERC1271 {
    function isValidSignature(bytes32, bytes calldata) external pure returns (bytes4) {
        return IERC1271.isValidSignature.selector;
    }
}

/// A contributor's wallet is moved by itself alone: signature, delay, acceptance.
contract PayoutWalletsTest is RegistryTest {
    uint64 private delay;
    uint64 private window;

    function setUp() public override {
        super.setUp();
        delay = registry.WALLET_CHANGE_DELAY();
        window = registry.ACCEPTANCE_WINDOW();
    }

    function test_a_wallet_is_moved_by_signature_delay_and_acceptance() public {
        assertEq(registry.payoutOf(alice.addr), alice.addr);
        request(alice, alice.addr, bob.addr);
        assertEq(registry.payoutOf(alice.addr), alice.addr);
        (address wallet, uint64 from) = registry.pendingWalletOf(alice.addr);
        assertEq(wallet, bob.addr);
        assertEq(from, vm.getBlockTimestamp() + delay);
        vm.warp(from);
        vm.prank(bob.addr);
        registry.acceptWallet(alice.addr);
        assertEq(registry.payoutOf(alice.addr), bob.addr);
        (wallet,) = registry.pendingWalletOf(alice.addr);
        assertEq(wallet, address(0));
    }

    /// The digest is derived here from EIP-712 itself, not from the contract.
    function test_the_domain_and_the_type_are_what_they_say() public view {
        (, string memory name, string memory version, uint256 chainId, address at,,) = registry.eip712Domain();
        assertEq(name, "Meed DatanetRegistry");
        assertEq(version, "1");
        assertEq(chainId, block.chainid);
        assertEq(at, address(registry));
        assertEq(
            registry.WALLET_CHANGE_TYPEHASH(),
            keccak256("WalletChange(address contributor,address newWallet,uint256 nonce,uint256 deadline)")
        );
    }

    function test_the_new_wallet_accepts_neither_early_nor_late() public {
        request(alice, alice.addr, bob.addr);
        uint64 from = uint64(vm.getBlockTimestamp()) + delay;
        vm.startPrank(bob.addr);
        vm.warp(from - 1);
        vm.expectRevert(abi.encodeWithSelector(PayoutWallets.WalletChangeNotDue.selector, alice.addr, from));
        registry.acceptWallet(alice.addr);
        vm.warp(from + window + 1);
        vm.expectRevert(abi.encodeWithSelector(PayoutWallets.WalletChangeLapsed.selector, alice.addr, from + window));
        registry.acceptWallet(alice.addr);
        vm.warp(from + window);
        registry.acceptWallet(alice.addr);
        vm.stopPrank();
    }

    function test_only_the_wallet_named_accepts_and_once() public {
        request(alice, alice.addr, bob.addr);
        vm.warp(vm.getBlockTimestamp() + delay);
        bytes memory notPending =
            abi.encodeWithSelector(PayoutWallets.NotPendingWallet.selector, alice.addr, stranger.addr);
        vm.prank(stranger.addr);
        vm.expectRevert(notPending);
        registry.acceptWallet(alice.addr);
        vm.startPrank(bob.addr);
        registry.acceptWallet(alice.addr);
        vm.expectRevert(abi.encodeWithSelector(PayoutWallets.NotPendingWallet.selector, alice.addr, bob.addr));
        registry.acceptWallet(alice.addr);
        vm.stopPrank();
    }

    function test_a_moved_wallet_acts_for_the_contributor_and_the_old_one_no_more() public {
        bytes32 first = approved(alice, "first");
        move(alice, alice.addr, bob.addr);
        vm.prank(alice.addr);
        vm.expectRevert(abi.encodeWithSelector(PayoutWallets.NotContributorWallet.selector, alice.addr, alice.addr));
        registry.withdrawConsent(datanetId, words(first), REASON);
        withdraw(bob, first);
        bytes memory old = sign(alice, changeDigest(alice.addr, stranger.addr, registry.nonces(alice.addr), later()));
        refusedSignature(alice.addr, stranger.addr, later(), old, bob.addr);
        move(bob, alice.addr, alice.addr); // and back again
        assertEq(registry.payoutOf(alice.addr), alice.addr);
    }

    function test_the_old_wallet_cancels_a_stolen_signature_in_time() public {
        request(alice, alice.addr, stranger.addr); // stolen, and brought by the thief
        vm.warp(vm.getBlockTimestamp() + delay - 1);
        vm.prank(alice.addr);
        registry.cancelWalletChange(alice.addr);
        vm.warp(vm.getBlockTimestamp() + 1);
        vm.prank(stranger.addr);
        vm.expectRevert(abi.encodeWithSelector(PayoutWallets.NotPendingWallet.selector, alice.addr, stranger.addr));
        registry.acceptWallet(alice.addr);
        assertEq(registry.payoutOf(alice.addr), alice.addr);
    }

    function test_cancelling_voids_signatures_that_were_not_brought_yet() public {
        uint256 deadline = later();
        bytes memory stolen = sign(alice, changeDigest(alice.addr, stranger.addr, 0, deadline));
        vm.prank(alice.addr);
        registry.cancelWalletChange(alice.addr);
        refusedSignature(alice.addr, stranger.addr, deadline, stolen, alice.addr);
    }

    function test_cancelling_is_the_wallets_alone() public {
        request(alice, alice.addr, bob.addr);
        address[2] memory others = [stranger.addr, bob.addr];
        for (uint256 i = 0; i < 2; ++i) {
            vm.prank(others[i]);
            vm.expectRevert(abi.encodeWithSelector(PayoutWallets.NotContributorWallet.selector, alice.addr, others[i]));
            registry.cancelWalletChange(alice.addr);
        }
    }

    function test_a_newer_request_replaces_an_older_one_and_starts_the_delay_again() public {
        request(alice, alice.addr, stranger.addr);
        vm.warp(vm.getBlockTimestamp() + delay - 1);
        request(alice, alice.addr, bob.addr);
        vm.warp(vm.getBlockTimestamp() + 1);
        vm.prank(stranger.addr);
        vm.expectRevert(abi.encodeWithSelector(PayoutWallets.NotPendingWallet.selector, alice.addr, stranger.addr));
        registry.acceptWallet(alice.addr);
        vm.prank(bob.addr);
        vm.expectPartialRevert(PayoutWallets.WalletChangeNotDue.selector);
        registry.acceptWallet(alice.addr);
    }

    function test_moving_to_the_same_wallet_or_after_the_deadline_is_refused() public {
        bytes memory signature = sign(alice, changeDigest(alice.addr, alice.addr, 0, later()));
        vm.expectRevert(abi.encodeWithSelector(PayoutWallets.SameWallet.selector, alice.addr, alice.addr));
        registry.requestWalletChange(alice.addr, alice.addr, later(), signature);
        uint256 past = vm.getBlockTimestamp() - 1;
        signature = sign(alice, changeDigest(alice.addr, bob.addr, 0, past));
        vm.expectRevert(abi.encodeWithSelector(PayoutWallets.SignatureExpired.selector, past));
        registry.requestWalletChange(alice.addr, bob.addr, past, signature);
    }

    function test_contract_wallets_sign_by_eip_1271() public {
        ContractWallet safe = new ContractWallet(alice.addr);
        uint256 deadline = later();
        bytes32 digest = changeDigest(address(safe), bob.addr, 0, deadline);
        refusedSignature(address(safe), bob.addr, deadline, sign(stranger, digest), address(safe));
        registry.requestWalletChange(address(safe), bob.addr, deadline, sign(alice, digest));
        vm.warp(vm.getBlockTimestamp() + delay);
        vm.prank(bob.addr);
        registry.acceptWallet(address(safe));
        assertEq(registry.payoutOf(address(safe)), bob.addr);
        assertEq(registry.payoutOf(alice.addr), alice.addr);
    }

    // ---- no chains, no cycles ----

    function test_pay_follows_one_step_and_no_more() public {
        move(alice, alice.addr, bob.addr);
        move(bob, bob.addr, stranger.addr);
        assertEq(registry.payoutOf(alice.addr), bob.addr);
        assertEq(registry.payoutOf(bob.addr), stranger.addr);
    }

    function test_attack_a_cycle_of_wallets() public {
        move(alice, alice.addr, bob.addr);
        move(bob, bob.addr, alice.addr);
        assertEq(registry.payoutOf(alice.addr), bob.addr);
        assertEq(registry.payoutOf(bob.addr), alice.addr);
    }

    // ---- taking somebody else's pay ----

    function test_attack_replaying_a_wallet_change() public {
        uint256 deadline = vm.getBlockTimestamp() + 365 days;
        bytes memory signature = sign(alice, changeDigest(alice.addr, bob.addr, 0, deadline));
        registry.requestWalletChange(alice.addr, bob.addr, deadline, signature);
        refusedSignature(alice.addr, bob.addr, deadline, signature, alice.addr);
        vm.warp(vm.getBlockTimestamp() + delay);
        vm.prank(bob.addr);
        registry.acceptWallet(alice.addr);
        move(bob, alice.addr, alice.addr);
        // Alice is her own wallet again, and her old signature would still be in time
        refusedSignature(alice.addr, bob.addr, deadline, signature, alice.addr);
    }

    function test_attack_replaying_a_wallet_change_on_another_chain() public {
        uint256 deadline = later();
        bytes memory signature = sign(alice, changeDigest(alice.addr, bob.addr, 0, deadline));
        uint256 chain = 31337; // forge's own; the optimiser may read block.chainid again after a change
        vm.chainId(chain + 1); // the same state and the same address after a fork
        refusedSignature(alice.addr, bob.addr, deadline, signature, alice.addr);
        vm.chainId(chain);
        registry.requestWalletChange(alice.addr, bob.addr, deadline, signature);
    }

    function test_attack_replaying_a_wallet_change_on_another_registry() public {
        uint256 deadline = later();
        bytes memory signature = sign(alice, changeDigest(alice.addr, bob.addr, 0, deadline));
        DatanetRegistry other = new DatanetRegistry();
        vm.expectRevert(abi.encodeWithSelector(PayoutWallets.InvalidWalletSignature.selector, alice.addr, alice.addr));
        other.requestWalletChange(alice.addr, bob.addr, deadline, signature);
    }

    function testFuzz_attack_changing_anything_that_was_signed(
        address contributor,
        address newWallet,
        uint256 nonce,
        uint256 deadline
    ) public {
        bytes memory signature = sign(alice, changeDigest(alice.addr, bob.addr, 0, later()));
        deadline = bound(deadline, vm.getBlockTimestamp(), type(uint256).max);
        vm.assume(contributor.code.length == 0 && newWallet != contributor);
        if (contributor != alice.addr || newWallet != bob.addr || deadline != later()) {
            refusedSignature(contributor, newWallet, deadline, signature, contributor);
            refusedSignature(alice.addr, stranger.addr, later(), signature, alice.addr);
        }
        if (nonce != 0) {
            bytes memory ahead = sign(alice, changeDigest(alice.addr, bob.addr, nonce, later()));
            refusedSignature(alice.addr, bob.addr, later(), ahead, alice.addr);
        }
        registry.requestWalletChange(alice.addr, bob.addr, later(), signature);
    }

    function testFuzz_attack_a_signature_of_anybody_else(uint256 key, bytes calldata noise) public {
        key = bound(key, 1, 2 ** 250);
        vm.assume(key != alice.key);
        bytes32 digest = changeDigest(alice.addr, stranger.addr, 0, later());
        refusedSignature(alice.addr, stranger.addr, later(), sign(Person(vm.addr(key), key), digest), alice.addr);
        refusedSignature(alice.addr, stranger.addr, later(), noise, alice.addr);
    }

    /// ecrecover gives zero for nonsense, and the zero address has no key.
    function test_attack_the_zero_address_as_contributor() public {
        bytes memory nonsense = abi.encodePacked(bytes32(uint256(1)), bytes32(uint256(1)), uint8(99));
        refusedSignature(address(0), stranger.addr, later(), nonsense, address(0));
        refusedSignature(address(0), stranger.addr, later(), "", address(0));
    }

    /// The other root of the same signature (EIP-2): it neither passes nor is it a second request.
    function test_attack_a_malleable_signature() public {
        bytes32 digest = changeDigest(alice.addr, bob.addr, 0, later());
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(alice.key, digest);
        uint256 order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;
        bytes memory twin = abi.encodePacked(r, bytes32(order - uint256(s)), v == 27 ? uint8(28) : uint8(27));
        refusedSignature(alice.addr, bob.addr, later(), twin, alice.addr);
    }

    /// A contract that signs anything can only lose what is its own.
    function test_attack_a_wallet_that_signs_anything_moves_nobody_else() public {
        CarelessWallet careless = new CarelessWallet();
        registry.requestWalletChange(address(careless), stranger.addr, later(), "");
        refusedSignature(alice.addr, address(careless), later(), "", alice.addr);
        vm.warp(vm.getBlockTimestamp() + delay);
        vm.startPrank(stranger.addr);
        registry.acceptWallet(address(careless));
        vm.expectRevert(abi.encodeWithSelector(PayoutWallets.NotPendingWallet.selector, alice.addr, stranger.addr));
        registry.acceptWallet(alice.addr);
        vm.stopPrank();
    }

    // ---- signing ----

    function later() private view returns (uint256) {
        return vm.getBlockTimestamp() + 1 hours;
    }

    function request(Person memory signer, address contributor, address newWallet) private {
        bytes32 digest = changeDigest(contributor, newWallet, registry.nonces(contributor), later());
        vm.prank(stranger.addr); // anyone may bring it
        registry.requestWalletChange(contributor, newWallet, later(), sign(signer, digest));
    }

    function move(Person memory signer, address contributor, address newWallet) private {
        request(signer, contributor, newWallet);
        vm.warp(vm.getBlockTimestamp() + delay);
        vm.prank(newWallet);
        registry.acceptWallet(contributor);
    }

    function refusedSignature(
        address contributor,
        address newWallet,
        uint256 deadline,
        bytes memory signature,
        address wallet
    ) private {
        vm.expectRevert(abi.encodeWithSelector(PayoutWallets.InvalidWalletSignature.selector, contributor, wallet));
        registry.requestWalletChange(contributor, newWallet, deadline, signature);
    }
}
