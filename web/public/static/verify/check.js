// The checks, in order, each a step that says what it found. Nothing here touches the page or the network.
"use strict";

(() => {
  const { Wrong, fromBase64, toHex, equal, readKey, verifySigned, hashLeaf, climb, continues } = Mingjing;
  const { readLeaf, readCertificate, readSct, isOf, readHead, readPastedHead, readTrusted, cosignatures } = Mingjing;
  const { sha256 } = MingjingCrypto;

  const FORMAT = "mingjing-proof-1";
  const [LONGEST_FILE, LONGEST_PATH] = [1 << 21, 64];

  // One step: `code` names its words, `state` is trusted, refused or unknown, `facts` fill the words' blanks.
  const passed = (code, facts = {}) => ({ code, state: "trusted", facts });
  const failed = (code, facts = {}) => ({ code, state: "refused", facts });
  const noted = (code, facts = {}) => ({ code, state: "unknown", facts });

  // Checks a proof file's text. From elsewhere: `pasted`, a tree head; `consistency`, base64 nodes between the two
  // trees; `trusted`, whom the reader trusts. Returns {steps, state, nodes, proof}: state is trusted only if every
  // check ran and passed.
  function check(file, { pasted = "", consistency = null, trusted = "" } = {}) {
    const steps = [];
    const context = { file, pasted, consistency, trusted };
    for (const run of [open, log, listed, entry, certificate, promise, inclusion, head, elsewhere, witnesses]) {
      try {
        steps.push(...[run(context)].flat());
      } catch (error) {
        steps.push(failed(`${run.name}-unreadable`, { reason: reasonOf(error) }));
      }
      if (steps.some((step) => step.state === "refused")) break; // what follows would rest on it
    }
    return { steps, state: verdict(steps), nodes: context.nodes ?? [], proof: context.proof };
  }

  const reasonOf = (error) =>
    error instanceof Wrong ? { code: error.message, facts: error.facts } : { code: "unreadable", facts: {} };

  function verdict(steps) {
    if (steps.some((step) => step.state === "refused")) return "refused";
    return steps.some((step) => step.state === "unknown" && !step.facts.optional) ? "unknown" : "trusted";
  }

  function open(context) {
    if (context.file.length > LONGEST_FILE) throw new Wrong("too-large");
    let proof;
    try {
      proof = JSON.parse(context.file);
    } catch {
      throw new Wrong("no-json");
    }
    if (proof?.format !== FORMAT) throw new Wrong("no-format", { format: FORMAT });
    context.proof = proof;
    return [];
  }

  function log(context) {
    const { log: told } = context.proof;
    const spki = fromBase64(told?.key, "log.key");
    const logId = sha256(spki);
    context.logId = logId;
    if (!equal(logId, fromBase64(told.log_id, "log.log_id"))) return failed("log-id", { id: toHex(logId) });
    context.key = readKey(spki);
    const facts = { id: toHex(logId), kind: context.key.name, name: String(told.name) };
    return context.key.kind ? passed("log", facts) : noted("log-unsupported", facts);
  }

  // That the key is the log's is for the reader to know: from a list, or from its ID, that he brings.
  function listed(context) {
    if (!context.trusted.trim()) return [];
    const { logs, witnesses } = readTrusted(context.trusted);
    context.witnesses = witnesses;
    if (!logs.length) return [];
    const facts = { count: logs.length, id: toHex(context.logId) };
    return logs.includes(facts.id) ? passed("listed", facts) : failed("listed", facts);
  }

  function entry(context) {
    const bytes = fromBase64(context.proof.leaf_input, "leaf_input");
    context.leaf = readLeaf(bytes);
    context.leafHash = hashLeaf(bytes);
    const index = context.proof.leaf_index;
    if (!Number.isSafeInteger(index) || index < 0) throw new Wrong("whole-number", { what: "leaf_index" });
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
    if (!context.leaf.precertificate || !context.certificate) return [];
    const scts = context.certificate.scts.map(readSct).filter((sct) => equal(sct.logId, context.logId));
    if (!scts.length) return noted("promise-none", { optional: true });
    if (!context.key.kind) return noted("promise-unsupported");
    return scts.map((sct) => {
      const facts = { time: sct.timestamp };
      if (!verifySigned(context.key, sct.signed(context.leaf.entry), sct.signature)) return failed("promise", facts);
      const kept = sct.timestamp === context.leaf.timestamp && equal(sct.extensions, context.leaf.extensions);
      return kept ? passed("promise", facts) : failed("promise-other", facts);
    });
  }

  function inclusion(context) {
    const { audit_path: path, leaf_index: index, tree_head: told } = context.proof;
    if (!Array.isArray(path) || path.length > LONGEST_PATH) throw new Wrong("path-nodes", { most: LONGEST_PATH });
    context.head = readHead(told);
    const siblings = readNodes(path, "audit_path");
    context.nodes = climb(context.leafHash, index, context.head.size, siblings);
    const root = context.nodes.at(-1)?.computed ?? context.leafHash;
    const facts = { root: toHex(root), size: context.head.size, steps: siblings.length };
    return equal(root, context.head.root) ? passed("inclusion", facts) : failed("inclusion", facts);
  }

  function readNodes(list, what) {
    const nodes = list.map((node) => fromBase64(node, what));
    if (!nodes.every((node) => node.length === 32)) throw new Wrong("node-size", { what });
    return nodes;
  }

  function head(context) {
    if (!context.key.kind) return noted("head-unsupported");
    const facts = { time: context.head.timestamp, size: context.head.size, kind: context.key.name };
    const good = verifySigned(context.key, context.head.signed, context.head.signature);
    return good ? passed("head", facts) : failed("head", facts);
  }

  // A tree head that came by another way shows whether everyone is shown the same tree.
  function elsewhere(context) {
    if (!context.pasted.trim()) return noted("elsewhere-none", { optional: true });
    if (!context.key.kind) return noted("elsewhere-unsupported");
    const other = readPastedHead(context.pasted, context.logId);
    context.other = other;
    const facts = { size: other.size, time: other.timestamp };
    if (!verifySigned(context.key, other.signed, other.signature)) return failed("elsewhere-signature", facts);
    const [smaller, larger] = other.size < context.head.size ? [other, context.head] : [context.head, other];
    if (smaller.size === 0) {
      return equal(smaller.root, sha256(new Uint8Array())) ? passed("elsewhere-empty", facts) : failed("elsewhere-split", facts);
    }
    if (smaller.size !== larger.size && !context.consistency) {
      return noted("elsewhere-consistency", { ...facts, first: smaller.size, second: larger.size });
    }
    const nodes = readNodes(context.consistency ?? [], "consistency");
    return continues(smaller, larger, nodes) ? passed("elsewhere", facts) : failed("elsewhere-split", facts);
  }

  // Each witness that the reader trusts must have cosigned the tree head from elsewhere, which is then a checkpoint.
  function witnesses(context) {
    return (context.witnesses ?? []).flatMap((witness) => {
      const found = context.other?.lines ? cosignatures(witness, context.other) : [];
      const facts = { name: witness.name };
      if (!found.length) return noted("witness-absent", facts);
      return found.map(({ time, good }) => (good ? passed : failed)("witness", { ...facts, time }));
    });
  }

  Object.assign(Mingjing, { check, FORMAT });
})();
