"""Copy a log's public side to a directory that any static web server or CDN serves (static-ct-api).

Run it again to bring the copy up to date: only what is new is written, tiles before the checkpoint, so the
copy is consistent at every moment. docs/static-serving.md says which headers the web server should set.
"""

import argparse
from pathlib import Path

from mingjing import data, output

EXAMPLES = """\
examples:
  mingjing log export p256 /srv/www/log/p256
  mingjing log export p256 /srv/www/log/p256 --compress     .gz files too (gzip_static, precompressed)
  mingjing log export p256 /srv/www/log/p256 --monitoring-url https://logs.example.org/p256/
"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="the log")
    parser.add_argument("target", metavar="DIR", help="an empty directory, or an earlier export of this log")
    parser.add_argument(
        "--compress", action="store_true", help="write NAME.gz beside each file that it shortens"
    )
    parser.add_argument(
        "--monitoring-url",
        metavar="URL",
        help="where DIR is served (default: the service's address)",
    )


def run(arguments: argparse.Namespace) -> int:
    from mingjing.exported import export
    from mingjing.progress import Progress
    from mingjing.rooms import room_errors

    directory, target = data.directory(arguments), Path(arguments.target)
    settings = data.load(directory)
    progress = Progress(f"Exporting {arguments.name}", "files")
    with room_errors():
        try:
            done = export(
                directory,
                settings,
                arguments.name,
                target,
                compress=arguments.compress,
                monitoring_url=arguments.monitoring_url,
                progress=progress,
            )
        finally:
            progress.end()
    facts = {"name": arguments.name, "directory": str(target), "tree_size": done.tree_size}
    if arguments.json:
        output.emit_json({**facts, "entries_before": done.before, "files_written": done.files})
    else:
        new = done.tree_size - done.before
        print(
            f"{output.mark(True)} {target} shows {done.tree_size:,} entries of the log {arguments.name}, "
            f"{new:,} of them new; {done.files:,} files written."
        )
    return 0
