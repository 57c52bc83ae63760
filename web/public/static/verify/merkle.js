// The Merkle tree of RFC 6962 section 2.1: inclusion and consistency, each node computed again.
"use strict";

(() => {
  const { Wrong, concat, equal } = Mingjing;
  const { sha256 } = MingjingCrypto;

  const hashLeaf = (leaf) => sha256(concat([0], leaf));
  const hashNode = (left, right) => sha256(concat([1], left, right));
  const half = (number) => Math.floor(number / 2);

  function isPower(number) {
    let rest = number;
    while (rest > 1 && rest % 2 === 0) rest /= 2;
    return rest === 1;
  }

  // Every node from the leaf to the root: [{side, sibling, computed}]; throws Wrong for a path of wrong length.
  function climb(leafHash, index, size, path) {
    if (index >= size) throw new Wrong("outside", { index, size });
    const nodes = [];
    let [number, last, node] = [index, size - 1, leafHash];
    for (const sibling of path) {
      if (last === 0) throw new Wrong("long", { what: "path" });
      const left = number % 2 === 1 || number === last;
      node = left ? hashNode(sibling, node) : hashNode(node, sibling);
      nodes.push({ side: left ? "left" : "right", sibling, computed: node });
      while (left && number % 2 === 0 && number > 0) [number, last] = [half(number), half(last)];
      [number, last] = [half(number), half(last)];
    }
    if (last !== 0) throw new Wrong("short", { what: "path" });
    return nodes;
  }

  // The roots that a consistency proof gives for both sizes (RFC 9162 2.1.4.2); throws Wrong for a wrong length.
  function bothRoots(first, second, firstRoot, proof) {
    if (first === 0) throw new Wrong("empty-tree");
    const nodes = isPower(first) ? [firstRoot, ...proof] : [...proof];
    if (!nodes.length) throw new Wrong("short", { what: "consistency" });
    let [number, last] = [first - 1, second - 1];
    while (number % 2 === 1) [number, last] = [half(number), half(last)];
    let [old, young] = [nodes[0], nodes[0]];
    for (const node of nodes.slice(1)) {
      if (last === 0) throw new Wrong("long", { what: "consistency" });
      if (number % 2 === 1 || number === last) {
        [old, young] = [hashNode(node, old), hashNode(node, young)];
        while (number % 2 === 0 && number > 0) [number, last] = [half(number), half(last)];
      } else {
        young = hashNode(young, node);
      }
      [number, last] = [half(number), half(last)];
    }
    if (last !== 0) throw new Wrong("short", { what: "consistency" });
    return [old, young];
  }

  // Whether the larger tree continues the smaller one.
  function continues(smaller, larger, proof) {
    if (smaller.size === larger.size) return equal(smaller.root, larger.root);
    const [old, young] = bothRoots(smaller.size, larger.size, smaller.root, proof);
    return equal(old, smaller.root) && equal(young, larger.root);
  }

  Object.assign(Mingjing, { hashLeaf, climb, continues });
})();
