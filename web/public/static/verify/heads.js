// Signed tree heads: as get-sth gives them (RFC 6962 4.3), or as a checkpoint (static-ct-api, a signed note).
"use strict";

(() => {
  const { Wrong, fromBase64, concat, equal, uint, Reader } = Mingjing;
  const { sha256 } = MingjingCrypto;

  const text = new TextEncoder();
  const RFC6962_NOTE = 0x05;

  // {size, timestamp, root, signature, signed}; `signed` are the bytes under the signature.
  function head(size, timestamp, root, signature) {
    if (root.length !== 32) throw new Wrong("node-size", { what: "head" });
    return { size, timestamp, root, signature, signed: concat([0, 1], uint(timestamp, 8), uint(size, 8), root) };
  }

  function readHead(fields) {
    if (fields === null || typeof fields !== "object") throw new Wrong("no-object", { what: "head" });
    const root = fromBase64(fields.sha256_root_hash, "sha256_root_hash");
    const signature = fromBase64(fields.tree_head_signature, "tree_head_signature");
    return head(fields.tree_size, fields.timestamp, root, signature);
  }

  // A checkpoint that carries a signature line of the log with this LogID; `body` and `lines` are its note's.
  function readCheckpoint(note, logId) {
    const [first, signatures, ...more] = note.split("\n\n");
    const [origin, size, root] = first.split("\n");
    if (!signatures || more.length || !/^(0|[1-9]\d{0,15})$/.test(size ?? "")) throw new Wrong("no-note");
    const id = keyId(origin, RFC6962_NOTE, logId);
    const lines = signatures.split("\n").map(readLine).filter((line) => line !== null);
    const own = lines.find((line) => line.name === origin && equal(line.value.subarray(0, 4), id));
    if (!own || own.value.length < 13) throw new Wrong("no-line");
    const timestamp = new Reader(own.value.subarray(4, 12), "checkpoint").uint(8);
    const read = head(Number(size), timestamp, fromBase64(root, "checkpoint"), own.value.subarray(12));
    return { ...read, body: `${first}\n`, lines };
  }

  // A signature line of a signed note: {name, value: key id and signature}; null for what is none.
  function readLine(line) {
    const [, name, encoded] = /^\u2014 (\S+) (\S+)$/.exec(line) ?? [];
    return name ? { name, value: fromBase64(encoded, "checkpoint") } : null;
  }

  // What tells a note's keys apart: the first bytes of a hash over name, kind and key (C2SP signed-note).
  const keyId = (name, kind, key) => sha256(concat(text.encode(`${name}\n`), [kind], key)).subarray(0, 4);

  // A tree head that someone pasted, in either form.
  function readPastedHead(pasted, logId) {
    const trimmed = pasted.replace(/\r\n/g, "\n").trim();
    if (!trimmed.startsWith("{")) return readCheckpoint(`${trimmed}\n`, logId);
    try {
      return readHead(JSON.parse(trimmed));
    } catch (error) {
      throw error instanceof Wrong ? error : new Wrong("no-head");
    }
  }

  Object.assign(Mingjing, { readHead, readPastedHead, keyId });
})();
