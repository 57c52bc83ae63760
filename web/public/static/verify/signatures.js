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
  // Of both curves: the field's prime, b of y^2 = x^3 - 3x + b, the order (FIPS 186-5, GB/T 32918.5).
  const NUMBERS = {
    ecdsa: {
      prime: 0xffffffff00000001000000000000000000000000ffffffffffffffffffffffffn,
      b: 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn,
      order: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
    },
    sm2: {
      prime: 0xfffffffeffffffffffffffffffffffffffffffff00000000ffffffffffffffffn,
      b: 0x28e9fa9e9d9f5e344d5a9e4bcf6509a7f39789f515ab8f92ddbcbd414d940e93n,
      order: 0xfffffffeffffffffffffffffffffffff7203df6b21c6052b53bbf40939d54123n,
    },
  };
  const [RSA_LEAST, RSA_MOST] = [2048, 8192]; // bits; a larger number would only keep the browser busy
  // HashAlgorithm and SignatureAlgorithm bytes of RFC 5246 7.4.1.4.1; RFC 8998 has 0x0708 for SM2 with SM3.
  const SCHEMES = { 0x0403: "ecdsa", 0x0401: "rsa", 0x0708: "sm2" };
  const NAMES = { ecdsa: "ECDSA P-256, SHA-256", sm2: "SM2, SM3", rsa: "RSA, SHA-256" };

  // A SubjectPublicKeyInfo: {kind, name, point} or {kind, name, modulus, exponent}; kind is null for a key that
  // cannot be checked with here.
  function readKey(spki) {
    const outer = new Reader(spki, "key");
    const body = outer.enter(0x30);
    outer.finish();
    const algorithm = body.enter(0x30);
    const oid = algorithm.element(0x06).value;
    const bits = body.element(0x03).value;
    body.finish();
    if (bits[0] !== 0) throw new Wrong("key-bits");
    if (equal(oid, RSA_KEY)) return readRsaKey(bits.subarray(1));
    const curve = equal(oid, EC_KEY) ? algorithm.element(0x06).value : oid;
    const kind = Object.keys(CURVES).find((name) => equal(curve, CURVES[name]));
    return kind ? { kind, name: NAMES[kind], point: readPoint(bits.subarray(1), NUMBERS[kind]) } : { kind: null, name: "?" };
  }

  // An uncompressed point, in hex, that lies on its curve (SEC 1, 2.3.4).
  function readPoint(bytes, { prime, b }) {
    if (bytes.length !== 65 || bytes[0] !== 4) throw new Wrong("key-point");
    const [x, y] = [bytes.subarray(1, 33), bytes.subarray(33)].map(toNumber);
    const right = (((x * x - 3n) * x + b) % prime + prime) % prime;
    if (x >= prime || y >= prime || (y * y) % prime !== right) throw new Wrong("key-point");
    return toHex(bytes);
  }

  function readRsaKey(der) {
    const outer = new Reader(der, "rsa-key");
    const body = outer.enter(0x30);
    outer.finish();
    const [modulus, exponent] = [readInteger(body), readInteger(body)];
    body.finish();
    const bits = modulus.toString(2).length;
    if (bits < RSA_LEAST || bits > RSA_MOST) throw new Wrong("rsa-size", { bits, least: RSA_LEAST, most: RSA_MOST });
    if (exponent < 3n || exponent >= 1n << 32n || exponent % 2n === 0n) throw new Wrong("rsa-exponent");
    return { kind: "rsa", name: NAMES.rsa, modulus, exponent };
  }

  // A DER INTEGER that is not negative, in its shortest form.
  function readInteger(reader) {
    const { value } = reader.element(0x02);
    const padded = value[0] === 0 && value.length > 1 && value[1] < 0x80;
    if (!value.length || value[0] >= 0x80 || padded) throw new Wrong("der-number", { what: reader.what });
    return toNumber(value);
  }

  const toNumber = (bytes) => BigInt(`0x${toHex(bytes) || "0"}`);

  // DigitallySigned (RFC 5246 4.7) over `message`: true when it is the key's; throws Wrong when unreadable.
  function verifySigned(key, message, digitallySigned) {
    const reader = new Reader(digitallySigned, "signature");
    const kind = SCHEMES[reader.uint(2)];
    const signature = reader.vector(2);
    reader.finish();
    if (kind !== key.kind) throw new Wrong("signature-kind", { kind: key.name });
    return kind === "rsa" ? verifyRsa(key, message, signature) : verifyCurve(key, message, signature);
  }

  function verifyCurve(key, message, der) {
    const [r, s] = readPair(der, NUMBERS[key.kind].order);
    const compact = [r, s].map((number) => number.toString(16).padStart(64, "0")).join("");
    if (key.kind === "sm2") return sm2.doVerifySignature(message, compact, key.point, { hash: true });
    const bytes = Uint8Array.from(compact.match(/../g), (pair) => parseInt(pair, 16));
    const point = Uint8Array.from(key.point.match(/../g), (pair) => parseInt(pair, 16));
    return p256.verify(bytes, sha256(message), point, { prehash: false, lowS: false });
  }

  function readPair(der, order) {
    const outer = new Reader(der, "signature");
    const body = outer.enter(0x30);
    outer.finish();
    const numbers = [readInteger(body), readInteger(body)];
    body.finish();
    if (!numbers.every((number) => number > 0n && number < order)) throw new Wrong("signature-order");
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
