import { sha256 } from "@noble/hashes/sha2.js";
import { ed25519 } from "@noble/curves/ed25519.js";
import { p256 } from "@noble/curves/nist.js";
import { sm2, sm3 } from "sm-crypto-v2";
globalThis.MingjingCrypto = { sha256, ed25519, p256, sm2, sm3 };
