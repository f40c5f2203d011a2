// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {HostChains} from "./HostChains.sol";
import {IEpochSettlement} from "./IEpochSettlement.sol";
import {IFolds} from "./IFolds.sol";
import {IReceipts} from "./IReceipts.sol";
import {IStatementVerifier} from "./IStatementVerifier.sol";
import {IndexRegistry} from "./IndexRegistry.sol";
import {ProtocolTerms} from "./ProtocolTerms.sol";
import {ReceiptBook} from "./ReceiptBook.sol";
import {Bn254} from "./libraries/Bn254.sol";
import {ReceiptsHash} from "./libraries/ReceiptsHash.sol";

/// @title Thousands of receipts of a host as one position of a batch
/// @notice A settlement that names this contract as its book settles batches of hosts: host number i of an epoch stands at
/// position i mod Q of batch i / Q, its fee is the sum of its receipts' fees, and its vector is their mean, weighted by
/// fees. That it is their mean is proven here, a step of receipts at a time: docs/protocol.md, "Folded queries".
/// @dev A fold belongs to who makes it, so nobody can spoil another's; its proofs do not, so anybody may make it again with
/// the same ones. The first commitment that holds the proven mean of every host of its batch is the batch's.
contract Folds is IFolds {
    /// What is folded, and what was committed before gamma.
    struct Place {
        uint256 epoch;
        address host;
        /// Of the batch of hosts.
        uint256 queryBatchCommitment;
        uint256 remainderCommitment;
    }

    /// A batch as it was posted.
    struct Posted {
        uint256 commitment;
        /// Token units.
        uint96[] fees;
        bytes32[] outputHashes;
    }

    /// The proof of QuerySum for the next n receipts, or for what is left of the last batch.
    struct Step {
        /// After its last receipt.
        uint256 link;
        uint256 sumEvaluation;
        uint256[8] proof;
    }

    /// A step while its receipts are read.
    struct Reading {
        /// Receipts read so far.
        uint256 count;
        /// Σ fee·gamma^(2i) + outputHash·gamma^(2i + 1), and gamma^(2·count).
        uint256 evaluation;
        uint256 power;
    }

    /// How far a fold has come.
    struct Fold {
        /// Of the batches folded, as in HostChains.
        bytes32 chain;
        /// Commitment of the last of them.
        uint256 link;
        /// Σ sumEvaluation mod r
        uint256 sum;
    }

    /// What the book says of a place.
    struct Subject {
        uint256 gamma;
        uint256 number;
        HostChains.Host host;
    }

    uint256 public constant QUERIES_MAX = 256;
    /// Of a posted batch, at most: they are folded in one transaction, which has 2^24 gas.
    uint32 public constant STEPS_MAX = 32;
    /// 2^44 of them, the most that a host's receipts may cost together, stay below 2^96 units.
    uint256 public constant QUANTUM_MAX = 2 ** 52;

    event ReceiptsFolded(
        uint256 indexed epoch, address indexed host, address indexed folder, uint256 gamma, bytes32 chain
    );
    event HostFolded(
        uint256 indexed epoch, address indexed host, uint256 indexed batch, uint256 queryBatchCommitment, uint256 gamma
    );
    /// @notice Every host of the batch is folded into this commitment, for good: it can be settled.
    event BatchFolded(uint256 indexed epoch, uint256 indexed batch, uint256 queryBatchCommitment);

    error FoldShape(uint256 receiptsPerStep, uint256 queries, uint256 quantum);
    error NotSignals(IStatementVerifier verifier, uint256 given, uint256 needed);
    error WrongStepCount(uint256 steps);
    error StepRejected(uint256 step);
    error NotAtCommitment(uint256 link, uint256 commitment);
    error FoldIncomplete(bytes32 chain, bytes32 posted);
    error BatchAlreadyFolded(uint256 epoch, uint256 batch);
    error MeanRejected(uint256 epoch, address host);
    error BatchNotFolded(uint256 epoch, uint256 batch);

    ReceiptBook private immutable _book;
    IERC20 public immutable token;
    IndexRegistry public immutable indexes;
    ProtocolTerms public immutable protocolTerms;
    IStatementVerifier public immutable querySum;
    IStatementVerifier public immutable queryMean;
    /// keccak256(abi.encode(n, d, key hash)) of QuerySum, keccak256(abi.encode(Q, d, key hash)) of QueryMean.
    bytes32 public immutable sumCircuitId;
    bytes32 public immutable meanCircuitId;
    /// n of QuerySum.
    uint256 public immutable receiptsPerStep;
    uint32 public immutable receiptsPerBatch;
    /// Q: hosts of a batch.
    uint256 public immutable queries;
    uint96 public immutable quantum;

    mapping(uint256 gamma => mapping(address folder => Fold)) public foldOf;
    /// Of a batch of hosts: zero until every host of it is folded.
    mapping(uint256 epoch => mapping(uint256 batch => uint256)) public commitmentOf;
    /// Bit p: the commitment holds the proven mean of the host at position p.
    mapping(uint256 epoch => mapping(uint256 batch => mapping(uint256 commitment => uint256))) private _proven;

    /// @param receiptsPerStep_ n of QuerySum(n, d), `queries_` Q of QueryMean(Q, d), `columns_` their d
    constructor(
        ReceiptBook book_,
        IStatementVerifier querySum_,
        IStatementVerifier queryMean_,
        uint16 receiptsPerStep_,
        uint256 queries_,
        uint256 columns_,
        uint96 quantum_
    ) {
        bool shaped = receiptsPerStep_ != 0 && queries_ != 0 && queries_ <= QUERIES_MAX;
        if (!shaped || quantum_ == 0 || quantum_ > QUANTUM_MAX) revert FoldShape(receiptsPerStep_, queries_, quantum_);
        _requireSignals(querySum_, 5);
        _requireSignals(queryMean_, 6);
        _book = book_;
        token = book_.token();
        indexes = book_.indexes();
        protocolTerms = book_.protocolTerms();
        querySum = querySum_;
        queryMean = queryMean_;
        sumCircuitId = keccak256(abi.encode(receiptsPerStep_, columns_, querySum_.keyHash()));
        meanCircuitId = keccak256(abi.encode(queries_, columns_, queryMean_.keyHash()));
        receiptsPerStep = receiptsPerStep_;
        receiptsPerBatch = STEPS_MAX * receiptsPerStep_;
        queries = queries_;
        quantum = quantum_;
    }

    /// @notice Folds the next batches of a host, for the caller's fold at this place; anyone may.
    /// @param batches whole ones, as posted; a step may end within one
    /// @param steps over their receipts, n each but for the last one
    function fold(Place calldata place, Posted[] calldata batches, Step[] calldata steps) external {
        uint256 gamma = _subject(place).gamma;
        Fold memory state = foldOf[gamma][msg.sender];
        if (state.chain == 0) state.link = firstLink(place.epoch, place.host);
        _read(state, gamma, batches, steps);
        foldOf[gamma][msg.sender] = state;
        emit ReceiptsFolded(place.epoch, place.host, msg.sender, gamma, state.chain);
    }

    /// @notice Ends the caller's fold once all of the host's batches are in it.
    /// @param proof of QueryMean: the batch of hosts holds the mean at the host's position
    function finish(Place calldata place, uint256[8] calldata proof) external {
        Subject memory subject = _subject(place);
        Fold memory state = foldOf[subject.gamma][msg.sender];
        if (state.chain != subject.host.chain) revert FoldIncomplete(state.chain, subject.host.chain);
        uint256 batch = subject.number / queries;
        if (commitmentOf[place.epoch][batch] != 0) revert BatchAlreadyFolded(place.epoch, batch);
        uint256 position = subject.number % queries;
        uint256 weight = subject.host.fees / quantum;
        uint256[] memory signals = new uint256[](6);
        signals[0] = place.queryBatchCommitment;
        signals[1] = position;
        signals[2] = place.remainderCommitment;
        signals[3] = weight == 0 ? 1 : weight;
        signals[4] = subject.gamma;
        signals[5] = state.sum;
        if (!queryMean.verify(proof, signals)) revert MeanRejected(place.epoch, place.host);
        delete foldOf[subject.gamma][msg.sender];
        emit HostFolded(place.epoch, place.host, batch, place.queryBatchCommitment, subject.gamma);
        _prove(place.epoch, batch, place.queryBatchCommitment, position);
    }

    /// @inheritdoc IFolds
    function book() external view returns (IReceipts) {
        return _book;
    }

    /// @notice The link before a host's first receipt: nothing but who and where.
    function firstLink(uint256 epoch, address host) public view returns (uint256) {
        return uint256(keccak256(abi.encode(block.chainid, _book, epoch, host))) % Bn254.SCALAR_MODULUS;
    }

    /// @inheritdoc IReceipts
    function summaryOf(uint256 epoch) public view returns (Summary memory summary) {
        summary = _book.summaryOf(epoch);
        summary.batches = uint32((_book.hostCount(epoch) + queries - 1) / queries);
    }

    /// @inheritdoc IReceipts
    function placeOf(uint256 epoch, uint256 batch)
        external
        view
        returns (address settlement, bool closed, bytes32 index, uint256 commitment)
    {
        Summary memory summary = _book.summaryOf(epoch);
        (settlement, closed, index) = (summary.settlement, summary.closedAt != 0, summary.index);
        commitment = commitmentOf[epoch][batch];
        if (commitment == 0) revert BatchNotFolded(epoch, batch);
    }

    /// @inheritdoc IReceipts
    /// @dev The output hash of a host is keccak256(abi.encode(address host, bytes32 chain)): all of its receipts.
    function receiptsHashOf(uint256 epoch, uint256 batch) external view returns (bytes32) {
        uint256 hosts = _hostsIn(epoch, batch);
        if (hosts == 0) revert UnknownBatch(epoch, batch);
        uint96[] memory fees = new uint96[](queries);
        bytes32[] memory outputHashes = new bytes32[](queries);
        HostChains.Host[] memory of_ = _book.hostsOf(epoch, batch * queries, batch * queries + hosts);
        for (uint256 p = 0; p < hosts; ++p) {
            fees[p] = of_[p].fees;
            outputHashes[p] = keccak256(abi.encode(of_[p].account, of_[p].chain));
        }
        return keccak256(abi.encode(fees, outputHashes));
    }

    /// @inheritdoc IReceipts
    /// @param number of the host
    function refundOf(uint256 epoch, uint256 number) external view returns (address payer, uint96 fees) {
        if (number >= _book.hostCount(epoch)) revert UnknownBatch(epoch, number);
        HostChains.Host memory host = _book.hostsOf(epoch, number, number + 1)[0];
        return (host.account, host.fees);
    }

    /// @notice Reads the batches receipt by receipt and verifies a step whenever n are read.
    /// @dev The links between steps are the prover's; the last one is the book's, and of what leads there is one list only.
    function _read(Fold memory state, uint256 gamma, Posted[] calldata batches, Step[] calldata steps) private view {
        if (batches.length == 0) revert WrongStepCount(steps.length);
        Reading memory reading = Reading(0, 0, 1);
        uint256 verified = 0;
        for (uint256 b = 0; b < batches.length; ++b) {
            Posted calldata posted = batches[b];
            uint256 receipts = posted.fees.length;
            if (receipts != posted.outputHashes.length) revert WrongStepCount(steps.length);
            for (uint256 i = 0; i < receipts;) {
                if (reading.count == receiptsPerStep) _verify(state, gamma, reading, steps, verified++);
                uint256 end = i + receiptsPerStep - reading.count;
                if (end > receipts) end = receipts;
                _evaluate(reading, gamma, posted, i, end);
                i = end;
            }
            bytes32 receiptsHash = ReceiptsHash.hash(posted.fees, posted.outputHashes);
            state.chain = keccak256(abi.encode(state.chain, posted.commitment, receiptsHash));
        }
        _verify(state, gamma, reading, steps, verified++);
        if (verified != steps.length) revert WrongStepCount(steps.length);
        uint256 commitment = batches[batches.length - 1].commitment;
        if (state.link != commitment) revert NotAtCommitment(state.link, commitment);
    }

    /// @notice Verifies that the receipts read stand between the last link and the step's, and begins the next step.
    function _verify(Fold memory state, uint256 gamma, Reading memory reading, Step[] calldata steps, uint256 at)
        private
        view
    {
        if (at >= steps.length) revert WrongStepCount(steps.length);
        Step calldata step = steps[at];
        uint256[] memory signals = new uint256[](5);
        signals[0] = state.link;
        signals[1] = step.link;
        signals[2] = gamma;
        signals[3] = reading.evaluation;
        signals[4] = step.sumEvaluation;
        if (!querySum.verify(step.proof, signals)) revert StepRejected(at);
        state.link = step.link;
        state.sum = addmod(state.sum, step.sumEvaluation, Bn254.SCALAR_MODULUS);
        (reading.count, reading.evaluation, reading.power) = (0, 0, 1);
    }

    /// @notice Adds receipts [first, end) of a batch to the evaluation.
    /// @dev Words are read as they came: dirty ones have another receipts hash than was posted.
    function _evaluate(Reading memory reading, uint256 gamma, Posted calldata posted, uint256 first, uint256 end)
        private
        view
    {
        uint96[] calldata fees = posted.fees;
        bytes32[] calldata outputHashes = posted.outputHashes;
        uint256 unit = quantum;
        uint256 modulus = Bn254.SCALAR_MODULUS;
        (uint256 value, uint256 power) = (reading.evaluation, reading.power);
        assembly ("memory-safe") {
            let square := mulmod(gamma, gamma, modulus)
            let fee := add(fees.offset, shl(5, first))
            let last := add(fees.offset, shl(5, end))
            let output := add(outputHashes.offset, shl(5, first))
            for {} lt(fee, last) {} {
                let pair := addmod(div(calldataload(fee), unit), mulmod(calldataload(output), gamma, modulus), modulus)
                value := addmod(value, mulmod(power, pair, modulus), modulus)
                power := mulmod(power, square, modulus)
                fee := add(fee, 0x20)
                output := add(output, 0x20)
            }
        }
        (reading.evaluation, reading.power) = (value, power);
        reading.count += end - first;
    }

    /// @notice Looks up the host and derives gamma from all that was fixed before it.
    function _subject(Place calldata place) private view returns (Subject memory subject) {
        bool closed;
        bytes32 accumulator;
        (closed, accumulator, subject.number, subject.host) = _book.hostOf(place.epoch, place.host);
        if (!closed) revert IEpochSettlement.EpochStillOpen(place.epoch);
        bytes32 hash = keccak256(
            abi.encode(
                block.chainid,
                _book,
                place.epoch,
                place.host,
                address(this),
                sumCircuitId,
                meanCircuitId,
                accumulator,
                place.queryBatchCommitment,
                subject.number % queries,
                place.remainderCommitment
            )
        );
        subject.gamma = uint256(hash) % Bn254.SCALAR_MODULUS;
    }

    /// @notice Notes that a commitment holds a host's mean; with that of the last host it is the batch's.
    function _prove(uint256 epoch, uint256 batch, uint256 commitment, uint256 position) private {
        uint256 proven = _proven[epoch][batch][commitment] | (1 << position);
        _proven[epoch][batch][commitment] = proven;
        if (proven != type(uint256).max >> (256 - _hostsIn(epoch, batch))) return;
        commitmentOf[epoch][batch] = commitment;
        emit BatchFolded(epoch, batch, commitment);
    }

    /// @notice How many hosts a batch has; 0 for one that there is not.
    function _hostsIn(uint256 epoch, uint256 batch) private view returns (uint256) {
        uint256 hosts = _book.hostCount(epoch);
        if (batch >= (hosts + queries - 1) / queries) return 0;
        uint256 left = hosts - batch * queries;
        return left < queries ? left : queries;
    }

    function _requireSignals(IStatementVerifier verifier, uint256 needed) private view {
        uint256 given = verifier.signalCount();
        if (given != needed) revert NotSignals(verifier, given, needed);
    }
}
