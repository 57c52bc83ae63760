import { sha256 } from "@noble/hashes/sha2.js";
import { p256 } from "@noble/curves/nist.js";
import { sm2, sm3 } from "sm-crypto-v2";
globalThis.MingjingCrypto = { sha256, p256, sm2, sm3 };
