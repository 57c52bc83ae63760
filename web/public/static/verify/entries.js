// What a log holds and promises: MerkleTreeLeaf, SCT (RFC 6962 section 3), and how a certificate becomes them.
"use strict";

(() => {
  const { Wrong, concat, equal, uint, Reader, derElement } = Mingjing;

  const SCT_LIST = [0x2b, 0x06, 0x01, 0x04, 0x01, 0xd6, 0x79, 0x02, 0x04, 0x02];
  const POISON = [0x2b, 0x06, 0x01, 0x04, 0x01, 0xd6, 0x79, 0x02, 0x04, 0x03];
  const EXTENSIONS = 0xa3;

  // {timestamp, precertificate, entry, body, extensions, index}; `entry` is what an SCT signs, type included.
  function readLeaf(bytes) {
    const reader = new Reader(bytes, "entry");
    if (reader.uint(1) !== 0 || reader.uint(1) !== 0) throw new Wrong("version", { what: "entry" });
    const timestamp = reader.uint(8);
    const start = reader.at;
    const type = reader.uint(2);
    if (type > 1) throw new Wrong("entry-type", { type });
    if (type === 1) reader.take(32);
    const body = reader.vector(3);
    const entry = bytes.subarray(start, reader.at);
    const extensions = reader.vector(2);
    reader.finish();
    return { timestamp, precertificate: type === 1, entry, body, extensions, index: leafIndex(extensions) };
  }

  // The leaf_index extension of static-ct-api; null where a log writes none, or something else.
  function leafIndex(extensions) {
    const known = extensions.length === 8 && equal(extensions.subarray(0, 3), [0, 0, 5]);
    return known ? extensions.subarray(3).reduce((sum, byte) => sum * 256 + byte, 0) : null;
  }

  // A certificate taken apart: {der, tbs: without SCT list and poison, scts: serialised ones}.
  function readCertificate(der) {
    const outer = new Reader(der, "certificate");
    const body = outer.enter(0x30);
    outer.finish();
    const tbs = body.enter(0x30);
    const parts = [];
    let scts = [];
    while (!tbs.done) {
      const part = tbs.element();
      if (part.tag !== EXTENSIONS) {
        parts.push(part.whole);
        continue;
      }
      const split = splitExtensions(part.value);
      scts = split.scts;
      if (split.kept.length) parts.push(derElement(EXTENSIONS, derElement(0x30, ...split.kept)));
    }
    return { der, tbs: derElement(0x30, ...parts), scts };
  }

  function splitExtensions(bytes) {
    const outer = new Reader(bytes, "extensions");
    const list = outer.enter(0x30);
    outer.finish();
    const kept = [];
    let scts = [];
    while (!list.done) {
      const extension = list.element(0x30);
      const inside = new Reader(extension.value, "extension");
      const oid = inside.element(0x06).value;
      if (equal(oid, SCT_LIST)) scts = readSctList(inside.element(0x04).value);
      else if (!equal(oid, POISON)) kept.push(extension.whole);
    }
    return { kept, scts };
  }

  function readSctList(value) {
    const wrapped = new Reader(value, "promises");
    const inner = new Reader(wrapped.element(0x04).value, "promises");
    wrapped.finish();
    const list = new Reader(inner.vector(2), "promises");
    inner.finish();
    const found = [];
    while (!list.done) found.push(list.vector(2));
    return found;
  }

  // {logId, timestamp, extensions, signature: DigitallySigned, signed(entry): the bytes that it signs}
  function readSct(bytes) {
    const reader = new Reader(bytes, "promise");
    if (reader.uint(1) !== 0) throw new Wrong("version", { what: "promise" });
    const logId = reader.take(32);
    const timestamp = reader.uint(8);
    const extensions = reader.vector(2);
    const signature = bytes.subarray(reader.at);
    const signed = (entry) =>
      concat([0, 0], uint(timestamp, 8), entry, uint(extensions.length, 2), extensions);
    return { logId, timestamp, extensions, signature, signed };
  }

  // Whether a log entry is this certificate's: the certificate itself, or what its precertificate had of it.
  const isOf = (leaf, certificate) => equal(leaf.body, leaf.precertificate ? certificate.tbs : certificate.der);

  Object.assign(Mingjing, { readLeaf, readCertificate, readSct, isOf });
})();
