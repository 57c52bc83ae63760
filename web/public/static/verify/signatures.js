// Signatures of logs: ECDSA on P-256 and SM2 (GB/T 32918.2) by noble-curves and sm-crypto-v2, RSA here.
"use strict";

(() => {
  const { Wrong, toHex, equal, Reader } = Mingjing;
  const { sha256, p256, sm2 } = MingjingCrypto;

  const EC_KEY = [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
  const CURVES = {
    ecdsa: [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07],
    sm2: [0x2a, 0x81, 0x1c, 0xcf, 0x55, 0x01, 0x82, 0x2d],
  };
  const RSA_KEY = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
  const SHA256_INFO = [0x30, 0x31, 0x30, 0x0d, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1, 5, 0, 4, 0x20];
  const ORDERS = {
    ecdsa: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
    sm2: 0xfffffffeffffffffffffffffffffffff7203df6b21c6052b53bbf40939d54123n,
  };
  // HashAlgorithm and SignatureAlgorithm bytes of RFC 5246 7.4.1.4.1; RFC 8998 has 0x0708 for SM2 with SM3.
  const SCHEMES = { 0x0403: "ecdsa", 0x0401: "rsa", 0x0708: "sm2" };
  const NAMES = { ecdsa: "ECDSA P-256, SHA-256", sm2: "SM2, SM3", rsa: "RSA, SHA-256" };

  // A SubjectPublicKeyInfo: {kind, name, point} or {kind, name, modulus, exponent}.
  function readKey(spki) {
    const outer = new Reader(spki, "the log's key");
    const body = outer.enter(0x30);
    outer.finish();
    const algorithm = body.enter(0x30);
    const oid = algorithm.element(0x06).value;
    const bits = body.element(0x03).value;
    body.finish();
    if (bits[0] !== 0) throw new Wrong("the log's key: unused bits");
    if (equal(oid, RSA_KEY)) return readRsaKey(bits.subarray(1));
    const curve = equal(oid, EC_KEY) ? algorithm.element(0x06).value : oid;
    const kind = Object.keys(CURVES).find((name) => equal(curve, CURVES[name]));
    if (!kind) throw new Wrong("the log's key: neither SM2 nor P-256 nor RSA");
    return { kind, name: NAMES[kind], point: toHex(bits.subarray(1)) };
  }

  function readRsaKey(der) {
    const outer = new Reader(der, "the log's RSA key");
    const body = outer.enter(0x30);
    const [modulus, exponent] = [body.element(0x02).value, body.element(0x02).value].map(toNumber);
    if (modulus.toString(2).length < 2048) throw new Wrong("the log's RSA key: under 2048 bits");
    return { kind: "rsa", name: NAMES.rsa, modulus, exponent };
  }

  const toNumber = (bytes) => BigInt(`0x${toHex(bytes) || "0"}`);

  // DigitallySigned (RFC 5246 4.7) over `message`: true when it is the key's; throws Wrong when unreadable.
  function verifySigned(key, message, digitallySigned) {
    const reader = new Reader(digitallySigned, "the signature");
    const kind = SCHEMES[reader.uint(2)];
    const signature = reader.vector(2);
    reader.finish();
    if (kind !== key.kind) throw new Wrong(`the signature: not of the kind of the log's key, ${key.name}`);
    return kind === "rsa" ? verifyRsa(key, message, signature) : verifyCurve(key, message, signature);
  }

  function verifyCurve(key, message, der) {
    const [r, s] = readPair(der, ORDERS[key.kind]);
    const compact = [r, s].map((number) => number.toString(16).padStart(64, "0")).join("");
    if (key.kind === "sm2") return sm2.doVerifySignature(message, compact, key.point, { hash: true });
    const bytes = Uint8Array.from(compact.match(/../g), (pair) => parseInt(pair, 16));
    const point = Uint8Array.from(key.point.match(/../g), (pair) => parseInt(pair, 16));
    return p256.verify(bytes, sha256(message), point, { prehash: false, lowS: false });
  }

  function readPair(der, order) {
    const outer = new Reader(der, "the signature");
    const body = outer.enter(0x30);
    outer.finish();
    const numbers = [body.element(0x02).value, body.element(0x02).value].map((value) => {
      const padded = value[0] === 0 && value.length > 1 && value[1] < 0x80;
      if (!value.length || value[0] >= 0x80 || padded) throw new Wrong("the signature: a number is not DER");
      return toNumber(value);
    });
    body.finish();
    if (!numbers.every((number) => number > 0n && number < order)) {
      throw new Wrong("the signature: a number is outside the curve's order");
    }
    return numbers;
  }

  // RSASSA-PKCS1-v1_5 (RFC 8017 8.2.2): the whole padded block is compared, nothing is parsed.
  function verifyRsa({ modulus, exponent }, message, signature) {
    const size = Math.ceil(modulus.toString(2).length / 8);
    const number = toNumber(signature);
    if (signature.length !== size || number >= modulus) return false;
    const tail = toHex(SHA256_INFO) + toHex(sha256(message));
    const block = `0001${"ff".repeat(size - 3 - tail.length / 2)}00${tail}`;
    return power(number, exponent, modulus) === BigInt(`0x${block}`);
  }

  function power(base, exponent, modulus) {
    let result = 1n;
    for (let square = base, rest = exponent; rest > 0n; rest >>= 1n, square = (square * square) % modulus) {
      if (rest & 1n) result = (result * square) % modulus;
    }
    return result;
  }

  Object.assign(Mingjing, { readKey, verifySigned });
})();
