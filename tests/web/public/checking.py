"""Proofs for the checker, asked of it in a browser and tampered with."""

import base64
import json

from playwright.sync_api import Page


def proof_of(client, world, log: str) -> dict:
    """Return the proof file of the pair's certificate in a log, as the site gives it."""
    sha256 = world.pair.ecc.certificate.fingerprint.hex()
    facts = client.get(f"/certificate/{sha256}?output=json").get_json()
    index = next(found["leaf_index"] for found in facts["proofs"] if found["log"] == log)
    answer = client.get(f"/certificate/{sha256}/proof/{log}/{index}")
    assert answer.status_code == 200
    return answer.get_json()


def check(page: Page, proof: object, **options: object) -> dict:
    text = proof if isinstance(proof, str) else json.dumps(proof)
    return page.evaluate("([text, options]) => Mingjing.check(text, options)", [text, options])


def codes(result: dict) -> dict[str, str]:
    return {step["code"]: step["state"] for step in result["steps"]}


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def flip(text: str, at: int = -1) -> str:
    data = bytearray(base64.b64decode(text))
    data[at] ^= 1
    return encoded(bytes(data))


def head_json(head) -> dict:
    return {
        "tree_size": head.tree_size, "timestamp": head.timestamp,
        "sha256_root_hash": encoded(head.root_hash), "tree_head_signature": encoded(head.signature),
    }  # fmt: skip
