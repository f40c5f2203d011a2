// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {EpochSettlement} from "../../../contracts/EpochSettlement.sol";
import {Prepayments} from "../../../contracts/Prepayments.sol";
import {IReceipts} from "../../../contracts/IReceipts.sol";
import {ReceiptBook} from "../../../contracts/ReceiptBook.sol";
import {Bn254} from "../../../contracts/libraries/Bn254.sol";
import {Tariff} from "../../../contracts/libraries/Tariff.sol";
import {CallingToken, OpenToken} from "../staking/Tokens.sol";
import {SettlementWorld} from "../support/SettlementWorld.sol";

/// A payer that is a contract and signs by EIP-1271 what it was told to.
contract ContractPayer {
    bytes32 private _digest;

    function allow(bytes32 digest) external {
        _digest = digest;
    }

    function isValidSignature(bytes32 digest, bytes calldata) external view returns (bytes4) {
        return digest == _digest ? this.isValidSignature.selector : bytes4(0);
    }
}

/// What the tests of the book share: an epoch, and what a payer signs.
abstract contract BookTest is SettlementWorld {
    uint256 internal constant FAR = type(uint64).max;
    uint256 internal epoch;

    function setUp() public virtual {
        deployWorld();
        epoch = openEpoch(newIndex(threeSlots()));
    }

    function postDigest(ReceiptBook.Post memory made, address account, uint256 nonce, uint256 deadline)
        internal
        view
        returns (bytes32)
    {
        bytes32 typehash = keccak256(
            "Post(address payer,uint256 epoch,uint256 commitment,bytes32 receiptsHash,uint256 nonce,uint256 deadline)"
        );
        bytes32 receiptsHash = keccak256(abi.encode(made.fees, made.outputHashes));
        bytes32 message =
            keccak256(abi.encode(typehash, account, made.epoch, made.commitment, receiptsHash, nonce, deadline));
        return digestOf("Meed receipt book", address(book), message);
    }

    function signed(ReceiptBook.Post memory made) internal view returns (bytes memory) {
        return sign(payer, postDigest(made, payer.addr, book.nonces(payer.addr), FAR));
    }

    function admit(address account) internal {
        address[] memory payers = new address[](1);
        payers[0] = account;
        vm.prank(owner.addr);
        book.admit(epoch, payers);
    }

    function total(ReceiptBook.Post memory made) internal pure returns (uint256) {
        return uint256(made.fees[0]) + made.fees[1];
    }
}

/// open: unknown index ✗, by another than its owner ✗, a settlement of another S ✗, else open
/// admit, setRates: unknown ✗, closed ✗, by another than its owner ✗; rates after a batch ✗
/// close: by another before the longest time ✗, twice ✗, else closed for ever
/// post…: unknown ✗, closed ✗, payer not admitted ✗, commitment that is none ✗, other numbers than Q ✗, fee without an
///   output ✗, allowance too small ✗, else numbered, chained, paid to the settlement
contract ReceiptBookTest is BookTest {
    /// Of one inference.
    struct Tokens {
        uint32 given;
        uint32 made;
    }

    function test_OnlyTheIndexsOwnerOpensForASettlementOfItsShape() public {
        bytes32 index = indexOfEpoch[epoch];
        address[] memory none = new address[](0);
        vm.prank(stranger.addr);
        vm.expectRevert(abi.encodeWithSelector(ReceiptBook.NotIndexOwner.selector, index, stranger.addr));
        book.open(index, settlement, none);
        EpochSettlement other = new EpochSettlement(book, verifier, SLOTS + 1, QUERIES, COLUMNS);
        vm.startPrank(owner.addr);
        vm.expectRevert(abi.encodeWithSelector(ReceiptBook.WrongSlotsPerShard.selector, SLOTS, SLOTS + 1));
        book.open(index, other, none);
        vm.expectRevert();
        book.open("no index", settlement, none);
        vm.expectEmit(address(book));
        emit ReceiptBook.EpochOpened(1, index, address(settlement), owner.addr, uint32(QUERIES));
        assertEq(book.open(index, settlement, none), 1);
        assertEq(book.epochCount(), 2);
        vm.stopPrank();
        ReceiptBook.Epoch memory entry = book.epochOf(1);
        assertEq(entry.settlement, address(settlement));
        assertEq(entry.owner, owner.addr);
        assertEq(entry.index, index);
        assertEq(entry.queries, QUERIES);
        assertEq(entry.openedAt, vm.getBlockTimestamp());
        assertFalse(book.isAdmitted(1, payer.addr));
        assertTrue(book.isAdmitted(0, payer.addr));
    }

    function testFuzz_ABatchIsPaidToTheSettlementAndChained(uint96[2][4] memory fees) public {
        bytes32 accumulator;
        uint256 sum;
        for (uint256 b = 0; b < 4; ++b) {
            (uint96 first, uint96 second) = (fees[b][0] / 16, fees[b][1] / 16);
            ReceiptBook.Post memory made = postOf(epoch, first, second);
            uint256 before = token.balanceOf(payer.addr);
            assertEq(post(epoch, first, second), b);
            assertEq(before - token.balanceOf(payer.addr), total(made));
            bytes32 receiptsHash = keccak256(abi.encode(made.fees, made.outputHashes));
            accumulator = keccak256(
                abi.encode(accumulator, b, made.commitment, receiptsHash, payer.addr, uint96(total(made)))
            );
            sum += total(made);
            ReceiptBook.Batch memory kept = book.batchOf(epoch, b);
            assertEq(kept.commitment, made.commitment);
            assertEq(kept.receiptsHash, receiptsHash);
            assertEq(kept.payer, payer.addr);
            assertEq(kept.fees, total(made));
            (address to, bool closed, bytes32 index, uint256 commitment) = book.placeOf(epoch, b);
            assertEq(to, address(settlement));
            assertFalse(closed);
            assertEq(index, indexOfEpoch[epoch]);
            assertEq(commitment, made.commitment);
        }
        ReceiptBook.Epoch memory entry = book.epochOf(epoch);
        assertEq(entry.accumulator, accumulator);
        assertEq(entry.fees, sum);
        assertEq(entry.batches, 4);
        assertEq(token.balanceOf(address(settlement)), sum);
        assertEq(token.balanceOf(address(book)), 0);
    }

    function test_WhatIsUnknownSaysSo() public {
        vm.expectRevert(abi.encodeWithSelector(IReceipts.UnknownEpoch.selector, 7));
        book.epochOf(7);
        vm.expectRevert(abi.encodeWithSelector(IReceipts.UnknownEpoch.selector, 7));
        book.placeOf(7, 0);
        vm.expectRevert(abi.encodeWithSelector(IReceipts.UnknownBatch.selector, epoch, 0));
        book.placeOf(epoch, 0);
        vm.expectRevert(abi.encodeWithSelector(IReceipts.UnknownBatch.selector, epoch, 0));
        book.batchOf(epoch, 0);
        vm.expectRevert(abi.encodeWithSelector(IReceipts.UnknownEpoch.selector, 7));
        book.close(7);
        ReceiptBook.Post memory made = postOf(7, 1, 1);
        vm.expectRevert(abi.encodeWithSelector(IReceipts.UnknownEpoch.selector, 7));
        book.postBatch(made);
    }

    function test_OnlyAdmittedPayersPost() public {
        give(stranger.addr, 100);
        ReceiptBook.Post memory made = postOf(epoch, 3, 4);
        bytes memory refusal = abi.encodeWithSelector(ReceiptBook.PayerNotAdmitted.selector, epoch, stranger.addr);
        vm.startPrank(stranger.addr);
        vm.expectRevert(refusal);
        book.postBatch(made);
        vm.expectRevert(refusal);
        book.postPrepaid(made, stranger.addr);
        vm.stopPrank();
        bytes memory signature = sign(stranger, postDigest(made, stranger.addr, 0, FAR));
        vm.expectRevert(refusal);
        book.postSigned(made, stranger.addr, FAR, signature);
        address[] memory payers = new address[](1);
        payers[0] = stranger.addr;
        vm.prank(stranger.addr);
        vm.expectRevert(abi.encodeWithSelector(ReceiptBook.NotEpochOwner.selector, epoch, stranger.addr));
        book.admit(epoch, payers);
        vm.expectEmit(address(book));
        emit ReceiptBook.PayerAdmitted(epoch, stranger.addr);
        admit(stranger.addr);
        vm.prank(stranger.addr);
        book.postBatch(made);
        assertEq(token.balanceOf(stranger.addr), 93);
    }

    function testFuzz_ACommitmentIsAFieldElementAboveZero(uint256 commitment) public {
        commitment = bound(commitment, Bn254.SCALAR_MODULUS, type(uint256).max);
        ReceiptBook.Post memory made = postOf(epoch, 3, 4);
        made.commitment = commitment;
        vm.startPrank(payer.addr);
        vm.expectRevert(abi.encodeWithSelector(Bn254.NotAFieldElement.selector, commitment));
        book.postBatch(made);
        made.commitment = 0;
        vm.expectRevert(Bn254.ZeroFieldElement.selector);
        book.postBatch(made);
    }

    function testFuzz_ABatchHasExactlyQReceipts(uint8 outputs, uint8 fees) public {
        (outputs, fees) = (uint8(bound(outputs, 0, 5)), uint8(bound(fees, 0, 5)));
        vm.assume(outputs != QUERIES || fees != QUERIES);
        ReceiptBook.Post memory made = postOf(epoch, 3, 4);
        (made.outputHashes, made.fees) = (new bytes32[](outputs), new uint96[](fees));
        vm.startPrank(payer.addr);
        vm.expectRevert(
            abi.encodeWithSelector(ReceiptBook.WrongReceiptCount.selector, uint256(outputs), uint256(fees), QUERIES)
        );
        book.postBatch(made);
    }

    function test_AnUnusedPositionHasNoFee() public {
        ReceiptBook.Post memory made = postOf(epoch, 3, 4);
        made.outputHashes[1] = 0;
        vm.startPrank(payer.addr);
        vm.expectRevert(abi.encodeWithSelector(ReceiptBook.FeeWithoutReceipt.selector, 1));
        book.postBatch(made);
        made.fees[1] = 0;
        book.postBatch(made);
    }

    function test_FeesBeyondTheirTypeAreRefused() public {
        ReceiptBook.Post memory made = postOf(epoch, type(uint96).max, 1);
        vm.startPrank(payer.addr);
        vm.expectRevert();
        book.postBatch(made);
        made.fees[1] = 0;
        book.postBatch(made);
        assertEq(token.balanceOf(address(settlement)), type(uint96).max);
    }

    function test_NothingIsPostedUnpaid() public {
        admit(stranger.addr);
        ReceiptBook.Post memory made = postOf(epoch, 3, 4);
        vm.prank(stranger.addr);
        vm.expectRevert();
        book.postBatch(made);
        assertEq(book.epochOf(epoch).batches, 0);
        assertEq(book.epochOf(epoch).accumulator, 0);
    }

    function test_AClosedEpochTakesNothingMore() public {
        post(epoch, 5, 6);
        ReceiptBook.Epoch memory before = book.epochOf(epoch);
        vm.expectEmit(address(book));
        emit ReceiptBook.EpochClosed(epoch, 1, 11, before.accumulator);
        close(epoch);
        (, bool closed,,) = book.placeOf(epoch, 0);
        assertTrue(closed);
        assertEq(book.epochOf(epoch).closedAt, vm.getBlockTimestamp());
        bytes memory refusal = abi.encodeWithSelector(ReceiptBook.EpochAlreadyClosed.selector, epoch);
        ReceiptBook.Post memory made = postOf(epoch, 3, 4);
        bytes memory signature = signed(made);
        vm.expectRevert(refusal);
        book.postSigned(made, payer.addr, FAR, signature);
        vm.startPrank(payer.addr);
        vm.expectRevert(refusal);
        book.postBatch(made);
        vm.expectRevert(refusal);
        book.postPrepaid(made, payer.addr);
        vm.expectRevert(refusal);
        book.postMetered(epoch, 1, made.outputHashes, new uint64[](2));
        vm.stopPrank();
        vm.startPrank(owner.addr);
        vm.expectRevert(refusal);
        book.close(epoch);
        vm.expectRevert(refusal);
        book.admit(epoch, new address[](0));
        vm.expectRevert(refusal);
        book.setRates(epoch, Tariff.Rates(1, 1, 1));
    }

    function testFuzz_AnOwnerWhoNeverClosesHoldsNothingForEver(uint256 wait) public {
        wait = bound(wait, 0, LONGEST_OPEN - 1);
        post(epoch, 9, 0);
        skip(wait);
        vm.prank(stranger.addr);
        vm.expectRevert(abi.encodeWithSelector(ReceiptBook.NotEpochOwner.selector, epoch, stranger.addr));
        book.close(epoch);
        skip(LONGEST_OPEN - wait);
        vm.prank(stranger.addr);
        book.close(epoch);
        assertGt(book.epochOf(epoch).closedAt, 0);
    }

    // ---- by signature ----

    function testFuzz_ASignedBatchIsPaidByItsSignerAndPostedByAnyone(uint96 first, uint96 second, address poster)
        public
    {
        ReceiptBook.Post memory made = postOf(epoch, first / 2, second / 2);
        bytes memory signature = signed(made);
        uint256 before = token.balanceOf(payer.addr);
        vm.prank(poster);
        book.postSigned(made, payer.addr, FAR, signature);
        assertEq(before - token.balanceOf(payer.addr), total(made));
        assertEq(token.balanceOf(address(settlement)), total(made));
        assertEq(book.batchOf(epoch, 0).payer, payer.addr);
        assertEq(book.nonces(payer.addr), 1);
    }

    function test_AttackASignatureUsedTwice() public {
        ReceiptBook.Post memory made = postOf(epoch, 3, 4);
        bytes memory signature = signed(made);
        book.postSigned(made, payer.addr, FAR, signature);
        vm.expectRevert(abi.encodeWithSelector(ReceiptBook.NotSignedByPayer.selector, payer.addr));
        book.postSigned(made, payer.addr, FAR, signature);
    }

    function test_AttackASignatureForSomethingElse() public {
        ReceiptBook.Post memory made = postOf(epoch, 3, 4);
        bytes memory signature = signed(made);
        uint256 other = openEpoch(indexOfEpoch[epoch]);
        for (uint256 change = 0; change < 5; ++change) {
            ReceiptBook.Post memory changed = postOf(epoch, 3, 4);
            if (change == 0) changed.epoch = other;
            if (change == 1) changed.commitment += 1;
            if (change == 2) changed.fees[0] += 1;
            if (change == 3) (changed.fees[0], changed.fees[1]) = (4, 3);
            if (change == 4) changed.outputHashes[0] = "another";
            vm.expectRevert(abi.encodeWithSelector(ReceiptBook.NotSignedByPayer.selector, payer.addr));
            book.postSigned(changed, payer.addr, FAR, signature);
        }
        vm.expectRevert(abi.encodeWithSelector(ReceiptBook.NotSignedByPayer.selector, payer.addr));
        book.postSigned(made, payer.addr, FAR - 1, signature);
        vm.expectRevert(abi.encodeWithSelector(ReceiptBook.NotSignedByPayer.selector, host.addr));
        book.postSigned(made, host.addr, FAR, signature);
        vm.expectRevert(abi.encodeWithSelector(ReceiptBook.NotSignedByPayer.selector, payer.addr));
        book.postSigned(made, payer.addr, FAR, new bytes(65));
        book.postSigned(made, payer.addr, FAR, signature);
    }

    function test_AttackASignatureOfAnotherChainOrBook() public {
        ReceiptBook.Post memory made = postOf(epoch, 3, 4);
        bytes memory signature = signed(made);
        uint256 chain = 31337; // forge's own; the optimiser may read block.chainid again after a change
        vm.chainId(chain + 1);
        vm.expectRevert(abi.encodeWithSelector(ReceiptBook.NotSignedByPayer.selector, payer.addr));
        book.postSigned(made, payer.addr, FAR, signature);
        vm.chainId(chain);
        ReceiptBook another = new ReceiptBook(token, indexes, RECLAIM_NOTICE);
        EpochSettlement own = new EpochSettlement(another, verifier, SLOTS, QUERIES, COLUMNS);
        address[] memory payers = new address[](1);
        payers[0] = payer.addr;
        bytes32 index = indexOfEpoch[epoch];
        vm.prank(owner.addr);
        another.open(index, own, payers);
        vm.expectRevert(abi.encodeWithSelector(ReceiptBook.NotSignedByPayer.selector, payer.addr));
        another.postSigned(made, payer.addr, FAR, signature);
    }

    function testFuzz_ASignatureExpires(uint64 deadline) public {
        deadline = uint64(bound(deadline, 0, vm.getBlockTimestamp() - 1));
        ReceiptBook.Post memory made = postOf(epoch, 3, 4);
        bytes memory signature = sign(payer, postDigest(made, payer.addr, 0, deadline));
        vm.expectRevert(abi.encodeWithSelector(ReceiptBook.SignatureExpired.selector, uint256(deadline)));
        book.postSigned(made, payer.addr, deadline, signature);
        vm.warp(deadline);
        // nothing else was wrong with it: this epoch is from later, but nobody asks
        book.postSigned(made, payer.addr, deadline, signature);
    }

    function test_AContractSignsByItsOwnRule() public {
        ContractPayer account = new ContractPayer();
        give(address(account), 100);
        admit(address(account));
        ReceiptBook.Post memory made = postOf(epoch, 3, 4);
        vm.expectRevert(abi.encodeWithSelector(ReceiptBook.NotSignedByPayer.selector, address(account)));
        book.postSigned(made, address(account), FAR, "");
        account.allow(postDigest(made, address(account), 0, FAR));
        book.postSigned(made, address(account), FAR, "");
        assertEq(token.balanceOf(address(account)), 93);
    }

    // ---- by tokens ----

    function test_RatesAreFixedByTheOwnerBeforeAnythingIsPosted() public {
        Tariff.Rates memory rates = Tariff.Rates(1500, 4000, 7);
        vm.prank(payer.addr);
        vm.expectRevert(abi.encodeWithSelector(ReceiptBook.NotEpochOwner.selector, epoch, payer.addr));
        book.setRates(epoch, rates);
        vm.expectEmit(address(book));
        emit ReceiptBook.RatesSet(epoch, 1500, 4000, 7);
        vm.prank(owner.addr);
        book.setRates(epoch, rates);
        post(epoch, 3, 0);
        vm.prank(owner.addr);
        vm.expectRevert(abi.encodeWithSelector(ReceiptBook.BatchesPosted.selector, epoch));
        book.setRates(epoch, rates);
    }

    function test_NothingIsMeteredWithoutRates() public {
        ReceiptBook.Post memory made = postOf(epoch, 3, 4);
        vm.startPrank(payer.addr);
        vm.expectRevert(abi.encodeWithSelector(ReceiptBook.EpochNotMetered.selector, epoch));
        book.postMetered(epoch, made.commitment, made.outputHashes, new uint64[](QUERIES));
    }

    function testFuzz_FeesFollowFromTokens(uint16[3] memory rates, Tokens[2] memory tokens) public {
        rates[2] = uint16(bound(rates[2], 1, type(uint16).max));
        vm.prank(owner.addr);
        book.setRates(epoch, Tariff.Rates(rates[0], rates[1], rates[2]));
        ReceiptBook.Post memory made = postOf(epoch, 3, 4);
        uint64[] memory usage = new uint64[](QUERIES);
        for (uint256 q = 0; q < QUERIES; ++q) {
            (uint64 tokensIn, uint64 tokensOut) = (tokens[q].given % 2 ** 20, tokens[q].made % 2 ** 20);
            usage[q] = tokensIn << 32 | tokensOut;
            uint256 quanta = (uint256(tokensIn) * rates[0] + uint256(tokensOut) * rates[1]) / 1000 + rates[2];
            made.fees[q] = uint96(quanta * 1e9);
        }
        vm.prank(payer.addr);
        vm.expectEmit(address(book));
        emit ReceiptBook.UsageMetered(epoch, 0, usage);
        book.postMetered(epoch, made.commitment, made.outputHashes, usage);
        assertEq(book.batchOf(epoch, 0).receiptsHash, keccak256(abi.encode(made.fees, made.outputHashes)));
        assertEq(token.balanceOf(address(settlement)), total(made));
    }

    function test_AnUnusedPositionIsNotMetered() public {
        vm.prank(owner.addr);
        book.setRates(epoch, Tariff.Rates(0, 0, 7));
        ReceiptBook.Post memory made = postOf(epoch, 3, 0);
        uint64[] memory usage = new uint64[](QUERIES);
        vm.startPrank(payer.addr);
        book.postMetered(epoch, made.commitment, made.outputHashes, usage);
        assertEq(token.balanceOf(address(settlement)), 7e9);
        usage[1] = 1; // tokens, but no output
        vm.expectRevert(abi.encodeWithSelector(ReceiptBook.FeeWithoutReceipt.selector, 1));
        book.postMetered(epoch, made.commitment, made.outputHashes, usage);
        vm.expectRevert(abi.encodeWithSelector(ReceiptBook.WrongReceiptCount.selector, QUERIES, 3, QUERIES));
        book.postMetered(epoch, made.commitment, made.outputHashes, new uint64[](3));
    }

    /// forge-config: default.isolate = true
    function test_Gas() public {
        ReceiptBook.Post memory made = postOf(epoch, 3, 4);
        post(epoch, 5, 6);
        vm.snapshotGasLastCall("ReceiptBook", "postBatch of 2, the first");
        post(epoch, 5, 6);
        vm.snapshotGasLastCall("ReceiptBook", "postBatch of 2");
        book.postSigned(made, payer.addr, FAR, signed(made));
        vm.snapshotGasLastCall("ReceiptBook", "postSigned of 2");
        close(epoch);
        vm.snapshotGasLastCall("ReceiptBook", "close");
    }
}

/// prepay, announceReclaim, reclaim, postPrepaid
contract PrepaymentsTest is BookTest {
    function prepay(uint96 amount) private {
        vm.prank(payer.addr);
        book.prepay(host.addr, amount);
    }

    function balance() private view returns (uint96 left) {
        (left,) = book.prepaidOf(payer.addr, host.addr);
    }

    function testFuzz_AHostSpendsItOnThatPayersReceiptsAndNothingElse(uint96 amount, uint96 first, uint96 second)
        public
    {
        ReceiptBook.Post memory made = postOf(epoch, first / 2, second / 2);
        vm.expectEmit(address(book));
        emit Prepayments.Prepaid(payer.addr, host.addr, amount);
        prepay(amount);
        assertEq(token.balanceOf(address(book)), amount);
        bool enough = amount >= total(made);
        vm.prank(host.addr);
        if (!enough) {
            vm.expectRevert(
                abi.encodeWithSelector(
                    Prepayments.PrepaymentTooSmall.selector, payer.addr, host.addr, uint256(amount), total(made)
                )
            );
        }
        book.postPrepaid(made, payer.addr);
        assertEq(balance(), enough ? amount - total(made) : amount);
        assertEq(token.balanceOf(address(book)), balance());
        assertEq(token.balanceOf(address(settlement)), enough ? total(made) : 0);
        assertEq(book.epochOf(epoch).batches, enough ? 1 : 0);
    }

    function test_AttackAnotherHostOrPayer() public {
        prepay(1000);
        ReceiptBook.Post memory made = postOf(epoch, 3, 4);
        vm.prank(stranger.addr);
        vm.expectRevert(
            abi.encodeWithSelector(Prepayments.PrepaymentTooSmall.selector, payer.addr, stranger.addr, 0, 7)
        );
        book.postPrepaid(made, payer.addr);
        vm.prank(host.addr);
        vm.expectRevert(abi.encodeWithSelector(Prepayments.PrepaymentTooSmall.selector, host.addr, host.addr, 0, 7));
        book.postPrepaid(made, host.addr);
        vm.prank(host.addr);
        vm.expectRevert(abi.encodeWithSelector(Prepayments.NothingPrepaid.selector, host.addr, host.addr));
        book.reclaim(host.addr);
    }

    function testFuzz_WhatIsLeftComesBackAfterANotice(uint96 amount, uint256 early) public {
        amount = uint96(bound(amount, 1, type(uint96).max));
        prepay(amount);
        vm.startPrank(payer.addr);
        vm.expectRevert(abi.encodeWithSelector(Prepayments.ReclaimNotDue.selector, payer.addr, host.addr, 0));
        book.reclaim(host.addr);
        uint256 due = vm.getBlockTimestamp() + RECLAIM_NOTICE;
        vm.expectEmit(address(book));
        emit Prepayments.ReclaimAnnounced(payer.addr, host.addr, due);
        book.announceReclaim(host.addr);
        early = bound(early, 1, RECLAIM_NOTICE);
        vm.warp(due - early);
        vm.expectRevert(abi.encodeWithSelector(Prepayments.ReclaimNotDue.selector, payer.addr, host.addr, due));
        book.reclaim(host.addr);
        vm.warp(due);
        uint256 before = token.balanceOf(payer.addr);
        vm.expectEmit(address(book));
        emit Prepayments.Reclaimed(payer.addr, host.addr, amount);
        book.reclaim(host.addr);
        assertEq(token.balanceOf(payer.addr) - before, amount);
        assertEq(token.balanceOf(address(book)), 0);
        vm.expectRevert(abi.encodeWithSelector(Prepayments.NothingPrepaid.selector, payer.addr, host.addr));
        book.reclaim(host.addr);
        vm.expectRevert(abi.encodeWithSelector(Prepayments.NothingPrepaid.selector, payer.addr, host.addr));
        book.announceReclaim(host.addr);
    }

    function test_ANewPaymentTakesTheNoticeBack() public {
        prepay(40);
        vm.prank(payer.addr);
        book.announceReclaim(host.addr);
        prepay(20);
        skip(2 * RECLAIM_NOTICE);
        vm.prank(payer.addr);
        vm.expectRevert(abi.encodeWithSelector(Prepayments.ReclaimNotDue.selector, payer.addr, host.addr, 0));
        book.reclaim(host.addr);
    }

    function test_AHostSpendsDuringTheNotice() public {
        prepay(40);
        vm.prank(payer.addr);
        book.announceReclaim(host.addr);
        skip(RECLAIM_NOTICE - 1);
        ReceiptBook.Post memory made = postOf(epoch, 30, 5);
        vm.prank(host.addr);
        book.postPrepaid(made, payer.addr);
        skip(1);
        uint256 before = token.balanceOf(payer.addr);
        vm.prank(payer.addr);
        book.reclaim(host.addr);
        assertEq(token.balanceOf(payer.addr) - before, 5);
    }
}

/// A payer that calls the book again in the middle of its own reclaim, and remembers what it was told.
contract GreedyPayer {
    ReceiptBook private immutable _book;
    bytes private _call;
    bytes4 public answer;

    constructor(ReceiptBook book_) {
        _book = book_;
        book_.token().approve(address(book_), type(uint256).max);
    }

    function prepay(address host, uint96 amount) external {
        _book.prepay(host, amount);
        _book.announceReclaim(host);
    }

    function reclaim(address host, bytes calldata again) external {
        _call = again;
        _book.reclaim(host);
    }

    function onTokens() external {
        (bool ok, bytes memory reason) = address(_book).call(_call);
        answer = ok ? bytes4(0) : bytes4(reason);
    }
}

contract PrepaymentsReentrancyTest is BookTest {
    function newToken() internal override returns (OpenToken) {
        return new CallingToken();
    }

    function test_AttackTheBookCalledFromWithinAReclaim() public {
        GreedyPayer greedy = new GreedyPayer(book);
        token.mint(address(greedy), 100);
        admit(address(greedy));
        greedy.prepay(host.addr, 60);
        skip(RECLAIM_NOTICE);
        CallingToken calling = CallingToken(address(token));
        bytes[4] memory calls = [
            abi.encodeCall(Prepayments.reclaim, (host.addr)),
            abi.encodeCall(Prepayments.prepay, (host.addr, 1)),
            abi.encodeCall(ReceiptBook.postBatch, (postOf(epoch, 3, 4))),
            abi.encodeCall(ReceiptBook.postPrepaid, (postOf(epoch, 3, 4), address(greedy)))
        ];
        for (uint256 i = 0; i < calls.length; ++i) {
            uint256 state = vm.snapshotState();
            calling.onTransfer(address(greedy), abi.encodeCall(GreedyPayer.onTokens, ()));
            greedy.reclaim(host.addr, calls[i]);
            assertEq(greedy.answer(), ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector);
            assertEq(token.balanceOf(address(book)), 0);
            assertEq(token.balanceOf(address(greedy)), 100);
            vm.revertToState(state);
        }
    }
}
