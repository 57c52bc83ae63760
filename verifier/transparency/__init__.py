"""Certificate Transparency as values: SCTs, entries, Merkle trees, tree heads, checkpoints, tiles, log lists.

RFC 6962 and C2SP's static-ct-api, with SM2 beside ECDSA and RSA as the logs' signature algorithm. Every
parser is strict and total: any bytes give a value or ``MalformedInput``. Every check returns nothing, or
what it has established, and raises ``InvalidSignature`` or ``InvalidProof`` with its reason.
"""
