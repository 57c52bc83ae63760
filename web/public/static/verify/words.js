// What the checker says, in both languages: one title and sentence for each code of check.js.
"use strict";

(() => {
  const LAST_MOMENT = 8.64e15; // of JavaScript's calendar

  const moment = (milliseconds) => milliseconds > LAST_MOMENT
    ? `${milliseconds} ms`
    : `${new Date(milliseconds).toISOString().replace("T", " ").slice(0, 19)} UTC`;
  const grouped = (number) => String(number).replace(/\B(?=(\d{3})+$)/g, ",");

  const en = {
    states: { trusted: "trusted", refused: "refused", unknown: "not yet known" },
    switch: "简体中文", switchTo: "zh-CN",
    title: "Check a proof yourself",
    lede: "Your own browser computes every step here. Nothing is sent anywhere.",
    choose: "Proof file", drop: "Choose a file, or drop it anywhere on this page.",
    paste: "Or paste its text", other: "A tree head from elsewhere",
    otherHelp: "Obtained by another way than this file, from the log itself, a witness or a colleague: " +
      "get-sth JSON or a checkpoint. It shows whether everyone is shown the same tree.",
    consistency: "A consistency proof between the two",
    consistencyHelp: "The answer of get-sth-consistency for the two sizes.",
    compare: "Compare with what you know from elsewhere (optional)",
    whom: "Whom you trust", whomHelp: "A log list (JSON), or log IDs and keys of witnesses (vkeys), one a line: " +
      "from anywhere but this file.",
    run: "Check", save: "Download the proof file", nodes: "Every node, computed again",
    leftOf: "with the log's node on the left", rightOf: "with the log's node on the right",
    verdict: {
      trusted: "Every check passed: the entry stands in the log's tree, and the log signed that tree.",
      refused: "The proof does not hold. What follows the first failed check was not looked at.",
      unknown: "Something could not be checked yet; see below.",
    },
    "open-unreadable": ["The file", ({ reason }) => `This is no proof file: ${reason}.`],
    log: ["The log", ({ name, kind, id }) =>
      `The key (${kind}) has the log ID ${id}. Compare it with the log list that you trust; the file calls the log ${name}.`],
    "log-unsupported": ["The log", ({ name, id }) =>
      `The key is neither SM2, P-256 nor RSA: its signatures cannot be checked here. Its log ID is ${id}; the file calls the log ${name}.`],
    listed: ["The log", ({ count, id }, state) => state === "trusted"
      ? `You trust it: it is one of ${count} that you named.`
      : `It is not one of ${count} that you named: the key with the log ID ${id} is not among them.`],
    "listed-unreadable": ["Whom you trust", ({ reason }) => `What you gave cannot be read: ${reason}.`],
    "log-id": ["The log", () => "The log ID in the file is not the SHA-256 of the key in the file."],
    "log-unreadable": ["The log", ({ reason }) => `The log's key cannot be read: ${reason}.`],
    "entry-precertificate": ["The entry", ({ index, time, hash }) =>
      `Entry ${grouped(index)} is a precertificate, logged ${moment(time)}. Its leaf hash is ${hash}.`],
    "entry-certificate": ["The entry", ({ index, time, hash }) =>
      `Entry ${grouped(index)} is a certificate, logged ${moment(time)}. Its leaf hash is ${hash}.`],
    "entry-index": ["The entry", ({ index, said }) =>
      `The file says entry ${grouped(index)}, the entry itself says ${grouped(said)}.`],
    "entry-unreadable": ["The entry", ({ reason }) => `The entry cannot be read: ${reason}.`],
    certificate: ["The certificate", ({ hash }, state) => state === "trusted"
      ? `The certificate with SHA-256 ${hash} is what the entry was made of.`
      : `The certificate with SHA-256 ${hash} is not what the entry was made of.`],
    "certificate-absent": ["The certificate", () => "The file holds no certificate: the proof is about the entry alone."],
    "certificate-unreadable": ["The certificate", ({ reason }) => `The certificate cannot be read: ${reason}.`],
    promise: ["The promise", ({ time }, state) => state === "trusted"
      ? `The certificate carries this log's signed promise (SCT) of ${moment(time)}, and it was kept.`
      : "The certificate carries a promise (SCT) in this log's name whose signature is not the log's."],
    "promise-none": ["The promise", () => "The certificate carries no promise (SCT) of this log."],
    "promise-unsupported": ["The promise", () => "It cannot be checked here: the log's key is of a kind unknown to this page."],
    "promise-other": ["The promise", ({ time }) =>
      `The certificate's promise (SCT) of ${moment(time)} is about another entry than this one.`],
    "promise-unreadable": ["The promise", ({ reason }) => `The promise (SCT) cannot be read: ${reason}.`],
    inclusion: ["The path", ({ steps, size, root }, state) => state === "trusted"
      ? `${steps} steps lead from the entry to the root of the tree of ${grouped(size)}: ${root}.`
      : `The path ends in ${root}, which is not the root in the tree head.`],
    "inclusion-unreadable": ["The path", ({ reason }) => `The path does not hold: ${reason}.`],
    head: ["The log's signature", ({ time, size, kind }, state) => state === "trusted"
      ? `The log signed the tree of ${grouped(size)} at ${moment(time)} (${kind}).`
      : "The signature of the tree head is not that of the log's key."],
    "head-unsupported": ["The log's signature", () =>
      "It cannot be checked here: the log's key is of a kind unknown to this page."],
    "head-unreadable": ["The log's signature", ({ reason }) => `The signature cannot be read: ${reason}.`],
    elsewhere: ["The tree head from elsewhere", ({ size, time }) =>
      `The tree of ${grouped(size)} of ${moment(time)} and the proof's tree are one and the same history.`],
    "elsewhere-empty": ["The tree head from elsewhere", () =>
      "One of the two trees is empty, and every tree continues that."],
    "elsewhere-none": ["The tree head from elsewhere", () =>
      "None was given, so this says nothing of what others are shown."],
    "elsewhere-unsupported": ["The tree head from elsewhere", () =>
      "Its signature cannot be checked here: the log's key is of a kind unknown to this page."],
    "elsewhere-consistency": ["The tree head from elsewhere", ({ first, second }) =>
      `Its signature is the log's. To compare the trees of ${grouped(first)} and ${grouped(second)}, ` +
      "the consistency proof between them is needed."],
    "elsewhere-signature": ["The tree head from elsewhere", () => "Its signature is not that of the log's key."],
    "elsewhere-split": ["The tree head from elsewhere", ({ size }) =>
      `The log signed two trees that do not continue each other; the other one has ${grouped(size)} entries. ` +
      "Either the consistency proof is wrong, or the log shows different people different trees: keep both files."],
    "elsewhere-unreadable": ["The tree head from elsewhere", ({ reason }) => `It cannot be compared: ${reason}.`],
    witness: ["A witness", ({ name, time }, state) => state === "trusted"
      ? `${name} cosigned the tree head from elsewhere at ${moment(time)}: it saw that tree continue what it had seen before.`
      : `A cosignature in the name of ${name} is not that of the key that you trust.`],
    "witness-absent": ["A witness", ({ name }) =>
      `No cosignature of ${name} was given. A checkpoint carries them; get-sth does not.`],
    "witnesses-unreadable": ["A witness", ({ reason }) => `A cosignature cannot be read: ${reason}.`],
  };

  const zh = {
    states: { trusted: "可信", refused: "拒绝", unknown: "尚未确定" },
    switch: "English", switchTo: "en",
    title: "亲自核对证明",
    lede: "每一步都由您自己的浏览器计算，不向任何地方发送数据。",
    choose: "证明文件", drop: "选择文件，或拖放到本页任意位置。",
    paste: "或粘贴其内容", other: "从别处得到的树头",
    otherHelp: "请通过本文件以外的途径取得，例如直接来自日志、见证者或同事：get-sth 的 JSON 或检查点均可。" +
      "它能说明所有人看到的是否是同一棵树。",
    consistency: "两者之间的一致性证明",
    consistencyHelp: "get-sth-consistency 对这两个大小的回答。",
    compare: "与您从别处得知的内容比对（可选）",
    whom: "您信任谁", whomHelp: "日志列表（JSON），或每行一个日志标识或见证者公钥（vkey）；请勿取自本文件。",
    run: "核对", save: "下载证明文件", nodes: "重新计算的每个节点",
    leftOf: "日志给出的节点在左", rightOf: "日志给出的节点在右",
    verdict: {
      trusted: "全部检查通过：该条目在日志的树中，且日志签署了这棵树。",
      refused: "证明不成立。第一项失败之后的内容未再检查。",
      unknown: "有一项暂时无法检查，见下文。",
    },
    "open-unreadable": ["文件", ({ reason }) => `这不是证明文件：${reason}。`],
    log: ["日志", ({ name, kind, id }) =>
      `密钥（${kind}）的日志标识为 ${id}。请与您信任的日志列表比对；文件称此日志为 ${name}。`],
    "log-unsupported": ["日志", ({ name, id }) =>
      `该密钥既非 SM2、P-256 也非 RSA，此处无法验证其签名。日志标识为 ${id}；文件称此日志为 ${name}。`],
    listed: ["日志", ({ count, id }, state) => state === "trusted"
      ? `它在您给出的 ${count} 个日志之中，为您所信任。`
      : `它不在您给出的 ${count} 个日志之中：其中没有日志标识为 ${id} 的密钥。`],
    "listed-unreadable": ["您信任谁", ({ reason }) => `无法读取您给出的内容：${reason}。`],
    "log-id": ["日志", () => "文件中的日志标识不是文件中密钥的 SHA-256。"],
    "log-unreadable": ["日志", ({ reason }) => `无法读取日志的密钥：${reason}。`],
    "entry-precertificate": ["条目", ({ index, time, hash }) =>
      `第 ${grouped(index)} 条是预证书，记入时间 ${moment(time)}，叶哈希为 ${hash}。`],
    "entry-certificate": ["条目", ({ index, time, hash }) =>
      `第 ${grouped(index)} 条是证书，记入时间 ${moment(time)}，叶哈希为 ${hash}。`],
    "entry-index": ["条目", ({ index, said }) =>
      `文件称是第 ${grouped(index)} 条，条目本身写的是第 ${grouped(said)} 条。`],
    "entry-unreadable": ["条目", ({ reason }) => `无法读取条目：${reason}。`],
    certificate: ["证书", ({ hash }, state) => state === "trusted"
      ? `SHA-256 为 ${hash} 的证书正是该条目的来源。`
      : `SHA-256 为 ${hash} 的证书不是该条目的来源。`],
    "certificate-absent": ["证书", () => "文件中没有证书：证明只针对条目本身。"],
    "certificate-unreadable": ["证书", ({ reason }) => `无法读取证书：${reason}。`],
    promise: ["承诺", ({ time }, state) => state === "trusted"
      ? `证书中有该日志于 ${moment(time)} 签署的承诺（SCT），且已兑现。`
      : "证书中有一份以该日志名义作出的承诺（SCT），但签名不是该日志的。"],
    "promise-none": ["承诺", () => "证书中没有该日志的承诺（SCT）。"],
    "promise-unsupported": ["承诺", () => "此处无法验证：本页不支持该日志密钥的类型。"],
    "promise-other": ["承诺", ({ time }) => `证书中 ${moment(time)} 的承诺（SCT）针对的是另一条目。`],
    "promise-unreadable": ["承诺", ({ reason }) => `无法读取承诺（SCT）：${reason}。`],
    inclusion: ["路径", ({ steps, size, root }, state) => state === "trusted"
      ? `经过 ${steps} 步，由该条目到达大小为 ${grouped(size)} 的树的根：${root}。`
      : `路径的终点是 ${root}，与树头中的根不符。`],
    "inclusion-unreadable": ["路径", ({ reason }) => `路径不成立：${reason}。`],
    head: ["日志的签名", ({ time, size, kind }, state) => state === "trusted"
      ? `日志于 ${moment(time)} 签署了大小为 ${grouped(size)} 的树（${kind}）。`
      : "树头的签名不是该日志密钥作出的。"],
    "head-unsupported": ["日志的签名", () => "此处无法验证：本页不支持该日志密钥的类型。"],
    "head-unreadable": ["日志的签名", ({ reason }) => `无法读取签名：${reason}。`],
    elsewhere: ["别处得到的树头", ({ size, time }) =>
      `${moment(time)} 大小为 ${grouped(size)} 的树与证明中的树属于同一历史。`],
    "elsewhere-empty": ["别处得到的树头", () => "两棵树之一为空，任何树都延续空树。"],
    "elsewhere-none": ["别处得到的树头", () => "未提供，因此无法说明他人看到的是否相同。"],
    "elsewhere-unsupported": ["别处得到的树头", () => "此处无法验证其签名：本页不支持该日志密钥的类型。"],
    "elsewhere-consistency": ["别处得到的树头", ({ first, second }) =>
      `签名属于该日志。要比较大小为 ${grouped(first)} 与 ${grouped(second)} 的两棵树，还需要两者之间的一致性证明。`],
    "elsewhere-signature": ["别处得到的树头", () => "签名不是该日志密钥作出的。"],
    "elsewhere-split": ["别处得到的树头", ({ size }) =>
      `日志签署了互不延续的两棵树，另一棵大小为 ${grouped(size)}。` +
      "要么一致性证明有误，要么日志向不同的人展示不同的树：请保存两份文件。"],
    "elsewhere-unreadable": ["别处得到的树头", ({ reason }) => `无法比较：${reason}。`],
    witness: ["见证者", ({ name, time }, state) => state === "trusted"
      ? `${name} 于 ${moment(time)} 联署了别处得到的树头：它看到该树延续了此前所见的树。`
      : `以 ${name} 名义作出的联署，并非出自您所信任的密钥。`],
    "witness-absent": ["见证者", ({ name }) => `未提供 ${name} 的联署。检查点带有联署，get-sth 则没有。`],
    "witnesses-unreadable": ["见证者", ({ reason }) => `无法读取联署：${reason}。`],
  };

  const { en: inEnglish, "zh-CN": inChinese } = Mingjing.reasons;
  Mingjing.words = { en: { ...en, ...inEnglish }, "zh-CN": { ...zh, ...inChinese } };
})();
