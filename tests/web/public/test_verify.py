"""Proofs checked by a browser: on the site, and by the checker saved as one file, without any site."""

import base64
import copy
import hashlib
import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from verifier.algorithms import PrivateKey
from verifier.transparency.merkle import consistency_proof, hash_leaf, root_of
from verifier.transparency.tree_head import sign_tree_head
from web.public.checker import SCRIPTS, single_file, single_file_hash

from .checking import check, codes, flip, head_json, proof_of

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.xdist_group("public-site-browser")]
LOGS = ("sm2", "p256")
DOCUMENT = Path(__file__).parents[3] / "docs" / "verify.md"


@pytest.mark.parametrize("log", LOGS)
def test_an_honest_proof_is_trusted_and_every_step_says_so(saved, client, world, log):
    result = check(saved, proof_of(client, world, log))
    assert result["state"] == "trusted"
    assert codes(result) == {
        "log": "trusted", "entry-precertificate": "trusted", "certificate": "trusted", "promise": "trusted",
        "inclusion": "trusted", "head": "trusted", "elsewhere-none": "unknown",
    }  # fmt: skip


TAMPERED = {
    "no JSON": (lambda _: "{", "open-unreadable"),
    "another format": (lambda p: p | {"format": "mingjing-proof-2"}, "open-unreadable"),
    "null": (lambda _: "null", "open-unreadable"),
    "log ID": (lambda p: p["log"].update(log_id=flip(p["log"]["log_id"])), "log-id"),
    "log key": (lambda p: p["log"].update(key=flip(p["log"]["key"])), "log-id"),
    "log key of no known kind": (lambda p: p["log"].update(key=flip(p["log"]["key"], 6)), "log-id"),
    "no log": (lambda p: p.pop("log"), "log-unreadable"),
    "leaf": (lambda p: p.update(leaf_input=flip(p["leaf_input"], 60)), "certificate"),
    "leaf's time": (lambda p: p.update(leaf_input=flip(p["leaf_input"], 9)), "promise-other"),
    "leaf's version": (lambda p: p.update(leaf_input=flip(p["leaf_input"], 0)), "entry-unreadable"),
    "leaf's index": (lambda p: p.update(leaf_input=flip(p["leaf_input"])), "entry-index"),
    "leaf with more": (
        lambda p: p.update(leaf_input=base64.b64encode(base64.b64decode(p["leaf_input"]) + b"\0").decode()),
        "entry-unreadable",
    ),
    "index": (lambda p: p.update(leaf_index=p["leaf_index"] + 1), "entry-index"),
    "index that is no number": (lambda p: p.update(leaf_index="1"), "entry-unreadable"),
    "certificate's name": (lambda p: p.update(certificate=flip(p["certificate"], 200)), "certificate"),
    "certificate cut": (lambda p: p.update(certificate=p["certificate"][:400]), "certificate-unreadable"),
    "node": (lambda p: p["audit_path"].__setitem__(0, flip(p["audit_path"][0])), "inclusion"),
    "path short": (lambda p: p["audit_path"].pop(), "inclusion-unreadable"),
    "path long": (lambda p: p["audit_path"].append(p["audit_path"][0]), "inclusion-unreadable"),
    "path endless": (lambda p: p.update(audit_path=p["audit_path"] * 99), "inclusion-unreadable"),
    "node short": (lambda p: p["audit_path"].__setitem__(0, "AAAA"), "inclusion-unreadable"),
    "root": (
        lambda p: p["tree_head"].update(sha256_root_hash=flip(p["tree_head"]["sha256_root_hash"])),
        "inclusion",
    ),
    "tree size": (lambda p: p["tree_head"].update(tree_size=p["tree_head"]["tree_size"] + 1), None),
    "head's time": (lambda p: p["tree_head"].update(timestamp=p["tree_head"]["timestamp"] + 1), "head"),
    "head's signature": (
        lambda p: p["tree_head"].update(tree_head_signature=flip(p["tree_head"]["tree_head_signature"])),
        "head",
    ),
    "signature of another kind": (
        lambda p: p["tree_head"].update(tree_head_signature=flip(p["tree_head"]["tree_head_signature"], 0)),
        "head-unreadable",
    ),
    "no tree head": (lambda p: p.pop("tree_head"), "inclusion-unreadable"),
}


@pytest.mark.parametrize("log", LOGS)
@pytest.mark.parametrize("what", TAMPERED)
def test_a_tampered_proof_is_refused_where_it_was_tampered_with(saved, client, world, log, what):
    change, code = TAMPERED[what]
    proof = copy.deepcopy(proof_of(client, world, log))
    changed = change(proof)
    result = check(saved, changed if code == "open-unreadable" else proof)
    assert result["state"] == "refused"
    refused = [step["code"] for step in result["steps"] if step["state"] == "refused"]
    assert len(refused) == 1
    assert code is None or refused == [code]


def test_every_byte_of_the_signatures_matters(saved, client, world):
    for log in LOGS:
        proof = proof_of(client, world, log)
        signature = proof["tree_head"]["tree_head_signature"]
        for at in range(len(base64.b64decode(signature))):
            changed = copy.deepcopy(proof)
            changed["tree_head"]["tree_head_signature"] = flip(signature, at)
            assert check(saved, changed)["state"] == "refused", f"{log}: byte {at}"


def test_a_forged_promise_in_the_certificate_is_refused(saved, client, world):
    proof = proof_of(client, world, "p256")
    der = bytearray(base64.b64decode(proof["certificate"]))
    log_id = base64.b64decode(proof["log"]["log_id"])
    der[der.index(log_id) + 32 + 8 + 2 + 8 + 4 + 12] ^= 1  # inside the signature of this log's SCT
    proof["certificate"] = base64.b64encode(bytes(der)).decode()
    assert codes(check(saved, proof))["promise"] == "refused"


@pytest.mark.parametrize("log", LOGS)
def test_a_head_from_elsewhere_shows_one_history_or_two(saved, client, world, log):
    proof, small = proof_of(client, world, log), world.logs.logs[log]
    size, now = proof["tree_head"]["tree_size"], proof["tree_head"]["timestamp"] + 5
    same = sign_tree_head(size, now, root_of(small.hashes[:size]), small.key)
    other = sign_tree_head(size, now, hash_leaf(b"another history"), small.key)
    older = sign_tree_head(3, now, root_of(small.hashes[:3]), small.key)
    foreign = sign_tree_head(
        size, now, root_of(small.hashes[:size]), PrivateKey.generate(small.key.public_key.algorithm)
    )
    steps = [base64.b64encode(node).decode() for node in consistency_proof(small.hashes[:size], 3, size)]
    empty = sign_tree_head(0, now, hashlib.sha256(b"").digest(), small.key)

    def told(head, consistency=None) -> str:
        result = check(saved, proof, pasted=json.dumps(head_json(head)), consistency=consistency)
        return f"{result['steps'][-1]['code']} {result['state']}"

    assert told(same) == "elsewhere trusted"
    assert told(other) == "elsewhere-split refused"
    assert told(older) == "elsewhere-consistency unknown"
    assert told(older, steps) == "elsewhere trusted"
    assert told(older, [flip(steps[0]), *steps[1:]]) == "elsewhere-split refused"
    assert told(older, steps[1:]) in {"elsewhere-split refused", "elsewhere-unreadable refused"}
    assert told(foreign) == "elsewhere-signature refused"
    assert told(empty) == "elsewhere-empty trusted"


def test_a_checkpoint_is_a_head_from_elsewhere_too(saved, client, world):
    proof = proof_of(client, world, "sm2")
    head, origin, log_id = (
        proof["tree_head"],
        "mingjing.test/log/sm2",
        base64.b64decode(proof["log"]["log_id"]),
    )
    key_id = hashlib.sha256(origin.encode() + b"\n\x05" + log_id).digest()[:4]
    signed = head["timestamp"].to_bytes(8) + base64.b64decode(head["tree_head_signature"])
    line = f"— {origin} {base64.b64encode(key_id + signed).decode()}"
    note = f"{origin}\n{head['tree_size']}\n{head['sha256_root_hash']}\n\n— somebody AAAAAAA=\n{line}\n"
    assert codes(check(saved, proof, pasted=note))["elsewhere"] == "trusted"
    wrong = note.replace(f"\n{head['tree_size']}\n", f"\n{head['tree_size'] + 1}\n")
    assert codes(check(saved, proof, pasted=wrong))["elsewhere-signature"] == "refused"
    assert codes(check(saved, proof, pasted=note.replace(line, "")))["elsewhere-unreadable"] == "refused"


def test_the_saved_file_is_used_by_keyboard_in_both_languages(saved, client, world):
    saved.reload()
    saved.get_by_label("Or paste its text").fill(json.dumps(proof_of(client, world, "sm2")))
    saved.keyboard.press("Tab")
    saved.keyboard.press("Tab")
    saved.keyboard.press("Enter")
    expect(saved.locator("#result")).to_have_attribute("data-state", "trusted")
    expect(saved.locator("#result li[data-code=head]")).to_contain_text("SM2, SM3")
    saved.get_by_role("button", name="简体中文").click()
    expect(saved.locator("#result .banner")).to_contain_text("全部检查通过")
    assert saved.evaluate("document.documentElement.lang") == "zh-CN"


def test_both_languages_say_the_same_things(saved):
    en, zh = saved.evaluate("Object.values(Mingjing.words).map((words) => Object.keys(words).sort())")
    assert en == zh


def test_the_saved_file_may_open_no_connection(saved, base, browser):
    page = browser.new_page()
    page.goto(saved.url)
    script = "(address) => fetch(address).then(() => 'reached', () => 'refused')"
    assert page.evaluate(script, f"{base}/healthz") == "refused"
    page.close()
    policy = re.search(rb'http-equiv="Content-Security-Policy" content="([^"]*)"', single_file())
    assert policy is not None
    assert policy[1].startswith(b"default-src 'none'; style-src 'sha256-")
    assert b"connect-src" not in policy[1]
    assert b"unsafe" not in policy[1]


@pytest.mark.parametrize("size", [(1280, 900), (390, 844)], ids=["desk", "phone"])
def test_on_the_site_a_certificates_proof_is_checked_at_once(browser, base, client, world, size):
    context = browser.new_context(base_url=base, viewport={"width": size[0], "height": size[1]})
    page = context.new_page()
    sha256 = world.pair.ecc.certificate.fingerprint.hex()
    facts = client.get(f"/certificate/{sha256}?output=json").get_json()
    index = next(found["leaf_index"] for found in facts["proofs"] if found["log"] == "p256")
    page.goto(f"/verify?certificate={sha256}&log=p256&index={index}")
    expect(page.locator("#result")).to_have_attribute("data-state", "trusted")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    with page.expect_download() as downloading:
        page.get_by_role("link", name="mingjing-verify.html").click()
    assert Path(downloading.value.path()).read_bytes() == single_file()
    assert page.get_by_text(single_file_hash()[:8]).count()
    context.close()


def test_on_the_site_an_older_head_is_compared_by_the_logs_own_proof(browser, base, world, client):
    small, proof = world.logs.logs["p256"], proof_of(client, world, "p256")
    older = sign_tree_head(2, proof["tree_head"]["timestamp"], root_of(small.hashes[:2]), small.key)
    context = browser.new_context(base_url=base)
    page = context.new_page()
    page.goto("/verify")
    page.get_by_label("Or paste its text").fill(json.dumps(proof))
    page.get_by_text("Compare with what you know from elsewhere").click()
    page.locator("#other-head").fill(json.dumps(head_json(older)))
    page.get_by_role("button", name="Check", exact=True).click()
    expect(page.locator("#result li[data-code=elsewhere]")).to_have_attribute("data-state", "trusted")
    context.close()


def test_a_proof_of_something_else_is_not_given(client, world):
    sha256 = world.pair.ecc.certificate.fingerprint.hex()
    assert client.get(f"/certificate/{sha256}/proof/p256/99999").status_code == 404
    assert client.get(f"/certificate/{sha256}/proof/nolog/0").status_code == 404
    assert client.get("/certificate/zz/proof/p256/0").status_code == 400
    assert client.get("/verify?certificate=a&log=b&index=x").status_code == 400


def test_the_published_hash_is_the_files(client):
    assert single_file_hash() in DOCUMENT.read_text("utf-8")
    assert client.get("/verify?output=json").get_json()["sha256"] == single_file_hash()
    assert client.get("/verify/mingjing-verify.html").data == single_file()
    page = client.get("/verify").text
    assert all(script in page for script in SCRIPTS)
