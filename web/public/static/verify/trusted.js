// Whom the reader trusts, from anywhere but the proof file: logs by their IDs, witnesses by their keys.
"use strict";

(() => {
  const { Wrong, fromBase64, toHex, keyId, Reader } = Mingjing;
  const { ed25519 } = MingjingCrypto;

  const COSIGNATURE = 0x04; // C2SP tlog-cosignature: cosignature/v1, Ed25519
  const text = new TextEncoder();

  // {logs: hex LogIDs, witnesses: [{name, id, key}]} of a log list's JSON (v3), or of lines: LogIDs and vkeys.
  function readTrusted(pasted) {
    const trimmed = pasted.trim();
    if (trimmed.startsWith("{")) return { logs: listed(trimmed), witnesses: [] };
    const lines = trimmed.split(/\s*\n\s*/).filter((line) => line !== "");
    const keys = lines.filter((line) => /^[^\s+]+\+[0-9a-f]{8}\+/.test(line));
    return { logs: lines.filter((line) => !keys.includes(line)).map(logId), witnesses: keys.map(readWitness) };
  }

  function listed(json) {
    let list;
    try {
      list = JSON.parse(json);
    } catch {
      throw new Wrong("no-list");
    }
    if (!Array.isArray(list.operators)) throw new Wrong("no-list");
    const logs = list.operators.flatMap((operator) => [...(operator?.logs ?? []), ...(operator?.tiled_logs ?? [])]);
    return logs.map((log) => toHex(fromBase64(log?.log_id, "log_id")));
  }

  function logId(line) {
    const hex = line.replaceAll(":", "").toLowerCase();
    if (/^[0-9a-f]{64}$/.test(hex)) return hex;
    const bytes = fromBase64(line, "trusted");
    if (bytes.length !== 32) throw new Wrong("node-size", { what: "trusted" });
    return toHex(bytes);
  }

  // name+<key id>+base64 of kind and key
  function readWitness(vkey) {
    const [name, id, ...rest] = vkey.split("+");
    const material = fromBase64(rest.join("+"), "vkey");
    if (material[0] !== COSIGNATURE || material.length !== 33) throw new Wrong("vkey-kind");
    const key = material.subarray(1);
    if (toHex(keyId(name, COSIGNATURE, key)) !== id) throw new Wrong("vkey-id");
    return { name, id, key };
  }

  // The witness's lines in a checkpoint: [{time in milliseconds, good}].
  function cosignatures({ name, id, key }, { body, lines }) {
    const own = lines.filter((line) => line.name === name && toHex(line.value.subarray(0, 4)) === id);
    return own.map(({ value }) => {
      const reader = new Reader(value.subarray(4), "cosignature");
      const seconds = reader.uint(8);
      const signature = reader.take(64);
      reader.finish();
      const message = text.encode(`cosignature/v1\ntime ${seconds}\n${body}`);
      return { time: seconds * 1000, good: ed25519.verify(signature, message, key, { zip215: false }) };
    });
  }

  Object.assign(Mingjing, { readTrusted, cosignatures });
})();
