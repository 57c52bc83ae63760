// The checks, in order, each a step that says what it found. Nothing here touches the page or the network.
"use strict";

(() => {
  const { Wrong, fromBase64, toHex, equal, readKey, verifySigned, hashLeaf, climb, continues } = Mingjing;
  const { readLeaf, readCertificate, readSct, isOf, readHead, readPastedHead } = Mingjing;
  const { sha256 } = MingjingCrypto;

  const FORMAT = "mingjing-proof-1";

  // One step: `code` names its words, `state` is trusted, refused or unknown, `facts` fill the words' blanks.
  const passed = (code, facts = {}) => ({ code, state: "trusted", facts });
  const failed = (code, facts = {}) => ({ code, state: "refused", facts });
  const noted = (code, facts = {}) => ({ code, state: "unknown", facts });

  // Checks a proof file's text. `pasted` is a tree head obtained elsewhere, `consistency` base64 nodes between
  // the two. Returns {steps, state, nodes}: state is trusted only if every check ran and passed.
  function check(file, { pasted = "", consistency = null } = {}) {
    const steps = [];
    const context = { pasted, consistency };
    for (const run of [open, log, entry, certificate, promise, inclusion, head, elsewhere]) {
      try {
        steps.push(...[run(context, file)].flat());
      } catch (error) {
        const reason = error instanceof Wrong ? error.message : "it cannot be read";
        steps.push(failed(`${run.name}-unreadable`, { reason }));
      }
      if (steps.some((step) => step.state === "refused")) break; // what follows would rest on it
    }
    return { steps, state: verdict(steps), nodes: context.nodes ?? [], proof: context.proof };
  }

  function verdict(steps) {
    if (steps.some((step) => step.state === "refused")) return "refused";
    return steps.some((step) => step.state === "unknown" && !step.facts.optional) ? "unknown" : "trusted";
  }

  function open(context, file) {
    let proof;
    try {
      proof = JSON.parse(file);
    } catch {
      throw new Wrong("it is not JSON");
    }
    if (proof?.format !== FORMAT) throw new Wrong(`it is not of the format ${FORMAT}`);
    context.proof = proof;
    return [];
  }

  function log(context) {
    const { log: told } = context.proof;
    const spki = fromBase64(told?.key, "log.key");
    const logId = sha256(spki);
    context.key = readKey(spki);
    context.logId = logId;
    if (!equal(logId, fromBase64(told.log_id, "log.log_id"))) return failed("log-id", { id: toHex(logId) });
    return passed("log", { id: toHex(logId), kind: context.key.name, name: String(told.name) });
  }

  function entry(context) {
    const bytes = fromBase64(context.proof.leaf_input, "leaf_input");
    context.leaf = readLeaf(bytes);
    context.leafHash = hashLeaf(bytes);
    const index = context.proof.leaf_index;
    if (!Number.isSafeInteger(index) || index < 0) throw new Wrong("leaf_index: expected a whole number");
    if (context.leaf.index !== null && context.leaf.index !== index) {
      return failed("entry-index", { index, said: context.leaf.index });
    }
    const facts = { hash: toHex(context.leafHash), time: context.leaf.timestamp, index };
    return passed(context.leaf.precertificate ? "entry-precertificate" : "entry-certificate", facts);
  }

  function certificate(context) {
    if (context.proof.certificate === undefined) return noted("certificate-absent", { optional: true });
    context.certificate = readCertificate(fromBase64(context.proof.certificate, "certificate"));
    const hash = toHex(sha256(context.certificate.der));
    return isOf(context.leaf, context.certificate) ? passed("certificate", { hash }) : failed("certificate", { hash });
  }

  // An embedded SCT is about the precertificate's entry; it must be this very one, signed by this log.
  function promise(context) {
    const scts = (context.certificate?.scts ?? []).map(readSct).filter((sct) => equal(sct.logId, context.logId));
    if (!context.leaf.precertificate || !scts.length) return [];
    return scts.map((sct) => {
      const facts = { time: sct.timestamp };
      if (!verifySigned(context.key, sct.signed(context.leaf.entry), sct.signature)) return failed("promise", facts);
      const kept = sct.timestamp === context.leaf.timestamp && equal(sct.extensions, context.leaf.extensions);
      return kept ? passed("promise", facts) : failed("promise-other", facts);
    });
  }

  function inclusion(context) {
    const { audit_path: path, leaf_index: index, tree_head: told } = context.proof;
    if (!Array.isArray(path) || path.length > 64) throw new Wrong("audit_path: expected at most 64 nodes");
    context.head = readHead(told);
    const siblings = path.map((node) => fromBase64(node, "audit_path"));
    if (!siblings.every((node) => node.length === 32)) throw new Wrong("audit_path: a node is not 32 bytes");
    context.nodes = climb(context.leafHash, index, context.head.size, siblings);
    const root = context.nodes.at(-1)?.computed ?? context.leafHash;
    const facts = { root: toHex(root), size: context.head.size, steps: siblings.length };
    return equal(root, context.head.root) ? passed("inclusion", facts) : failed("inclusion", facts);
  }

  function head(context) {
    const facts = { time: context.head.timestamp, size: context.head.size, kind: context.key.name };
    const good = verifySigned(context.key, context.head.signed, context.head.signature);
    return good ? passed("head", facts) : failed("head", facts);
  }

  // A tree head that came by another way shows whether everyone is shown the same tree.
  function elsewhere(context) {
    if (!context.pasted.trim()) return noted("elsewhere-none", { optional: true });
    const other = readPastedHead(context.pasted, context.logId);
    const facts = { size: other.size, time: other.timestamp };
    if (!verifySigned(context.key, other.signed, other.signature)) return failed("elsewhere-signature", facts);
    const [smaller, larger] = other.size < context.head.size ? [other, context.head] : [context.head, other];
    const proof = context.consistency?.map((node) => fromBase64(node, "consistency"));
    if (smaller.size === 0) return passed("elsewhere-empty", facts);
    if (smaller.size !== larger.size && !proof) {
      return noted("elsewhere-consistency", { ...facts, first: smaller.size, second: larger.size });
    }
    return continues(smaller, larger, proof) ? passed("elsewhere", facts) : failed("elsewhere-split", facts);
  }

  Object.assign(Mingjing, { check, FORMAT });
})();
