// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

import {Test} from "forge-std/Test.sol";
import {DatanetRegistry} from "../../../contracts/DatanetRegistry.sol";
import {Contributions} from "../../../contracts/datanet/Contributions.sol";
import {Rfc6962} from "../../../contracts/libraries/Rfc6962.sol";
import {Recursion} from "./Rfc6962.t.sol";

/// Six people who try everything, in any order and in anybody's place: decide without being asked, decide twice, appeal
/// for others, withdraw others' consent, publish what is not theirs or what was withdrawn, accuse the innocent, sign for
/// others, replay signatures, accept early. Beside the registry runs a model written from the documentation: every call
/// must succeed exactly when the model says so, and what the registry remembers must equal what the model remembers.
contract Cheats is Test {
    struct Signed {
        address contributor;
        address newWallet;
        uint256 nonce;
        uint256 deadline;
        bytes signature;
        address signer;
    }

    struct Pending {
        address wallet;
        uint256 from;
    }

    struct Published {
        bytes32 datasetId;
        bytes32[] leaves;
        bytes32 stateHash;
        uint256 withdrawalsSeen;
    }

    uint256 private constant PEOPLE = 6;
    uint256 private constant CONTENTS = 4;
    DatanetRegistry public immutable registry;
    bytes32 public immutable datanetId;
    address[] private _people;
    mapping(address who => uint256) private _keys;

    // ---- the model ----
    address public owner;
    address public pendingOwner;
    mapping(address owner => mapping(address reviewer => bool)) public reviews;
    bytes32[] public ids;
    mapping(bytes32 id => address) public contributor;
    mapping(bytes32 id => Contributions.Status) public status;
    mapping(bytes32 id => bytes32) public stone;
    mapping(bytes32 id => uint256) public ordinal;
    uint256 public withdrawals;
    Published[] private _published;
    mapping(bytes32 datasetId => mapping(bytes32 id => bool)) public violation;
    mapping(bytes32 datasetId => uint256) public violations;
    mapping(address who => address) private _wallet;
    mapping(address who => uint256) private _nonce;
    mapping(address who => Pending) public pending;
    Signed[] private _signed;
    uint256 public moved;

    constructor() {
        registry = new DatanetRegistry();
        for (uint256 i = 0; i < PEOPLE; ++i) {
            (address who, uint256 key) = makeAddrAndKey(string(abi.encodePacked("person ", bytes1(uint8(65 + i)))));
            _people.push(who);
            _keys[who] = key;
        }
        owner = _people[0];
        vm.startPrank(owner);
        datanetId = registry.createDatanet("all");
        vm.stopPrank();
    }

    // ---- decisions ----

    function appoint(uint256 by, uint256 who) external {
        address[] memory chosen = new address[](1);
        chosen[0] = pick(who);
        address caller = pick(by);
        vm.prank(caller);
        try registry.appointReviewers(datanetId, chosen) {
            assertEq(caller, owner);
            reviews[caller][chosen[0]] = true;
        } catch {
            assertNotEq(caller, owner);
        }
    }

    function propose(uint256 by, uint256 content) external {
        address caller = pick(by);
        bytes32 hash = keccak256(abi.encode(content % CONTENTS));
        bytes32 id = registry.contributionIdOf(datanetId, caller, hash);
        vm.prank(caller);
        try registry.propose(datanetId, one(hash)) {
            assertTrue(status[id] == Contributions.Status.None);
            ids.push(id);
            contributor[id] = caller;
            status[id] = Contributions.Status.Proposed;
        } catch {
            assertTrue(status[id] != Contributions.Status.None);
        }
    }

    function approve(uint256 by, uint256 which) external {
        if (ids.length == 0) return;
        (address caller, bytes32 id) = (pick(by), ids[which % ids.length]);
        bool may = mayDecide(caller, id);
        vm.prank(caller);
        try registry.approveContributions(datanetId, one(id)) returns (uint256 approved) {
            assertEq(approved, may ? 1 : 0);
            if (may) status[id] = Contributions.Status.Approved;
            else assertTrue(status[id] == Contributions.Status.Withdrawn);
        } catch {
            assertFalse(may);
        }
    }

    function reject(uint256 by, uint256 which) external {
        if (ids.length == 0) return;
        (address caller, bytes32 id) = (pick(by), ids[which % ids.length]);
        bool may = mayDecide(caller, id);
        vm.prank(caller);
        try registry.rejectContributions(datanetId, one(id), "reason") returns (uint256 rejected) {
            assertEq(rejected, may ? 1 : 0);
            if (may) status[id] = caller == owner ? Contributions.Status.Refused : Contributions.Status.Rejected;
            else assertTrue(status[id] == Contributions.Status.Withdrawn);
        } catch {
            assertFalse(may);
        }
    }

    function appeal(uint256 by, uint256 which) external {
        if (ids.length == 0) return;
        (address caller, bytes32 id) = (pick(by), ids[which % ids.length]);
        bool may = caller == walletOf(contributor[id]) && status[id] == Contributions.Status.Rejected;
        vm.prank(caller);
        try registry.appeal(datanetId, id, "grounds") {
            assertTrue(may);
            status[id] = Contributions.Status.Appealed;
        } catch {
            assertFalse(may);
        }
    }

    function withdraw(uint256 by, uint256 which) external {
        if (ids.length == 0) return;
        (address caller, bytes32 id) = (pick(by), ids[which % ids.length]);
        bool may = caller == walletOf(contributor[id]) && status[id] != Contributions.Status.Withdrawn;
        vm.prank(caller);
        try registry.withdrawConsent(datanetId, one(id), "reason") {
            assertTrue(may);
            if (status[id] == Contributions.Status.Approved) ordinal[id] = ++withdrawals;
            status[id] = Contributions.Status.Withdrawn;
            stone[id] = keccak256(abi.encode(registry.tombstoneOf(datanetId, id)));
            assertEq(registry.tombstoneOf(datanetId, id).withdrawnAt, vm.getBlockTimestamp());
        } catch {
            assertFalse(may);
        }
    }

    // ---- versions ----

    function publish(uint256 by, uint256 seed, uint256 leaves, uint256 seen) external {
        address caller = pick(by);
        leaves = ids.length == 0 ? 0 : leaves % 5;
        bytes32[] memory contained = new bytes32[](leaves);
        for (uint256 i = 0; i < leaves; ++i) {
            contained[i] = ids[uint256(keccak256(abi.encode(seed, i))) % ids.length];
        }
        DatanetRegistry.VersionDraft memory draft;
        draft.datanetId = datanetId;
        draft.predecessor = registry.datanetOf(datanetId).latest;
        (draft.root, draft.manifestHash, draft.policyHash) = (bytes32(seed | 1), "manifest", "policy");
        (draft.rows, draft.licence) = (10, "MIT");
        if (leaves > 0) draft.contributionsRoot = Recursion.mth(hashed(contained), 0, leaves);
        draft.contributions = uint64(leaves);
        draft.withdrawalsSeen = uint64(seen % 4 == 0 ? seen % (withdrawals + 2) : withdrawals);
        bool may = caller == owner && draft.withdrawalsSeen == withdrawals;
        vm.prank(caller);
        try registry.publishVersion(draft, new address[](0)) returns (bytes32 datasetId) {
            assertTrue(may);
            bytes32 stateHash = keccak256(abi.encode(registry.datasetOf(datasetId)));
            _published.push(Published(datasetId, contained, stateHash, withdrawals));
        } catch {
            assertFalse(may);
        }
    }

    function accuse(uint256 by, uint256 which, uint256 leaf, uint256 other) external {
        if (_published.length == 0) return;
        Published storage version = _published[which % _published.length];
        if (version.leaves.length == 0) return;
        leaf = leaf % version.leaves.length;
        // every fourth accusation names something else than what stands there
        bytes32 id = other % 4 == 0 ? ids[other % ids.length] : version.leaves[leaf];
        bytes32[] memory path = Recursion.path(hashed(version.leaves), leaf, 0, version.leaves.length);
        bool guilty = id == version.leaves[leaf] && status[id] == Contributions.Status.Withdrawn
            && ordinal[id] <= version.withdrawalsSeen && !violation[version.datasetId][id];
        vm.prank(pick(by));
        try registry.showViolation(version.datasetId, id, leaf, path) {
            assertTrue(guilty);
            violation[version.datasetId][id] = true;
            ++violations[version.datasetId];
        } catch {
            assertFalse(guilty);
        }
    }

    function transfer(uint256 by, uint256 to) external {
        (address caller, address receiver) = (pick(by), pick(to));
        vm.prank(caller);
        try registry.transferDatanet(datanetId, receiver) {
            assertEq(caller, owner);
            pendingOwner = receiver;
        } catch {
            assertNotEq(caller, owner);
        }
    }

    function acceptDatanet(uint256 by) external {
        address caller = pick(by);
        vm.prank(caller);
        try registry.acceptDatanet(datanetId) {
            assertEq(caller, pendingOwner);
            (owner, pendingOwner) = (caller, address(0));
        } catch {
            assertNotEq(caller, pendingOwner);
        }
    }

    // ---- wallets ----

    /// Anybody signs a change of anybody's wallet; half of the nonces are right.
    function signChange(uint256 signer, uint256 whose, uint256 to, uint256 nonce, uint256 lifetime) external {
        Signed memory s;
        (s.signer, s.contributor, s.newWallet) = (pick(signer), pick(whose), pick(to));
        if (signer % 2 == 0) s.signer = walletOf(s.contributor);
        s.nonce = nonce % 2 == 0 ? _nonce[s.contributor] : nonce % 5;
        s.deadline = vm.getBlockTimestamp() + lifetime % 100 days;
        bytes32 message =
            keccak256(abi.encode(registry.WALLET_CHANGE_TYPEHASH(), s.contributor, s.newWallet, s.nonce, s.deadline));
        (uint8 v, bytes32 r, bytes32 t) =
            vm.sign(_keys[s.signer], keccak256(abi.encodePacked(hex"1901", domain(), message)));
        s.signature = abi.encodePacked(r, t, v);
        _signed.push(s);
    }

    /// Anybody brings any signature that was ever given, as often as it likes.
    function bring(uint256 by, uint256 which) external {
        if (_signed.length == 0) return;
        Signed memory s = _signed[which % 2 == 0 ? _signed.length - 1 : which % _signed.length];
        address wallet = walletOf(s.contributor);
        bool may = s.signer == wallet && s.nonce == _nonce[s.contributor] && vm.getBlockTimestamp() <= s.deadline
            && s.newWallet != wallet;
        vm.prank(pick(by));
        try registry.requestWalletChange(s.contributor, s.newWallet, s.deadline, s.signature) {
            assertTrue(may);
            ++_nonce[s.contributor];
            pending[s.contributor] = Pending(s.newWallet, vm.getBlockTimestamp() + 7 days);
        } catch {
            assertFalse(may);
        }
    }

    function cancel(uint256 by, uint256 whose) external {
        (address caller, address who) = (pick(by), pick(whose));
        vm.prank(caller);
        try registry.cancelWalletChange(who) {
            assertEq(caller, walletOf(who));
            delete pending[who];
            ++_nonce[who];
        } catch {
            assertNotEq(caller, walletOf(who));
        }
    }

    function acceptWallet(uint256 by, uint256 whose) external {
        address who = pick(whose);
        Pending memory p = pending[who];
        address caller = by % 3 != 0 && p.wallet != address(0) ? p.wallet : pick(by);
        uint256 time = vm.getBlockTimestamp();
        bool may = caller == p.wallet && time >= p.from && time <= p.from + 30 days;
        vm.prank(caller);
        try registry.acceptWallet(who) {
            assertTrue(may);
            _wallet[who] = caller;
            delete pending[who];
            ++moved;
        } catch {
            assertFalse(may);
        }
    }

    function wait_(uint256 time) external {
        vm.warp(vm.getBlockTimestamp() + time % 8 days);
    }

    // ---- what the model says ----

    function people() external view returns (address[] memory) {
        return _people;
    }

    function published() external view returns (Published[] memory) {
        return _published;
    }

    function contributions() external view returns (uint256) {
        return ids.length;
    }

    function walletOf(address who) public view returns (address) {
        return _wallet[who] == address(0) ? who : _wallet[who];
    }

    function nonceOf(address who) external view returns (uint256) {
        return _nonce[who];
    }

    function mayDecide(address caller, bytes32 id) private view returns (bool) {
        bool judge = caller == owner || reviews[owner][caller];
        bool ownCase = caller == contributor[id] || caller == walletOf(contributor[id]);
        if (status[id] == Contributions.Status.Appealed) return caller == owner;
        return status[id] == Contributions.Status.Proposed && judge && (caller == owner || !ownCase);
    }

    function domain() private view returns (bytes32) {
        return keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("Meed DatanetRegistry"),
                keccak256("1"),
                block.chainid,
                address(registry)
            )
        );
    }

    function hashed(bytes32[] memory leaves) private pure returns (bytes32[] memory hashes) {
        hashes = new bytes32[](leaves.length);
        for (uint256 i = 0; i < leaves.length; ++i) {
            hashes[i] = Rfc6962.leafHash(leaves[i]);
        }
    }

    function one(bytes32 word) private pure returns (bytes32[] memory list) {
        list = new bytes32[](1);
        list[0] = word;
    }

    function pick(uint256 seed) private view returns (address) {
        return _people[seed % PEOPLE];
    }
}

/// forge-config: default.invariant.fail-on-revert = true
contract RegistryInvariants is Test {
    Cheats private cheats;
    DatanetRegistry private registry;
    bytes32 private datanetId;

    function setUp() public {
        vm.warp(1_800_000_000);
        cheats = new Cheats();
        registry = cheats.registry();
        datanetId = cheats.datanetId();
        targetContract(address(cheats));
    }

    function invariant_every_contribution_is_where_the_model_has_it_and_tombstones_never_change() public view {
        for (uint256 i = 0; i < cheats.contributions(); ++i) {
            bytes32 id = cheats.ids(i);
            Contributions.Contribution memory entry = registry.contributionOf(datanetId, id);
            assertTrue(entry.status == cheats.status(id));
            assertEq(entry.contributor, cheats.contributor(id));
            bytes memory stone = abi.encode(registry.tombstoneOf(datanetId, id));
            bytes32 none = keccak256(abi.encode(Contributions.Tombstone(0, 0, 0)));
            assertEq(keccak256(stone), cheats.stone(id) == 0 ? none : cheats.stone(id));
        }
    }

    function invariant_versions_never_change_and_form_a_line() public view {
        Cheats.Published[] memory published = cheats.published();
        assertEq(registry.datanetOf(datanetId).versions, published.length);
        bytes32 predecessor = 0;
        for (uint256 i = 0; i < published.length; ++i) {
            DatanetRegistry.Dataset memory dataset = registry.datasetOf(published[i].datasetId);
            assertEq(keccak256(abi.encode(dataset)), published[i].stateHash);
            assertEq(dataset.predecessor, predecessor);
            assertEq(dataset.version, i + 1);
            predecessor = published[i].datasetId;
        }
        assertEq(registry.datanetOf(datanetId).latest, predecessor);
    }

    function invariant_violations_are_those_that_were_shown() public view {
        Cheats.Published[] memory published = cheats.published();
        for (uint256 i = 0; i < published.length; ++i) {
            bytes32 version = published[i].datasetId;
            assertEq(registry.violationsOf(version), cheats.violations(version));
            for (uint256 j = 0; j < cheats.contributions(); ++j) {
                bytes32 id = cheats.ids(j);
                assertEq(registry.isViolation(version, id), cheats.violation(version, id));
            }
        }
    }

    function invariant_pay_goes_where_its_owner_sent_it() public view {
        address[] memory people = cheats.people();
        for (uint256 i = 0; i < people.length; ++i) {
            assertEq(registry.payoutOf(people[i]), cheats.walletOf(people[i]));
            assertEq(registry.nonces(people[i]), cheats.nonceOf(people[i]));
            (address wallet, uint64 from) = registry.pendingWalletOf(people[i]);
            (address modelWallet, uint256 modelFrom) = cheats.pending(people[i]);
            assertEq(wallet, modelWallet);
            assertEq(from, modelFrom);
        }
    }

    function invariant_the_datanet_is_its_owners() public view {
        DatanetRegistry.Datanet memory datanet = registry.datanetOf(datanetId);
        assertEq(datanet.owner, cheats.owner());
        assertEq(datanet.pendingOwner, cheats.pendingOwner());
        assertEq(datanet.withdrawals, cheats.withdrawals());
    }
}
