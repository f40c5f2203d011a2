// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

import {IGroth16Verifier} from "./IGroth16Verifier.sol";

/// @title Which verifier speaks for which circuit
/// @notice A verifier is announced by the timelock, waits for everybody to look at it, and is activated by anyone. From
/// then on its circuit id means this verifier for ever: there is no function that changes or removes a route, so what was
/// proven under an id stays proven. A better circuit gets an id of its own.
/// @dev The trap is the time in between. The key hash and the code hash are noted at the announcement and compared at the
/// activation, so what is activated is what was announced. A proxy keeps both while its logic changes: whoever reviews an
/// announcement must read the code, and the delay is the time for that.
contract VerifierRouter {
    struct Announcement {
        IGroth16Verifier verifier;
        /// Seconds since 1970; zero when nothing is announced.
        uint64 activeFrom;
        bytes32 keyHash;
        bytes32 codeHash;
    }

    event VerifierAnnounced(
        bytes32 indexed circuitId, IGroth16Verifier indexed verifier, bytes32 indexed keyHash, uint64 activeFrom
    );
    event AnnouncementCancelled(bytes32 indexed circuitId, IGroth16Verifier indexed verifier);
    event VerifierActivated(bytes32 indexed circuitId, IGroth16Verifier indexed verifier, bytes32 indexed keyHash);

    error NotTimelock(address caller);
    error NotAContract(address account);
    error NoActivationDelay();
    error ZeroCircuitId();
    error CircuitAlreadyRouted(bytes32 circuitId, address verifier);
    error AlreadyAnnounced(bytes32 circuitId, address verifier);
    error NotAnnounced(bytes32 circuitId);
    error KeyHashMismatch(bytes32 announced, bytes32 actual);
    error VerifierCodeChanged(bytes32 announced, bytes32 actual);
    error ActivationTooEarly(bytes32 circuitId, uint64 activeFrom);
    error UnknownCircuit(bytes32 circuitId);

    address public immutable timelock;
    /// Seconds from an announcement to its earliest activation.
    uint64 public immutable activationDelay;

    mapping(bytes32 circuitId => IGroth16Verifier) private _verifiers;
    mapping(bytes32 circuitId => Announcement) private _announcements;

    /// @param timelock_ the only account that announces and cancels
    /// @param activationDelay_ seconds, at least one
    constructor(address timelock_, uint64 activationDelay_) {
        if (timelock_.code.length == 0) revert NotAContract(timelock_);
        if (activationDelay_ == 0) revert NoActivationDelay();
        timelock = timelock_;
        activationDelay = activationDelay_;
    }

    modifier onlyTimelock() {
        if (msg.sender != timelock) revert NotTimelock(msg.sender);
        _;
    }

    /// @notice Announces a verifier for a circuit that has none. A pending announcement is not replaced: cancel it, and
    /// the new one waits for its whole delay again.
    /// @param keyHash what the verifier must say of its key, not zero
    function announce(bytes32 circuitId, IGroth16Verifier verifier, bytes32 keyHash) external onlyTimelock {
        if (circuitId == 0) revert ZeroCircuitId();
        IGroth16Verifier active = _verifiers[circuitId];
        if (address(active) != address(0)) revert CircuitAlreadyRouted(circuitId, address(active));
        Announcement storage pending = _announcements[circuitId];
        if (pending.activeFrom != 0) revert AlreadyAnnounced(circuitId, address(pending.verifier));
        _requireKey(verifier, keyHash);
        uint64 activeFrom = uint64(block.timestamp) + activationDelay;
        _announcements[circuitId] = Announcement({
            verifier: verifier, activeFrom: activeFrom, keyHash: keyHash, codeHash: address(verifier).codehash
        });
        emit VerifierAnnounced(circuitId, verifier, keyHash, activeFrom);
    }

    /// @notice Takes an announcement back before its activation.
    function cancel(bytes32 circuitId) external onlyTimelock {
        IGroth16Verifier verifier = announcementOf(circuitId).verifier;
        delete _announcements[circuitId];
        emit AnnouncementCancelled(circuitId, verifier);
    }

    /// @notice Makes an announced verifier the circuit's own, for ever. Anyone may, once its delay has passed.
    function activate(bytes32 circuitId) external {
        Announcement memory pending = announcementOf(circuitId);
        if (block.timestamp < pending.activeFrom) revert ActivationTooEarly(circuitId, pending.activeFrom);
        bytes32 codeHash = address(pending.verifier).codehash;
        if (codeHash != pending.codeHash) revert VerifierCodeChanged(pending.codeHash, codeHash);
        _requireKey(pending.verifier, pending.keyHash);
        delete _announcements[circuitId];
        _verifiers[circuitId] = pending.verifier;
        emit VerifierActivated(circuitId, pending.verifier, pending.keyHash);
    }

    /// @notice The verifier of a circuit; reverts when the circuit has none.
    function verifierOf(bytes32 circuitId) external view returns (IGroth16Verifier verifier) {
        verifier = _verifiers[circuitId];
        if (address(verifier) == address(0)) revert UnknownCircuit(circuitId);
    }

    /// @notice What waits for activation; reverts when nothing does.
    function announcementOf(bytes32 circuitId) public view returns (Announcement memory pending) {
        pending = _announcements[circuitId];
        if (pending.activeFrom == 0) revert NotAnnounced(circuitId);
    }

    function _requireKey(IGroth16Verifier verifier, bytes32 keyHash) private view {
        if (address(verifier).code.length == 0) revert NotAContract(address(verifier));
        bytes32 actual = verifier.keyHash();
        if (keyHash == 0 || actual != keyHash) revert KeyHashMismatch(keyHash, actual);
    }
}
