// Why something cannot be read, in both languages: one sentence for each code of Wrong. `what` names the thing at
// fault: one of `things`, or a field of the file, which is called what it is called there.
"use strict";

(() => {
  const en = {
    things: {
      entry: "the entry", certificate: "the certificate", extensions: "the certificate's extensions",
      extension: "one of the certificate's extensions", promises: "the list of promises", promise: "the promise",
      key: "the log's key", "rsa-key": "the log's RSA key", signature: "the signature", head: "the tree head",
      checkpoint: "the checkpoint", path: "the path", consistency: "the consistency proof",
      cosignature: "the cosignature", trusted: "what you trust", vkey: "a witness's key",
    },
    reasons: {
      unreadable: () => "it is not of the expected form",
      "too-large": () => "it is larger than any proof, 2 MiB",
      "no-json": () => "it is not JSON",
      "no-format": ({ format }) => `it is not of the format ${format}`,
      "base64-expected": ({ what }) => `${what}: expected base64 text`,
      "base64-broken": ({ what }) => `${what}: not base64`,
      "base64-form": ({ what }) => `${what}: not base64 in its one right form`,
      "whole-number": ({ what }) => `${what}: expected a whole number`,
      "ends-early": ({ what }) => `${what}: it ends too early`,
      "bytes-follow": ({ what }) => `${what}: bytes follow its end`,
      "number-large": ({ what }) => `${what}: a number is too large`,
      "der-tag": ({ what, tag, found }) => `${what}: expected the DER tag ${tag}, found ${found}`,
      "der-length": ({ what }) => `${what}: a length is not DER`,
      "der-number": ({ what }) => `${what}: a number is not DER`,
      "node-size": ({ what }) => `${what}: a hash is not 32 bytes`,
      "path-nodes": ({ most }) => `audit_path: expected a list of at most ${most} nodes`,
      version: ({ what }) => `${what}: not of RFC 6962's version 1`,
      "entry-type": ({ type }) => `the entry: its type is ${type}, expected 0 or 1`,
      "key-bits": () => "the log's key: unused bits",
      "key-point": () => "the log's key: no point of its curve",
      "rsa-size": ({ bits, least, most }) => `the log's RSA key: ${bits} bits, expected ${least} to ${most}`,
      "rsa-exponent": () => "the log's RSA key: its exponent is not an odd number from 3 to 2^32",
      "signature-kind": ({ kind }) => `the signature: not of the kind of the log's key, ${kind}`,
      "signature-order": () => "the signature: a number is outside the curve's order",
      outside: ({ index, size }) => `entry ${index} is outside a tree of ${size}`,
      long: ({ what }) => `${what} is too long`,
      short: ({ what }) => `${what} is too short`,
      "empty-tree": () => "nothing follows from an empty tree",
      "no-object": ({ what }) => `${what}: expected a JSON object`,
      "no-note": () => "the checkpoint: not a signed note",
      "no-line": () => "the checkpoint: no signature line of this log",
      "no-head": () => "it is neither a checkpoint nor the JSON of get-sth",
      "no-list": () => "it is not the JSON of a log list",
      "vkey-kind": () => "a witness's key: not one for Ed25519 cosignatures",
      "vkey-id": () => "a witness's key: its ID is not that of its name and key",
    },
  };

  const zh = {
    things: {
      entry: "条目", certificate: "证书", extensions: "证书的扩展", extension: "证书的某个扩展",
      promises: "承诺列表", promise: "承诺", key: "日志的密钥", "rsa-key": "日志的 RSA 密钥", signature: "签名",
      head: "树头", checkpoint: "检查点", path: "路径", consistency: "一致性证明", cosignature: "联署",
      trusted: "您信任的对象", vkey: "见证者公钥",
    },
    reasons: {
      unreadable: () => "格式不符合预期",
      "too-large": () => "大于任何证明应有的大小（2 MiB）",
      "no-json": () => "不是 JSON",
      "no-format": ({ format }) => `格式不是 ${format}`,
      "base64-expected": ({ what }) => `${what}：应为 base64 文本`,
      "base64-broken": ({ what }) => `${what}：不是 base64`,
      "base64-form": ({ what }) => `${what}：不是 base64 的唯一规范形式`,
      "whole-number": ({ what }) => `${what}：应为非负整数`,
      "ends-early": ({ what }) => `${what}：过早结束`,
      "bytes-follow": ({ what }) => `${what}：末尾之后还有多余字节`,
      "number-large": ({ what }) => `${what}：数值过大`,
      "der-tag": ({ what, tag, found }) => `${what}：DER 标签应为 ${tag}，实为 ${found}`,
      "der-length": ({ what }) => `${what}：长度不符合 DER 编码`,
      "der-number": ({ what }) => `${what}：整数不符合 DER 编码`,
      "node-size": ({ what }) => `${what}：哈希值不是 32 字节`,
      "path-nodes": ({ most }) => `audit_path：应为至多 ${most} 个节点的列表`,
      version: ({ what }) => `${what}：不是 RFC 6962 的第 1 版`,
      "entry-type": ({ type }) => `条目：类型为 ${type}，应为 0 或 1`,
      "key-bits": () => "日志的密钥：含有未使用的比特",
      "key-point": () => "日志的密钥：不是其曲线上的点",
      "rsa-size": ({ bits, least, most }) => `日志的 RSA 密钥：${bits} 位，应为 ${least} 至 ${most} 位`,
      "rsa-exponent": () => "日志的 RSA 密钥：指数不是 3 至 2^32 之间的奇数",
      "signature-kind": ({ kind }) => `签名：与日志密钥的类型（${kind}）不符`,
      "signature-order": () => "签名：数值超出曲线的阶",
      outside: ({ index, size }) => `第 ${index} 条超出了大小为 ${size} 的树`,
      long: ({ what }) => `${what}过长`,
      short: ({ what }) => `${what}过短`,
      "empty-tree": () => "空树之后无从推导",
      "no-object": ({ what }) => `${what}：应为 JSON 对象`,
      "no-note": () => "检查点：不是带签名的文本（signed note）",
      "no-line": () => "检查点：没有该日志的签名行",
      "no-head": () => "既不是检查点，也不是 get-sth 的 JSON",
      "no-list": () => "不是日志列表的 JSON",
      "vkey-kind": () => "见证者公钥：不是用于 Ed25519 联署的公钥",
      "vkey-id": () => "见证者公钥：其标识与名称和公钥不符",
    },
  };

  // A reason as a phrase of one language's words.
  function phrase({ things, reasons }, { code, facts }) {
    return reasons[code]({ ...facts, what: things[facts.what] ?? facts.what });
  }

  Object.assign(Mingjing, { reasons: { en, "zh-CN": zh }, phrase });
})();
