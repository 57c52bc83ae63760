// Bytes and the strict readers of what a proof is made of: base64, DER (X.690), TLS vectors (RFC 8446 3.4).
// A reader that finds anything unexpected throws Wrong; its code is a sentence of reasons.js, its facts fill the blanks.
"use strict";

globalThis.Mingjing = (() => {
  class Wrong extends Error {
    constructor(code, facts = {}) {
      super(code);
      this.facts = facts;
    }
  }

  const MAX_BYTES = 1 << 20;

  function fromBase64(text, field) {
    if (typeof text !== "string" || text.length > 2 * MAX_BYTES) throw new Wrong("base64-expected", { what: field });
    let binary;
    try {
      binary = atob(text);
    } catch {
      throw new Wrong("base64-broken", { what: field });
    }
    if (btoa(binary) !== text) throw new Wrong("base64-form", { what: field });
    return Uint8Array.from(binary, (character) => character.charCodeAt(0));
  }

  const toHex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

  function concat(...parts) {
    const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
    let at = 0;
    for (const part of parts) {
      whole.set(part, at);
      at += part.length;
    }
    return whole;
  }

  const equal = (one, other) => one.length === other.length && one.every((byte, at) => byte === other[at]);

  // A number of `size` bytes, most significant first. Up to 2^53, beyond which numbers here are not exact.
  function uint(value, size) {
    if (!Number.isSafeInteger(value) || value < 0) throw new Wrong("whole-number", { what: String(value).slice(0, 40) });
    const bytes = new Uint8Array(size);
    for (let at = size - 1, rest = value; at >= 0; at -= 1, rest = Math.floor(rest / 256)) bytes[at] = rest % 256;
    return bytes;
  }

  class Reader {
    constructor(bytes, what) {
      this.bytes = bytes;
      this.what = what;
      this.at = 0;
    }

    get done() {
      return this.at === this.bytes.length;
    }

    take(size) {
      if (this.at + size > this.bytes.length) throw new Wrong("ends-early", { what: this.what });
      this.at += size;
      return this.bytes.subarray(this.at - size, this.at);
    }

    uint(size) {
      const value = this.take(size).reduce((sum, byte) => sum * 256 + byte, 0);
      if (!Number.isSafeInteger(value)) throw new Wrong("number-large", { what: this.what });
      return value;
    }

    vector(lengthSize) {
      return this.take(this.uint(lengthSize));
    }

    finish() {
      if (!this.done) throw new Wrong("bytes-follow", { what: this.what });
    }

    // One DER element: {tag, value, whole}. Lengths must be in their shortest form.
    element(tag) {
      const start = this.at;
      const found = this.uint(1);
      if (tag !== undefined && found !== tag) throw new Wrong("der-tag", { what: this.what, tag, found });
      let size = this.uint(1);
      if (size >= 0x80) {
        const count = size & 0x7f;
        if (count < 1 || count > 4) throw new Wrong("der-length", { what: this.what });
        size = this.uint(count);
        if (size < 0x80 || size < 256 ** (count - 1)) throw new Wrong("der-length", { what: this.what });
      }
      const value = this.take(size);
      return { tag: found, value, whole: this.bytes.subarray(start, this.at) };
    }

    enter(tag) {
      return new Reader(this.element(tag).value, this.what);
    }
  }

  function derElement(tag, ...parts) {
    const body = concat(...parts);
    if (body.length < 0x80) return concat([tag, body.length], body);
    const count = body.length < 0x100 ? 1 : body.length < 0x10000 ? 2 : 3;
    return concat([tag, 0x80 | count], uint(body.length, count), body);
  }

  return { Wrong, fromBase64, toHex, concat, equal, uint, Reader, derElement };
})();
