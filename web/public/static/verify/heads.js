// Signed tree heads: as get-sth gives them (RFC 6962 4.3), or as a checkpoint (static-ct-api, a signed note).
"use strict";

(() => {
  const { Wrong, fromBase64, concat, equal, uint } = Mingjing;
  const { sha256 } = MingjingCrypto;

  const text = new TextEncoder();
  const RFC6962_NOTE = 0x05;

  // {size, timestamp, root, signature, signed}; `signed` are the bytes under the signature.
  function head(size, timestamp, root, signature) {
    if (root.length !== 32) throw new Wrong("the tree head: its root is not 32 bytes");
    return { size, timestamp, root, signature, signed: concat([0, 1], uint(timestamp, 8), uint(size, 8), root) };
  }

  function readHead(fields) {
    if (fields === null || typeof fields !== "object") throw new Wrong("the tree head: expected an object");
    const root = fromBase64(fields.sha256_root_hash, "sha256_root_hash");
    const signature = fromBase64(fields.tree_head_signature, "tree_head_signature");
    return head(fields.tree_size, fields.timestamp, root, signature);
  }

  // A checkpoint that carries a signature line of the log with this LogID.
  function readCheckpoint(note, logId) {
    const [body, signatures] = note.replace(/\r\n/g, "\n").split("\n\n");
    const [origin, size, root] = body.split("\n");
    if (!signatures || !/^(0|[1-9]\d{0,15})$/.test(size ?? "")) throw new Wrong("the checkpoint: not a signed note");
    const id = sha256(concat(text.encode(`${origin}\n`), [RFC6962_NOTE], logId)).subarray(0, 4);
    for (const line of signatures.split("\n")) {
      const [, name, encoded] = /^— (\S+) (\S+)$/.exec(line) ?? [];
      const value = name === origin ? fromBase64(encoded, "the checkpoint's signature") : [];
      if (value.length > 12 && equal(value.subarray(0, 4), id)) {
        const timestamp = value.subarray(4, 12).reduce((sum, byte) => sum * 256 + byte, 0);
        return head(Number(size), timestamp, fromBase64(root, "the checkpoint's root"), value.subarray(12));
      }
    }
    throw new Wrong("the checkpoint: no signature line of this log");
  }

  // A tree head that someone pasted, in either form.
  function readPastedHead(pasted, logId) {
    const trimmed = pasted.trim();
    if (!trimmed.startsWith("{")) return readCheckpoint(`${trimmed}\n`, logId);
    try {
      return readHead(JSON.parse(trimmed));
    } catch (error) {
      throw error instanceof Wrong ? error : new Wrong("the tree head: neither a checkpoint nor JSON");
    }
  }

  Object.assign(Mingjing, { readHead, readPastedHead });
})();
