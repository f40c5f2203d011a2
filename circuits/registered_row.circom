pragma circom 2.1.0;
include "merkle_path.circom";

/*
 * A row as its index registered it: docs/protocol.md, "Index tree".
 *
 * Relation   leaf(d; dataSetLeaf, contributor, rowCommitment, prefixCommitment) stands at position `index` of the index
 *            tree with this root and the depth that `active` says.
 * Signals    input root, index, active[D] (Unary(D) of the depth), siblings[D], dataSetLeaf, contributor, rowCommitment,
 *            prefixCommitment: any field elements.
 * Cost       318 for the leaf and 243 D for the path.
 * Sound      the root is hashed from the values along determined positions. A leaf takes five inputs and a node two, which
 *            are different permutations, and the tag holds kind and columns: no node and no leaf of another width passes.
 */
template RegisteredRow(d, D) {
    signal input root;
    signal input index;
    signal input active[D];
    signal input siblings[D];
    signal input dataSetLeaf;
    signal input contributor;
    signal input rowCommitment;
    signal input prefixCommitment;

    component leaf = Poseidon(5);
    leaf.inputs[0] <== (3 << 64) + d;
    leaf.inputs[1] <== dataSetLeaf;
    leaf.inputs[2] <== contributor;
    leaf.inputs[3] <== rowCommitment;
    leaf.inputs[4] <== prefixCommitment;

    component path = MerklePath(D);
    path.leaf <== leaf.out;
    path.index <== index;
    path.siblings <== siblings;
    path.active <== active;
    root === path.root;
}
