"""Stores that share a directory: the heads of all logs lie side by side."""

from concurrent.futures import ThreadPoolExecutor

from tlog.storage import DirectoryStore


def test_stores_in_one_directory_never_touch_each_others_files(tmp_path):
    def write(name):
        store = DirectoryStore(tmp_path)
        for round_ in range(100):
            content = f"{name} {round_}".encode()
            store.replace(f"{name}.head", content)
            assert store.read(f"{name}.head") == content

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, ("sm2", "p256", "demo-sm2", "demo-p256")))
