// Merkle trees (RFC 6962) and proofs of inclusion (C2SP tlog-proof).

import { base64, count, refuse, sha256, unbase64 } from "./notes.js";

export const leafHash = (content) => sha256([0], content);

/** Where a tree of these leaves divides: the largest power of two below their number. */
function middleOf(low, high) {
  let half = 1;
  while (half * 2 < high - low) half *= 2;
  return low + half;
}

/** A proof: the index of its leaf, the hashes beside the way up, and the checkpoint as it is. */
export function readProof(text) {
  const cut = text.indexOf("\n\n");
  const [form, ...lines] = text.slice(0, Math.max(cut, 0)).split("\n");
  if (lines[0]?.startsWith("extra ")) unbase64(lines.shift().slice(6));
  const [word, index, ...none] = (lines.shift() ?? "").split(" ");
  if (form !== "c2sp.org/tlog-proof@v1" || word !== "index" || none.length > 0 || lines.length > 63) refuse("a proof has another form");
  return { index: count(index), hashes: lines.map((line) => unbase64(line, 32)), checkpoint: text.slice(cut + 2) };
}

/**
 * The root, in base64, of the tree of `size` leaves that has these (a Map of index and hash). The proofs give all other hashes: of leaves that
 * follow on each other only the first and the last need one. If it is the root of a checkpoint, each leaf is in that tree at its index.
 */
export async function rootOf(size, leaves, proofs) {
  const known = new Map();
  for (const { index, hashes } of proofs) {
    const rest = [...hashes];
    let [low, high] = index < size ? [0, size] : refuse("a proof is of another tree");
    while (high - low > 1) {
      const middle = middleOf(low, high);
      const [here, beside] = index < middle ? [[low, middle], [middle, high]] : [[middle, high], [low, middle]];
      known.set(beside.join(), rest.pop() ?? refuse("a proof is too short"));
      [low, high] = here;
    }
    if (rest.length > 0) refuse("a proof is too long");
  }
  const indexes = [...leaves.keys()];
  if (indexes.length === 0 || indexes.some((index) => index >= size)) refuse("an event is beyond the checkpoint");
  const hashOf = async (low, high) => {
    if (!indexes.some((index) => low <= index && index < high)) return known.get([low, high].join()) ?? refuse("a proof is missing");
    if (high - low === 1) return leaves.get(low);
    const middle = middleOf(low, high);
    return sha256([1], await hashOf(low, middle), await hashOf(middle, high));
  };
  return base64(await hashOf(0, size));
}

/** Which leaves need a proof: those with a neighbour that is not there. */
export const edges = (size, leaves) =>
  [...leaves.keys()].filter((index) => (index > 0 && !leaves.has(index - 1)) || (index + 1 < size && !leaves.has(index + 1)));
