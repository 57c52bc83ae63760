"""What the pages of watching say of notices, who was told of them, and what a person can do."""

from typing import Final

MESSAGES: Final = {
    "Acknowledged {ago}.": "{ago}已确认。",
    "{channel} was told {ago}": "已通知 {channel}（{ago}）",
    "{channel} waits to be told": "等待通知 {channel}",
    "{channel} waits to be told; the last attempt failed: {error}": "等待通知 {channel}；最近一次尝试失败：{error}",
    "{channel} was given up: {error}": "已放弃通知 {channel}：{error}",
    "{channel} need not be told": "无需通知 {channel}",
    "to look at": "待处理",
    "looked at": "已处理",
    "for information": "供参考",
    "known": "已知",
    "What waits for a person": "等待处理的通知",
    "All that waits for a person": "全部等待处理的通知",
    "Other notices": "其他通知",
    ", ": "，",
    "Older notices": "更早的通知",
    "before must be the number of a notice.": "before 必须是通知的编号。",
    "signed webhook": "带签名的 webhook",
    "program": "程序",
    "What you can do": "您可以做什么",
    "This site only shows; these commands, on the machine that watches, change something.": "本站只作展示；更改须在负责监视的机器上用以下命令。",
    "see whether everybody is told: a test notice through every channel": "发一条测试通知，确认每个渠道都能收到",
    "mark a notice as looked at, with a note": "确认一条通知，并附上说明",
    "a certificate is known: no alert for it, on any watch": "该证书为已知证书：任何监视项都不再告警",
    "once more through the channels that had given up": "经由已放弃的渠道再发一次",
}

SHAPES: Final = {
    "the receiver said {status}, expected 200 to 299": "接收方回答 {status}，应为 200 至 299",
    "the receiver's certificate is refused: {reason}": "接收方的证书不被接受：{reason}",
    "no whole answer within {seconds} s: {reason}": "{seconds} 秒内没有完整的回答：{reason}",
    "could not reach the receiver: {reason}": "无法连接接收方：{reason}",
    "could not read the secret file {path}: {reason}": "无法读取密钥文件 {path}：{reason}",
    "{path} can be read by others: expected mode 0600": "他人可读 {path}：权限应为 0600",
    "could not run {program}: {reason}": "无法运行 {program}：{reason}",
    "could not find the program {program}: {reason}": "找不到程序 {program}：{reason}",
    "{program} is not an executable file": "{program} 不是可执行文件",
    "{program} can be changed by others: take their right to write away (chmod go-w)": "他人可以改动 {program}：请取消其写权限（chmod go-w）",
    "{program} did not end within {seconds} s": "{program} 未在 {seconds} 秒内结束",
    "{program} ended with exit code {code}": "{program} 以退出码 {code} 结束",
    "{program} ended with exit code {code}: {said}": "{program} 以退出码 {code} 结束：{said}",
    "The watchlist was changed and is refused, the one before stays in force: {reason}": "监视列表已更改，但不被接受，此前的列表继续有效：{reason}",
}
