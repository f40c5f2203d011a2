// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

import {Test} from "forge-std/Test.sol";
import {AttributionToken} from "../../contracts/AttributionToken.sol";

/// @notice Holders that move, delegate and burn as they like, an owner that mints as much as it can, and what each did.
contract TokenHandler is Test {
    AttributionToken public immutable token;
    address[] public actors;
    uint256 public minted;
    uint256 public burnt;
    /// A second that is over, and the supply and the votes at its end.
    uint256[] public seconds_;
    mapping(uint256 second => uint256) public supplyAt;
    mapping(uint256 second => uint256) public votesAt;

    constructor(uint256 cap) {
        token = new AttributionToken(cap, address(this));
        for (uint256 i = 0; i < 6; ++i) {
            actors.push(makeAddr(string.concat("holder ", vm.toString(i))));
        }
    }

    function mint(uint256 to, uint256 amount) external {
        amount = bound(amount, 0, token.cap() - token.totalSupply());
        token.mint(actor(to), amount);
        minted += amount;
    }

    /// The owner tries to get above the cap; not reverting is counted and breaks the invariant.
    function mintTooMuch(uint256 to, uint256 excess) external {
        excess = bound(excess, 1, type(uint96).max);
        uint256 amount = token.cap() - token.totalSupply() + excess;
        try token.mint(actor(to), amount) {
            minted += amount;
        } catch {}
    }

    function transfer(uint256 from, uint256 to, uint256 amount) external {
        amount = bound(amount, 0, token.balanceOf(actor(from)));
        vm.prank(actor(from));
        token.transfer(actor(to), amount);
    }

    function delegate(uint256 from, uint256 to) external {
        vm.prank(actor(from));
        token.delegate(to % 7 == 6 ? address(0) : actor(to));
    }

    function burn(uint256 from, uint256 amount) external {
        amount = bound(amount, 0, token.balanceOf(actor(from)));
        vm.prank(actor(from));
        token.burn(amount);
        burnt += amount;
    }

    function burnFrom(uint256 from, uint256 by, uint256 amount) external {
        amount = bound(amount, 0, token.balanceOf(actor(from)));
        vm.prank(actor(from));
        token.approve(actor(by), amount);
        vm.prank(actor(by));
        token.burnFrom(actor(from), amount);
        burnt += amount;
    }

    function pass(uint256 time) external {
        uint256 now_ = vm.getBlockTimestamp();
        if (seconds_.length == 0 || seconds_[seconds_.length - 1] != now_) seconds_.push(now_);
        supplyAt[now_] = token.totalSupply();
        votesAt[now_] = votes();
        skip(bound(time, 1, 7 days));
    }

    function votes() public view returns (uint256 sum) {
        for (uint256 i = 0; i < actors.length; ++i) {
            sum += token.getVotes(actors[i]);
        }
    }

    function pastVotes(uint256 second) external view returns (uint256 sum) {
        for (uint256 i = 0; i < actors.length; ++i) {
            sum += token.getPastVotes(actors[i], second);
        }
    }

    function balances() external view returns (uint256 sum) {
        for (uint256 i = 0; i < actors.length; ++i) {
            sum += token.balanceOf(actors[i]);
        }
    }

    function recorded() external view returns (uint256) {
        return seconds_.length;
    }

    function actor(uint256 seed) private view returns (address) {
        return actors[seed % actors.length];
    }
}

contract AttributionTokenInvariantTest is Test {
    uint256 private constant CAP = 1e27;
    TokenHandler private handler;
    AttributionToken private token;

    function setUp() public {
        vm.warp(1_800_000_000);
        handler = new TokenHandler(CAP);
        token = handler.token();
        targetContract(address(handler));
    }

    function invariant_VotesNeverExceedTheSupply() public view {
        assertLe(handler.votes(), token.totalSupply());
    }

    function invariant_SupplyIsWhatWasMintedLessWhatWasBurnt() public view {
        assertEq(token.totalSupply(), handler.minted() - handler.burnt());
        assertEq(token.totalSupply(), handler.balances());
        assertEq(token.burned(), handler.burnt());
    }

    function invariant_NoMoreThanTheCapIsEverMinted() public view {
        assertLe(handler.minted(), CAP);
        assertLe(token.totalSupply(), token.cap());
        assertEq(token.cap(), CAP - handler.burnt());
    }

    function invariant_ThePastDoesNotChange() public view {
        for (uint256 i = 0; i < handler.recorded(); ++i) {
            uint256 second = handler.seconds_(i);
            assertEq(token.getPastTotalSupply(second), handler.supplyAt(second));
            assertEq(handler.pastVotes(second), handler.votesAt(second));
        }
    }
}
